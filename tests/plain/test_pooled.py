"""A plan from its document to balanced books and a page, by the command."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from flows.close_period import close_period
from flows.loans import pay
from flows.market import rows_of
from flows.pool import run_pool
from schemas.errors import FactorError, Refused
from schemas.registers import JournalLine
from tasks import store
from tests.builders import temporary_store
from tests.command import ROOT, datafactor
from tests.dealt import LOAN, balances, drawn

NAME, BOOKS = "nine-borrowers", "nine-borrowers-plan"
DAY = date(2025, 12, 31)


def laid_out(home: Path, above: str = "200000000.00") -> dict[str, str]:
    """Lay out the documents; entries up to an amount need no approval."""
    folder = home / "deployments"
    for part in ("pools", "entities", "policies"):
        shutil.copytree(ROOT / "deployments" / part, folder / part)
    (folder / "factors").mkdir()
    policy = folder / "policies" / "cn-2025.yaml"
    text = policy.read_text("utf-8").replace('"5000000.00"', f'"{above}"', 1)
    policy.write_text(text, "utf-8")
    return {"DATAFACTOR_FACTORS": str(folder / "factors")}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A house that has the example plan and no factor."""
    with temporary_store(tmp_path, **laid_out(tmp_path), DATAFACTOR_DATA=str(tmp_path)):
        yield tmp_path


def document(home: Path) -> Path:
    """The plan's document."""
    return home / "deployments" / "pools" / f"{NAME}.yaml"


def test_a_plan_pays_out_what_came_in_and_its_books_balance(home: Path) -> None:
    first = run_pool(NAME, date(2025, 8, 31), home / "pages")
    made = run_pool(NAME, DAY, home / "pages")
    again = run_pool(NAME, DAY, home / "pages")

    # by hand: 120,000,000 × 0.02 × 31/365 = 203,835.62; 133,700,000 × 0.001 × 31/365
    # = 11,355.34; 501,375.00 × 0.0326 = 16,344.83 (16,344.825)
    (month,) = first["periods"]
    assert (month["taxes"], month["fees"]) == ("16,344.83", "11,355.34")
    assert month["senior_interest"] == "203,835.62"
    assert again == made
    assert made["waits"] == []
    held = balances(BOOKS)
    # collected: 20,000,000.00 of 133,700,000.00 and 2,431,875.00 of interest
    assert held["1303"] == 13_370_000_000 - 2_000_000_000
    assert held["6011"] == -243_187_500
    assert "1002" not in held
    assert close_period.fn(BOOKS, "2025-07")["entries"] == 1
    assert held["2502"] == -(12_000_000_000 - 2_000_000_000)
    assert store.verify(store.current()).exit == 0


def test_the_page_stands_by_itself_and_shows_every_period(home: Path) -> None:
    made = run_pool(NAME, DAY, home / "pages")

    (file,) = made["page"]
    page = Path(file).read_text("utf-8")
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-eq", "")
    for said in ("0.890052", "示例", "made up", "ILLUSTRATIVE-L-09", "203,835.62"):
        assert said in page
    assert page.count("<svg") == 1
    assert all(period["paid_on"] in page for period in made["periods"])


def test_a_pool_that_fails_the_label_is_refused_and_nothing_is_posted(
    home: Path,
) -> None:
    loans = (ROOT / "deployments/pools/nine-borrowers-loans.csv").read_text("utf-8")
    (home / "loans.csv").write_text(loans.replace(",true,", ",false,"), "utf-8")
    text = document(home).read_text("utf-8")
    shipped = "package:deployments/pools/nine-borrowers-loans.csv"
    document(home).write_text(text.replace(shipped, "loans.csv"), "utf-8")

    said = "0.000000 of the pool rests on pledged data, more than 0.50 is asked"
    with pytest.raises(Refused, match=said):
        run_pool(NAME, DAY, None)

    assert rows_of(JournalLine, entity=BOOKS) == []


def test_large_entries_of_a_plan_wait_for_another_person(tmp_path: Path) -> None:
    factors = laid_out(tmp_path, "5000000.00")["DATAFACTOR_FACTORS"]
    asked = ("pool", NAME, "--as-of", str(DAY), "--json")

    said = datafactor(*asked, home=tmp_path, DATAFACTOR_FACTORS=factors)

    assert (said.exit, len(said.data["periods"])) == (1, 5)
    assert "wait for another person: `datafactor approve" in said.data["waits"][0]


def test_a_plan_that_is_not_there_or_misnamed_is_told(home: Path) -> None:
    with pytest.raises(FactorError, match="there are: nine-borrowers"):
        run_pool("other", DAY, None)
    document(home).rename(home / "deployments" / "pools" / "other.yaml")
    with pytest.raises(FactorError, match="name the file so"):
        run_pool("other", DAY, None)


OWN = """
pool: one-loan
title: One loan of the store (ILLUSTRATIVE)
illustrative: true
entity: nine-borrowers-plan
policy: cn-2025
cut_off: 2026-06-30
matures_on: 2027-07-31
senior: "4000000.00"
subordinated: "1000000.00"
coupon_rate: "0.024"
tax_rate: "0.0326"
fee_rate: "0.001"
turbo_above: "0.05"
agreements: [BANK-2026-001]
"""


def test_a_loan_of_the_store_is_pooled_as_its_book_stands_and_pays_in(
    tmp_path: Path,
) -> None:
    with drawn(tmp_path):
        shutil.copytree(
            ROOT / "deployments" / "pools", tmp_path / "deployments" / "pools"
        )
        place = tmp_path / "deployments" / "pools" / "one-loan.yaml"
        place.write_text(OWN, "utf-8")
        pay(LOAN, "431666.67", "", date(2026, 7, 30), "", None, evidence="SLIP-2")

        made = run_pool("one-loan", date(2026, 7, 31), None)

        (loan,) = made["loans"]
        assert (loan["balance"], loan["data_pledged"]) == ("5,000,000.00", True)
        # by hand, LOAN-03: 416,666.67 of principal and 15,000.00 of interest; taxes
        # 489.00; fees 5,000,000 × 0.001 × 31/365 = 424.66; interest 4,000,000 × 0.024
        # × 31/365 = 8,153.42; the rest 431,666.67 − 489.00 − 424.66 − 8,153.42 −
        # 416,666.67 = 5,932.92
        (month,) = made["periods"]
        told = [month[n] for n in ("cash", "taxes", "fees", "senior_interest")]
        assert told == ["431,666.67", "489.00", "424.66", "8,153.42"]
        assert (month["senior_principal"], month["subordinated"]) == (
            *("416,666.67", "5,932.92"),
        )
        assert "1002" not in balances(BOOKS)
        assert store.verify(store.current()).exit == 0
