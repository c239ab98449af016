"""Carry data held for sale at the lower of cost and net realisable value (CAS 1).

Net realisable value 可变现净值 = expected price less costs to complete and sell less
taxes (art. 15). The provision 存货跌价准备 is what cost exceeds it by; when its cause
is gone it is taken back, at most to what was provided (art. 19).

Cost 100.00, price 110.00, costs 20.00, taxes 5.00 -> value 85.00, provision 15.00;
price 118.00 the next time -> 93.00, 8.00 taken back; price 200.00 -> 7.00 taken back.
"""

from typing import Annotated

import polars as pl

from schemas.errors import ContractError
from schemas.measurement import Finding, Side, Total
from schemas.registers import AssetEvent
from tasks.asset.impair import carried, findings, sides


def provide(
    decisions: Annotated[pl.DataFrame, AssetEvent],
    totals: Annotated[pl.DataFrame, Total],
) -> Annotated[pl.DataFrame, Finding]:
    """Compare cost and net realisable value, many assets at once.

    Args:
        decisions: All of the month. Of one asset they are taken in the order of day and
            number, each on what the one before it left.
        totals: Cost (gross) and provision (impaired) before the month's decisions.

    Returns:
        One row a decision; ``change_fen`` > 0 is provided, < 0 taken back.

    Raises:
        ContractError: A decision lacks its price, or its asset is not in the books.
    """
    known = carried(decisions, "provision", totals, ["inventory"])
    if without := known["fair_value_fen"].null_count():
        raise ContractError(
            f"{without} decisions on a provision lack the expected price: give it"
        )
    spent = (pl.col(name).fill_null(0) for name in ("costs_fen", "tax_fen"))
    value = (pl.col("fair_value_fen") - pl.sum_horizontal(*spent)).clip(lower_bound=0)
    due = (pl.col("gross_fen") - value).clip(lower_bound=0)
    before = due.shift(1).over("entity", "asset").fill_null(pl.col("impaired_fen"))
    change = due - before
    return findings(
        known.with_columns(
            recoverable_fen=value, carrying_fen=pl.col("gross_fen") - before
        ),
        change,
        pl.when(change < 0)
        .then(pl.lit("provision taken back, its cause being gone (CAS 1 art. 19)"))
        .otherwise(pl.lit("lower of cost and net realisable value (CAS 1 art. 15)")),
    )


def provision_sides(
    found: Annotated[pl.DataFrame, Finding],
) -> Annotated[pl.DataFrame, Side]:
    """Write the entries of many provisions; what is taken back is event ``restore``."""
    change = pl.col("change_fen")
    event = pl.when(change < 0).then(pl.lit("restore")).otherwise("event")
    return sides(
        found.filter(event="provision").with_columns(event=event),
        {"impairment_loss": change, "provision": -change},
    )
