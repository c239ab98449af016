"""Enterprises: 2,016 facilities; a decision that was withdrawn counts for nothing."""

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest

from schemas.artifact import Stage
from tests.sets.ran import Ran, needed, run_of

VOID = {"撤銷並另立裁處書", "原處分撤銷", "實體撤銷"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed("enterprise_env_tw/facilities.csv")
    home = tmp_path_factory.mktemp("enterprise")
    with run_of("enterprise-env", home, through=Stage.PRODUCT) as ran:
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


def test_no_certificate_is_issued_where_any_row_leaves_a_doubt(ran: Ran) -> None:
    issued = set(ran.rows("product").filter(certificate="issued")["facility"])
    with needed("enterprise_env_tw/facilities.csv").open() as file:
        facilities = {row["管制編號"]: row for row in csv.DictReader(file)}
    with needed("enterprise_env_tw/penalties.csv").open() as file:
        standing = [
            row
            for row in csv.DictReader(file)
            if not row["APPEALRESCIND"] and row["PETITIONRESULTS"] not in VOID
        ]
    numbers = {
        row[name]
        for row in standing
        for name in ("source_facility", "REGISTRATIONNO", "TRANSGRESSCONTROLID")
    }
    names = {row[n] for row in standing for n in ("FACILITYNAME", "TRANSGRESSNAME")}
    names |= {facilities[row["source_facility"]]["name"] for row in standing}
    days = {row["最新資料匯入日期"] for row in facilities.values()}

    # The costly error is a wrong "issued", so it is looked for in every way there is.
    assert not issued & numbers
    assert not {facilities[number]["name"] for number in issued} & names
    assert {facilities[number]["最新資料匯入日期"] for number in issued} == {max(days)}


def test_certificates_are_issued_refused_or_neither_as_counted(ran: Ran) -> None:
    product = ran.rows("product")

    assert Counter(product["certificate"].to_list()) == {
        "issued": 1_274,
        "refused": 392,
        "cannot certify": 350,
    }
    # One by its number, 17 more by the name of an enterprise fined at another site.
    assert Counter(product["ground"].to_list()) == {
        "in the newest reading, no penalty stands": 1_274,
        "a penalty stands": 392,
        "a penalty elsewhere names its number or its name": 18,
        "not in the newest reading of the register": 332,
    }
    assert product["penalties"].sum() == 1_030  # of 1,067: 37 were withdrawn


def test_a_report_says_its_window_and_no_name(ran: Ran) -> None:
    product = ran.rows("product")

    assert set(product["window_from"].to_list()) == {date(2011, 3, 10)}
    assert set(product["window_to"].to_list()) == set(ran.rows()["read_on"].to_list())
    assert {"name", "address", "transgressor"}.isdisjoint(product.columns)
