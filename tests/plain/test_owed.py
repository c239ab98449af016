"""What is owed follows what was recorded of a loan, not what was planned."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.held import live_pledges, owed_on
from flows.lent import lent
from schemas.artifact import Stage
from schemas.registers import LoanFact
from tasks.capital.hold import Owed
from tasks.capital.loan.keep import digest_of
from tests import leased
from tests.store import build

DUE = date(2026, 7, 30)  # the first of twelve instalments of LOAN-9
NEXT = date(2026, 8, 31)  # the second: the 30th is a Sunday


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with leased.leased(tmp_path, through=Stage.CAPITAL):
        yield tmp_path


def owed(day: date) -> Owed:
    """What the one pledge secures on a day."""
    return owed_on(live_pledges(), day)["LOAN-9"]


def record(event: str, amount: int, on: date, **more: Any) -> None:
    """Record what happened to LOAN-9."""
    known: dict[str, Any] = {"loan": "LOAN-9", "effective_on": on}
    row = build.fact(event, amount_fen=amount, **known, **more)
    leased.post(LoanFact, row)


def test_a_loan_owes_what_was_drawn_and_not_paid(home: Path) -> None:
    # Nothing recorded: nobody has shown that a part was repaid.
    assert owed(DUE) == Owed(20_000_000, 0, "J68 insurance")

    # Drawn and not paid: all of it, and 0.036 / 12 of it for the month.
    drawn = digest_of(lent("LOAN-9").part(""))
    record("draw", 20_000_000, date(2026, 6, 30), name=drawn)
    assert owed(DUE) == Owed(20_000_000, 60_000, "J68 insurance")

    # 17,266.67 pay the month's interest and its part of the principal.
    record("pay", 1_726_667, DUE)
    assert owed(DUE) == Owed(18_333_333, 0, "J68 insurance")
    # The next instalment stays unpaid for 124 days.
    late = owed(NEXT + timedelta(days=124))
    assert (late.outstanding_fen, late.days_past_due) == (18_333_333, 124)


def test_what_no_document_tells_of_is_owed_as_it_is_secured(home: Path) -> None:
    (home / "factors" / "rain.yaml").unlink()

    assert owed(DUE) == Owed(20_000_000, 0, "not stated")
