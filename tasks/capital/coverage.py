"""Watch how pledges cover their loans: state, cure, release; one pass over all of them.

A state worsens at once when the loan to value reaches its step. It gets better only to
normal, and only when the loan stands at the advance rate again: there both cures lead,
so a value that wavers around one step changes nothing. A default is left by full
repayment alone; a lender that waives it records so, and hands over the better state.

L owed, V the value, ltv* the advance rate: cured by repaying x = L − V·ltv*, or by
adding y = L/ltv* − V of value; value may be let go while L/V' ≤ ltv*. 5,000,000.00 on
7,000,000.00 at 0.60 -> 800,000.00, or 1,333,333.34 (COL-03).
"""

from decimal import Decimal
from typing import Annotated

import polars as pl

from schemas.portfolio import STATES, UNRATED_PPM, CoverageRules, Covered, Held
from schemas.quality import WHOLE

NORMAL, WARNING, MARGIN_CALL, DEFAULT = range(len(STATES))
OWED, VALUE = pl.col("outstanding_fen"), pl.col("value_fen")


def cover(
    held: Annotated[pl.LazyFrame, Held], rules: CoverageRules
) -> Annotated[pl.LazyFrame, Covered]:
    """Say of every pledge how it stands and what would cure it.

    Cures are rounded up and what may be released down to fen, so that the loan then
    stands at the advance rate or below.

    5,000,000.00 on 8,968,000.00 -> LTV 0.557538, coverage 1.793600 (COL-01).
    """
    advance, kept = ppm(rules.advance_ltv), WHOLE - ppm(rules.haircut)
    state = state_rank(OWED, VALUE, recorded_rank(), rules)
    needed = value_needed(OWED, advance)
    spare = pl.when(state == NORMAL).then((VALUE - needed).clip(0)).otherwise(0)
    due = OWED + pl.col("accrued_fen")
    return held.select(
        "request",
        ltv_ppm=ratio_ppm(OWED, VALUE),
        coverage_ppm=ratio_ppm(share_of(VALUE, kept), due),
        before="before",
        state=state.replace_strict(dict(enumerate(STATES)), return_dtype=pl.String),
        repay_fen=repayment_asked(OWED, VALUE, advance),
        top_up_fen=(needed - VALUE).clip(0),
        releasable_fen=pl.when(VALUE.is_not_null()).then(spare),
    )


def state_rank(
    owed: pl.Expr, value: pl.Expr, before: pl.Expr, rules: CoverageRules
) -> pl.Expr:
    """Find the state from the one before, both as places in STATES.

    Without a value that can be shown it is a warning at least, and never better than
    before: a call needs an amount, and none can be told.
    """
    steps = (rules.warning_ltv, rules.margin_call_ltv, rules.default_ltv)
    at = [(owed >= share_of(value, ppm(s), up=True)).cast(pl.Int8) for s in steps]
    reached = (at[0] + at[1] + at[2]).fill_null(WARNING)
    return (
        pl.when(owed == 0)
        .then(NORMAL)
        .when(before == DEFAULT)
        .then(DEFAULT)
        .when(owed <= share_of(value, ppm(rules.advance_ltv)))
        .then(NORMAL)
        .otherwise(pl.max_horizontal(before, reached))
        .cast(pl.Int8)
    )


def recorded_rank() -> pl.Expr:
    """Read the state recorded last as its place in STATES."""
    ranks = {name: rank for rank, name in enumerate(STATES)}
    return pl.col("before").replace_strict(ranks, return_dtype=pl.Int8)


def repayment_asked(owed: pl.Expr, value: pl.Expr, advance: int) -> pl.Expr:
    """Ask for x = L − V·ltv*, rounded up; 0 where nothing is asked."""
    return (owed - share_of(value, advance)).clip(0)


def value_needed(owed: pl.Expr, advance: int) -> pl.Expr:
    """Find the least value that carries what is owed: L/ltv*, rounded up."""
    scaled = owed.cast(pl.Int128) * WHOLE + (advance - 1)
    return (scaled // advance).cast(pl.Int64)


def share_of(amount: pl.Expr, share: int | pl.Expr, *, up: bool = False) -> pl.Expr:
    """Take millionths of an amount of fen, rounded down, or up; exact in 64 bits.

    The product alone would overflow: 9·10^15 fen times 10^6. So whole millions of fen
    are multiplied apart from the rest. 0.60 of 8,968,000.01 -> 5,380,800.00, up .01.
    """
    rest = amount % WHOLE * share + (WHOLE - 1 if up else 0)
    return amount // WHOLE * share + rest // WHOLE


def ratio_ppm(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Divide into millionths, half up; null where the whole is 0 or unknown."""
    twice = 2 * whole.cast(pl.Int128)
    exact = (part.cast(pl.Int128) * (2 * WHOLE) + whole) // twice
    return pl.when(whole > 0).then(exact.clip(0, UNRATED_PPM)).cast(pl.Int64)


def ppm(share: Decimal) -> int:
    """Count the millionths of a share that has at most six decimals. 0.6 -> 600,000."""
    return int(share * WHOLE)
