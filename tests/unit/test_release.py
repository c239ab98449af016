"""A pledge ends when nothing is owed, or when the lender lets its security go."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from schemas.errors import RegisterError
from schemas.pledging import PledgeAct
from schemas.registers import Pledge, PledgeEvent
from tasks.capital.pledging import register_pledge
from tests.store.build import frame_of, pledge


def released(owed: str, waived: bool = False) -> pl.DataFrame:
    """Release the pledge of 5,000,000.00 while something is owed."""
    asked = PledgeAct(
        factor="flights",
        entity="jiangbei",
        request="BANK-2026-001",
        event="release",
        effective_on=date(2026, 12, 31),
        evidence="letter 12",
        reason="paid back",
        owed=Decimal(owed),
        waived=waived,
    )
    before = frame_of(Pledge, [pledge()]).lazy(), frame_of(PledgeEvent, []).lazy()
    return register_pledge(*before, asked).collect()


def test_nothing_is_let_go_while_a_fen_is_owed_unless_the_lender_waives_it() -> None:
    with pytest.raises(RegisterError, match=r"0\.01 CNY are owed under BANK-2026-001"):
        released("0.01")

    assert released("0.01", waived=True)["event"].to_list() == ["release"]
    assert released("0.00")["event"].to_list() == ["release"]
