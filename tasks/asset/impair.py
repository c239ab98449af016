"""Write an intangible asset down to what it can recover, and never up (CAS 8).

Recoverable amount 可收回金额 = the higher of fair value less costs of disposal and
value in use (art. 6); loss = carrying amount less that, if positive (art. 15). A loss
once booked is not reversed in a later period (art. 17), so a later test that finds more
than is carried finds 0. An indication opens a test; its figures are a person's decision
(register AssetEvent), and only that posts.

Carried at 225,000.00 after a loss, recoverable 260,000.00 -> 0, and not −35,000.00
(ACC-07).
"""

from collections.abc import Collection, Mapping
from typing import Annotated

import polars as pl

from schemas.errors import ContractError
from schemas.measurement import Finding, Side, Total
from schemas.registers import LEAVING, AssetEvent

AMORTISED = ["intangible", "development expenditure"]  # under CAS 8, not CAS 1


def recoverable_amount(
    fair_value: int | None, costs: int | None, value_in_use: int | None
) -> int:
    """Take the higher of fair value less costs and value in use; fen, 0 or more.

    Either may be None where it cannot be estimated (CAS 8 arts. 7, 8).

    Raises:
        ContractError: Neither is given.
    """
    sale = None if fair_value is None else fair_value - (costs or 0)
    known = [amount for amount in (sale, value_in_use) if amount is not None]
    if not known:
        raise ContractError(
            "an impairment test has neither fair value nor value in use: give one"
        )
    return max(*known, 0)


def impairment(carrying: int, recoverable: int) -> int:
    """Compute the loss in fen, 0 or more.

    400,000.00, recoverable 300,000.00 -> 100,000.00 (ACC-07).
    """
    return max(carrying - recoverable, 0)


def impair(
    decisions: Annotated[pl.DataFrame, AssetEvent],
    totals: Annotated[pl.DataFrame, Total],
) -> Annotated[pl.DataFrame, Finding]:
    """Run the decided tests of a month, many assets at once.

    Args:
        decisions: All of the month. Of one asset tests are taken in the order of day
            and number, each on what the one before it left.
        totals: What is carried at the month's end, after its amortisation and before
            its impairment.

    Returns:
        One row a test; ``change_fen`` is the loss, never below 0, and 0 for what leaves
        the books in the month.

    Raises:
        ContractError: A decision has no figures, or its asset is not carried.
    """
    sale = pl.col("fair_value_fen") - pl.col("costs_fen").fill_null(0)
    found = pl.max_horizontal(sale, "value_in_use_fen").clip(lower_bound=0)
    known = carried(decisions, "impair", totals, AMORTISED)
    decided = known.with_columns(recoverable_fen=found)
    if without := decided["recoverable_fen"].null_count():
        raise ContractError(
            f"{without} impairment decisions have neither fair value nor value in use:"
            " give one"
        )
    lowest = pl.col("recoverable_fen").cum_min().shift(1).over("entity", "asset")
    return findings(
        decided.with_columns(carrying_fen=pl.min_horizontal("carrying_fen", lowest)),
        (pl.col("carrying_fen") - pl.col("recoverable_fen")).clip(lower_bound=0),
        pl.when(pl.col("recoverable_fen") <= pl.col("carrying_fen"))
        .then(pl.lit("written down to the recoverable amount (CAS 8 art. 15)"))
        .otherwise(
            pl.lit(
                "recoverable amount above the carrying amount: no loss, and a loss"
                " booked earlier is not reversed (CAS 8 art. 17)"
            )
        ),
    )


def carried(
    decisions: pl.DataFrame, event: str, totals: pl.DataFrame, kinds: Collection[str]
) -> pl.DataFrame:
    """Put what is carried beside each decision of an event, in the order of taking.

    ``leaves`` marks an asset that another decision lets leave the books.

    Raises:
        ContractError: An asset is not in the books, or of another kind.
    """
    key = ["entity", "asset"]
    left = decisions.filter(pl.col("event").is_in(LEAVING)).select(key).unique()
    known = (
        decisions.filter(event=event)
        .join(totals, on=key, how="left", validate="m:1")
        .join(left.with_columns(leaves=True), on=key, how="left")
        .with_columns(pl.col("leaves").fill_null(False))
        .sort(*key, "decided_on", "decision")
    )
    if gone := known.filter(pl.col("gross_fen").fill_null(0) <= 0).height:
        raise ContractError(
            f"{gone} decisions concern an asset that is not in the books: correct its"
            " name, or withdraw the decision"
        )
    if other := known.filter(~pl.col("kind").is_in(kinds)).height:
        raise ContractError(
            f"{other} decisions do not fit the kind of their asset, which must be"
            f" {' or '.join(kinds)}: withdraw them"
        )
    return known


def findings(known: pl.DataFrame, change: pl.Expr, said: pl.Expr) -> pl.DataFrame:
    """Write the finding of each test. Contract: Finding."""
    gone = pl.lit("leaves the books in the month: its gain or loss is all there is")
    made = known.with_columns(
        change_fen=pl.when("leaves").then(0).otherwise(change),
        said=pl.when("leaves").then(gone).otherwise(said),
    )
    return made.select(list(Finding.to_schema().columns))


def impairment_sides(
    found: Annotated[pl.DataFrame, Finding],
) -> Annotated[pl.DataFrame, Side]:
    """Write the entries of many losses: 6701 / 1703; none for a loss of 0."""
    return sides(
        found.filter(event="impair"),
        {"impairment_loss": pl.col("change_fen"), "impairment": -pl.col("change_fen")},
    )


def sides(known: pl.DataFrame, amounts: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Write one line a role for each row; none for an amount of 0. Contract: Side."""
    key = ["entity", "asset", "event", "decision"]
    lines = known.select(*key, *(e.alias(role) for role, e in amounts.items())).unpivot(
        index=key, variable_name="role", value_name="amount_fen"
    )
    return lines.filter(pl.col("amount_fen") != 0).sort(*key, maintain_order=True)
