"""A loan in default, end to end: the lender steps in, or the asset is sold."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.close_period import close_period
from flows.demo import AS_OF, FACTOR
from flows.enforce import realise, step_in
from flows.lent import standing
from flows.market import rows_of
from flows.value_chain import value_chain
from schemas.errors import Refused, RegisterError
from schemas.registers import CoverState, JournalLine, LoanFact, PledgeEvent, Right
from tasks import store
from tests.builders import temporary_store
from tests.dealt import LOAN, balances, drawn
from tests.june import ENTITY, laid_out, places
from tests.store.build import cover, event, post_row

Facts = dict[str, Any]  # JSON
LENDER = "Illustrative Bank of Jiangbei"


@pytest.fixture(scope="module")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo's asset, pledged for its loan."""
    home = tmp_path_factory.mktemp("lent")
    with temporary_store(home, **laid_out(home)):
        value_chain.fn(FACTOR, AS_OF)
        yield home


def test_without_a_recorded_default_nobody_steps_in(lent: Path) -> None:
    with pytest.raises(Refused, match=f"nothing is recorded of how {LOAN} stands"):
        step_in(LOAN, AS_OF, "NOTICE-1", None, "")
    with pytest.raises(RegisterError, match="nothing is pledged under L-9"):
        step_in("L-9", AS_OF, "NOTICE-1", None, "")
    assert [e["event"] for e in rows_of(PledgeEvent)] == []


def test_after_a_default_the_lender_operates_by_one_transfer(lent: Path) -> None:
    s = store.current()
    post_row(s, CoverState, cover(state="default", watched_on=AS_OF), "watch")

    first = step_in(LOAN, AS_OF, "NOTICE-1", None, "clause 9")
    again = step_in(LOAN, AS_OF, "NOTICE-1", None, "clause 9")

    assert first == again
    assert [r["holder"] for r in first["rights"]] == [LENDER]
    moved = [r for r in rows_of(Right, entity=ENTITY) if r["event"] == "transfer"]
    assert [(r["right"], r["holder"]) for r in moved] == [("operate", LENDER)]
    (event,) = rows_of(PledgeEvent)
    assert (event["request"], event["event"], event["reason"]) == (
        *(LOAN, "step_in"),
        "clause 9",
    )
    assert store.verify(s).exit == 0


SOLD = date(2026, 7, 15)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's loan, drawn, and in default before its first instalment."""
    home = tmp_path_factory.mktemp("before")
    with drawn(home):
        bad = cover(state="default", watched_on=date(2026, 7, 10))
        post_row(store.current(), CoverState, bad, "watch")
        gone = event("cancel", registration="ZD-1", effective_on=date(2026, 7, 14))
        post_row(store.current(), PledgeEvent, gone, "act")
    return home


@pytest.fixture
def defaulted(before: Path, tmp_path: Path) -> Iterator[Path]:
    """A house of its own in which it is so."""
    home = tmp_path / "home"
    shutil.copytree(before, home)
    with temporary_store(home, **places(home)):
        yield home


def sale(proceeds: str = "6000000.00", evidence: str = "SALE-1") -> Facts:
    """Sell the asset; the court took 100,000.00."""
    who = {"tax": "0.00", "buyer": "Buyer", "enforcer": "Court"}
    return realise(LOAN, proceeds, "100000.00", SOLD, evidence, None, **who)


def balance(account: str, *events: str) -> int:
    """What an account of the pledgor holds by some events."""
    lines = rows_of(JournalLine, entity=ENTITY, account=account)
    return sum(n["amount_fen"] for n in lines if n["event"] in events)


def test_a_sale_pays_costs_interest_principal_and_the_pledgor_and_ends_the_pledge(
    defaulted: Path,
) -> None:
    first, again = sale(), sale()

    # by hand: 15 days of 30/360 on 5,000,000.00 at 3.6 % are 7,500.00
    assert first == again
    assert [(p["part"], p["paid"], p["unpaid"]) for p in first["paid"]] == [
        ("costs", "100,000.00", "0.00"),
        ("interest", "7,500.00", "0.00"),
        ("principal", "5,000,000.00", "0.00"),
        ("surplus", "892,500.00", "0.00"),
    ]
    assert [(e["event"], e["registration"]) for e in rows_of(PledgeEvent)] == [
        *(("cancel", "ZD-1"), ("perfect", "ZD-1"), ("release", "")),
    ]
    (paid,) = [f for f in rows_of(LoanFact) if f["event"] == "pay"]
    assert paid["amount_fen"] == 500_750_000
    with pytest.raises(RegisterError, match="ended otherwise than by SALE-2"):
        sale(evidence="SALE-2")
    with pytest.raises(RegisterError, match="no amount"):
        sale("much")

    close_period.fn(ENTITY, "2026-06")
    close_period.fn(ENTITY, "2026-07")

    # carried: 1,155,500.51 less June's 19,258.34; July bears none
    held = balances(ENTITY)
    assert held["6115"] == -(590_000_000 - 113_624_217)
    assert {"1701", "1702", "2001", "2231"} & set(held) == set()
    cash = {e: balance("1002", e) for e in ("borrow", "repay", "dispose")}
    assert cash == {
        "borrow": 500_000_000,
        "repay": -500_750_000,
        "dispose": 590_000_000,
    }
    assert sum(cash.values()) == 500_000_000 + 89_250_000  # the surplus
    assert store.verify(store.current()).exit == 0


def test_what_the_sale_does_not_bring_stays_a_debt_without_the_pledge(
    defaulted: Path,
) -> None:
    short = sale("3000000.00")

    # 2,900,000.00 after costs: 7,500.00 of interest, 2,892,500.00 of principal
    assert [(p["paid"], p["unpaid"]) for p in short["paid"]] == [
        ("100,000.00", "0.00"),
        ("7,500.00", "0.00"),
        ("2,892,500.00", "2,107,500.00"),
        ("0.00", "0.00"),
    ]
    (tranche,) = standing(LOAN, SOLD)["tranches"]
    assert tranche["outstanding"] == "2107500.00"
    assert balance("2001", "borrow", "repay") == -210_750_000


def test_a_sale_before_any_default_is_refused_and_records_nothing(
    defaulted: Path,
) -> None:
    early = date(2026, 7, 9)
    who = {"tax": "0.00", "buyer": "Buyer", "enforcer": "Court"}

    with pytest.raises(Refused, match="watch it first"):
        realise(LOAN, "1.00", "0.00", early, "SALE-1", None, **who)

    assert [e["event"] for e in rows_of(PledgeEvent)] == ["cancel", "perfect"]
    assert [f["event"] for f in rows_of(LoanFact)] == ["draw"]


def test_a_sale_that_brings_less_than_the_interest_pays_what_it_brings(
    defaulted: Path,
) -> None:
    poor = sale("105000.00")

    assert [(p["paid"], p["unpaid"]) for p in poor["paid"]] == [
        ("100,000.00", "0.00"),
        ("5,000.00", "2,500.00"),
        ("0.00", "5,000,000.00"),
        ("0.00", "0.00"),
    ]
    (tranche,) = standing(LOAN, SOLD)["tranches"]
    assert tranche["outstanding"] == "5000000.00"
    # the first instalment of 15,000.00 asks for 10,000.00 more
    assert tranche["next"]["interest"] == "10000.00"
    assert balance("2231", "interest", "repay") == -250_000
