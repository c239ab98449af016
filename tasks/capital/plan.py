"""Keep the books of a plan: what its pool brought in, and whom it paid.

The plan takes the loans over against its notes on the cut-off; collects interest,
principal and what was recovered; and pays its waterfall out. The subordinated units are
what is left: all they are paid is taken off them, and income and costs are theirs. What
stands in arrears is no cost before it is paid. Accounts are stated by the plan's
document, for no one standard fixes them.

| event | entry |
|---|---|
| cut-off | loans / senior notes, subordinated units |
| collection | bank / interest, loans, loss (recovered); default: loss / loans |
| payment day | taxes, fees, interest, senior notes, subordinated units / bank |
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any

import polars as pl

from schemas.asset import Proposed
from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.money import exact_fen, shown
from schemas.pool import (
    Collected,
    Distributed,
    PaidOut,
    PoolRole,
    PoolTerms,
    Screened,
)
from schemas.registers import JournalLine
from tasks.capital.waterfall import waterfall

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence
Row = Mapping[str, Any]  # of contract Collected or Distributed
Sides = Mapping[PoolRole, int]  # debit above 0
NOT_STATED = frame_of(Collected, []).lazy()
PAID = ("taxes", "fees", "senior_interest", "senior_principal", "subordinated")
CASH = ("interest", "principal", "recovered")
SAID = {
    "transfer": "loans taken over against notes 受让基础资产",
    "collect": "collected 归集",
    "distribute": "paid out 分配",
}


def pay_out(
    loans: Annotated[pl.LazyFrame, Screened],
    repaid: Annotated[pl.LazyFrame, JournalLine],
    terms: PoolTerms,
    as_of: date,
    collected: Annotated[pl.LazyFrame, Collected] = NOT_STATED,
) -> PaidOut:
    """Distribute what came in up to a day, and propose the entries of the plan.

    Args:
        loans: The pool; its gates were open.
        repaid: Repayments in the borrowers' books, which count where the plan states no
            collections.
        terms: The plan.
        as_of: Payment days after it are left out.
        collected: What came in, by payment day, as the plan states it.

    Raises:
        ContractError: A payment day does not follow the one before, or more principal
            came in or defaulted than the pool was owed.
    """
    stated = collected.select(Collected.to_schema().columns.keys()).collect()
    own = brought_in(loans.collect(), repaid.collect(), terms)
    known = stated if terms.collected else own
    came = known.filter(pl.col("paid_on") <= as_of).sort("period")
    paid = waterfall(came.lazy(), terms).collect()
    gates = [in_is_out(came, paid), begun(loans, terms, as_of)]
    gates += [every_period(came)] if terms.collected else []
    return PaidOut(
        gates=frame_of(Gates, [(*gate, as_of) for gate in gates]).lazy(),
        distributed=paid.lazy(),
        journal=entries(came, paid, terms).lazy(),
    )


def brought_in(
    loans: Annotated[pl.DataFrame, Screened],
    repaid: Annotated[pl.DataFrame, JournalLine],
    terms: PoolTerms,
) -> Annotated[pl.DataFrame, Collected]:
    """Count what the borrowers' books show as repaid after the cut-off, month by month.

    What is debited to an account of principal is principal, all else interest. Each
    month is paid out on its last day; the month of the cut-off is period 1.

    Repaid 416,666.67 and 15,000.00 of interest on 2025-05-30, cut off on 2025-04-30 ->
    period 2, paid on 2025-05-31.
    """
    pooled = loans.filter("eligible")["request"].implode()
    lines = repaid.filter(
        pl.col("event") == "repay",
        pl.col("amount_fen") > 0,
        pl.col("booked_on") > terms.cut_off,
        pl.col("entry").str.split("/").list.get(1, null_on_oob=True).is_in(pooled),
    )
    on, first = pl.col("booked_on"), terms.cut_off
    months = (on.dt.year().cast(pl.Int64) - first.year) * 12 + on.dt.month()
    principal = pl.col("account").is_in(terms.principal_accounts)
    amount = pl.col("amount_fen")
    nothing = pl.lit(0, pl.Int64)
    return (
        lines.group_by(period=months - first.month + 1, paid_on=on.dt.month_end())
        .agg(
            interest_fen=amount.filter(~principal).sum(),
            principal_fen=amount.filter(principal).sum(),
        )
        .with_columns(recovered_fen=nothing, defaulted_fen=nothing)
        .select(Collected.to_schema().columns.keys())
    )


def in_is_out(came: pl.DataFrame, paid: pl.DataFrame) -> Answer:
    """Ask that each period pays out what came in, no fen more or less."""
    cash = came.select("period", came=pl.sum_horizontal(f"{n}_fen" for n in CASH))
    out = paid.select("period", out=pl.sum_horizontal(f"{n}_fen" for n in PAID))
    both = cash.join(out, on="period", how="full", coalesce=True).fill_null(0)
    wrong = both.filter(pl.col("came") != pl.col("out"))["period"].to_list()
    said = f"{shown(int(both['came'].sum()))} CNY came in and went out"
    if wrong:
        said = f"cash in is not cash out in periods {wrong}"
    return "cash_in_is_cash_out", not wrong, said, "the waterfall"


def every_period(came: pl.DataFrame) -> Answer:
    """Ask that no period is left out: what it brought in would be paid to nobody."""
    told = came["period"].to_list()
    left = sorted({*range(1, max(told, default=0) + 1)} - {*told})
    said = f"periods {left} are not told: state each, with 0.00 if nothing came in"
    return "every_period", not left, said if left else "each is told", "collected"


def begun(loans: pl.LazyFrame, terms: PoolTerms, on: date) -> Answer:
    """Ask for a plan that has begun, and say on how many loans it rests."""
    count = loans.filter("eligible").collect().height
    said = f"{count} loans from {terms.cut_off}"
    return "begun", terms.cut_off <= on, said, terms.pool


def entries(
    came: Annotated[pl.DataFrame, Collected],
    paid: Annotated[pl.DataFrame, Distributed],
    terms: PoolTerms,
) -> Annotated[pl.DataFrame, Proposed]:
    """Write every entry that the plan's facts support; the lines of each sum to 0.

    10,500,000.00 in, 500,000.00 of it interest -> bank 10,500,000.00, interest
    −500,000.00, loans −10,000,000.00.
    """
    lines = [*written("transfer", "0", terms.cut_off, taken_over(terms), terms)]
    for row in came.iter_rows(named=True):
        period, on = str(row["period"]), row["paid_on"]
        lines += written("collect", period, on, received(row), terms)
    for row in paid.iter_rows(named=True):
        period, on = str(row["period"]), row["paid_on"]
        lines += written("distribute", period, on, given_out(row), terms)
    return frame_of(Proposed, lines)


def taken_over(terms: PoolTerms) -> Sides:
    """Take the loans over against both classes of notes."""
    senior, rest = exact_fen(terms.senior), exact_fen(terms.subordinated)
    return {"loans": senior + rest, "senior": -senior, "subordinated": -rest}


def received(row: Row) -> Sides:
    """Take in a period's cash, and write off what defaulted less what came back."""
    return {
        "bank": sum(row[f"{name}_fen"] for name in CASH),
        "loss": row["defaulted_fen"] - row["recovered_fen"],
        "interest": -row["interest_fen"],
        "loans": -row["principal_fen"] - row["defaulted_fen"],
    }


def given_out(row: Row) -> Sides:
    """Pay a period's cash out."""
    return {
        "taxes": row["taxes_fen"],
        "fees": row["fees_fen"],
        "senior_interest": row["senior_interest_fen"],
        "senior": row["senior_principal_fen"],
        "subordinated": row["subordinated_fen"],
        "bank": -row["cash_fen"],
    }


def written(
    event: str, number: str, on: date, sides: Sides, terms: PoolTerms
) -> Iterator[tuple[object, ...]]:
    """Write one entry; a side of 0 is no line. Contract: JournalLine."""
    said = f"{SAID[event]}, {terms.pool} {number}"
    kept = [(role, amount) for role, amount in sides.items() if amount]
    for line, (role, amount) in enumerate(kept, 1):
        yield (
            *(terms.entity, f"{event}/{terms.pool}/{number}", line),
            *(on, f"{on:%Y-%m}", terms.accounts[role], amount, said),
            *("", event, f"{terms.pool}/{number}", ""),
        )
