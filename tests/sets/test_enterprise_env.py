"""Enterprises: 2,016 facilities; a decision that was withdrawn counts for nothing."""

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest

from tests.sets.ran import Ran, needed, run_of

VOID = {"撤銷並另立裁處書", "原處分撤銷", "實體撤銷"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed("enterprise_env_tw/facilities.csv")
    with run_of("enterprise-env", tmp_path_factory.mktemp("enterprise")) as ran:
        yield ran


def test_the_three_files_pass_whole(ran: Ran) -> None:
    assert ran.balance("facilities") == (2_016, 2_016, 0, 0)
    assert ran.balance("penalties") == (1_067, 1_067, 0, 0)
    assert ran.balance("register") == (2_016, 2_016, 0, 0)
    assert ran.balance("resource") == (2_016, 2_016, 0, 0)


def test_facilities_without_coordinates_are_counted(ran: Ran) -> None:
    names = ran.rows("facilities")["name"]

    assert ran.broke("facilities", "coordinates are known") == 568
    assert len(names) - names.n_unique() == 29  # a name is no key


def test_penalties_follow_their_transgressions(ran: Ran) -> None:
    days = ran.rows("penalties")["penalty_date"]

    assert (days.min(), days.max()) == (date(2011, 3, 10), date(2016, 9, 14))
    assert ran.broke("penalties", "follows its transgression") == 0
    assert ran.broke("penalties", "deadline") == 2


def test_identifiers_differ_from_table_to_table(ran: Ran) -> None:
    penalties = ran.rows("penalties")

    assert ran.broke("penalties", "the registered one") == 418
    assert penalties["registration"].str.len_chars().eq(12).sum() == 252
    assert penalties["document"].n_unique() == 1_023
    assert penalties["transgressor_id"].null_count() == 39
    assert penalties["improve_by"].null_count() == 706


def test_what_became_of_a_penalty_is_in_the_vocabulary(ran: Ran) -> None:
    penalties = ran.rows("penalties")

    rescinded = Counter(penalties["rescinded"].drop_nulls().to_list())
    petitions = Counter(penalties["petition_result"].drop_nulls().to_list())

    assert rescinded == {"資料鍵入錯誤": 29, "撤銷並另立裁處書": 3}
    assert petitions == {
        "訴願駁回": 11,
        "原告撤回": 2,
        "撤銷並另立裁處書": 2,
        "原處分撤銷": 2,
        "實體撤銷": 1,
    }


def test_each_row_says_on_which_day_the_register_was_read(ran: Ran) -> None:
    days = Counter(ran.rows()["read_on"].to_list())

    assert days == {
        date(2016, 2, 2): 25,
        date(2016, 3, 7): 542,
        date(2016, 10, 7): 1_449,
    }


def test_a_withdrawn_decision_is_no_finding(ran: Ran) -> None:
    with needed("enterprise_env_tw/penalties.csv").open() as file:
        rows = list(csv.DictReader(file))
    standing = [
        row
        for row in rows
        if not row["APPEALRESCIND"] and row["PETITIONRESULTS"] not in VOID
    ]
    decisions = {(row["source_facility"], row["DOCUMENTNO"]) for row in standing}

    resource = ran.rows()
    findings = Counter(resource["finding"].to_list())

    assert (len(rows) - len(standing), len(decisions)) == (37, 1_030)
    assert findings == {
        "penalised": 392,
        "only withdrawn penalties": 4,
        "none on record": 1_620,
    }
    assert resource["penalties"].sum() == len(decisions)
    assert resource["amount_twd"].sum() == sum(
        int(row["PENALTYMONEY"]) for row in standing
    )
    assert resource.filter(pl.col("reports") > 0).height == 396
