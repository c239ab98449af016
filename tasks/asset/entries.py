"""Turn the sides of a close into journal entries: what is owed, under which key.

The key names the event, the asset, and the document or month it follows from:
``amortise/index/2026-07``, ``impair/index/D-1``, ``revenue/index/SO-1/2026-07``. What
changed after an entry was posted, while its month is open, is the difference under the
next number: ``amortise/index/2026-07/2``.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import polars as pl

from schemas.close import CloseTerms
from schemas.entity import Role
from schemas.errors import ContractError
from schemas.measurement import Side
from schemas.registers import JournalLine
from tasks.asset.measure import CLOSING

OF = ["entity", "asset", "event", "voucher"]
SAID = {
    "amortise": "amortisation 摊销",
    "impair": "impairment 减值",
    "provision": "provision for inventory 存货跌价准备",
    "restore": "provision taken back 转回存货跌价准备",
    "sell": "cost of inventory sold 结转成本",
    "revenue": "revenue 收入",
    "dispose": "disposal 处置",
    "expire": "right expired 到期核销",
    "contribute": "contribution to equity 出资",
    "transfer": "research of the month 研发支出转管理费用",
}


def owed(
    sides: Annotated[pl.DataFrame, Side],
    journal: Annotated[pl.DataFrame, JournalLine],
    terms: CloseTerms,
) -> pl.DataFrame:
    """Take off what was posted of the same events in the month already.

    Returns:
        Columns entity, asset, event, voucher, account, amount_fen; none with 0.
    """
    target = charted(sides, terms.accounts)
    own = pl.col("event").is_in(CLOSING) & (pl.col("event") != "sell")
    posted = journal.filter(own, period=terms.period)
    both = pl.concat(
        [target, posted.select(target.columns).with_columns(-pl.col("amount_fen"))]
    )
    due = both.group_by(*OF, "account").agg(pl.col("amount_fen").sum())
    return due.filter(pl.col("amount_fen") != 0)


def charted(sides: pl.DataFrame, accounts: Mapping[Role, str]) -> pl.DataFrame:
    """Look up the account of each side's role.

    Raises:
        ContractError: The chart lacks one.
    """
    known = {str(role): number for role, number in accounts.items()}
    lacking = sorted(set(sides["role"]) - set(known))
    if lacking:
        raise ContractError(
            f"the chart has no account for {', '.join(lacking)}: add it to the accounts"
            " of the entity"
        )
    return sides.select(
        *("entity", "asset", "event", pl.col("decision").alias("voucher")),
        pl.col("role").replace_strict(known, return_dtype=pl.String).alias("account"),
        "amount_fen",
    )


def entries_of(
    due: pl.DataFrame,
    sales: Sequence[pl.DataFrame],
    journal: Annotated[pl.DataFrame, JournalLine],
    terms: CloseTerms,
) -> Annotated[pl.DataFrame, JournalLine]:
    """Write the entries of a close, and last the transfer of what research is left.

    Args:
        due: What is owed of the month's charges and decisions.
        sales: Sides of what was sold, each with its ``period``.
        journal: As posted; it numbers what is corrected.
        terms: Month and chart.
    """
    month = pl.lit(terms.period)
    lines = [due.with_columns(period=month)]
    lines += [
        charted(s, terms.accounts).with_columns(s["period"]) for s in sales if s.height
    ]
    known = pl.concat(lines)
    moved = transfer(journal, known, terms).with_columns(period=month)
    return keyed(pl.concat([known, moved]), journal, terms)


def transfer(
    journal: pl.DataFrame, fresh: pl.DataFrame, terms: CloseTerms
) -> pl.DataFrame:
    """Carry the research that is not capitalised to the expense of the month.

    530101 is emptied asset by asset: 6602 / 530101.
    """
    research, expense = terms.accounts["research"], terms.accounts["expense"]
    known = pl.concat(
        [
            journal.filter(pl.col("period") <= terms.period).select(fresh.columns),
            fresh,
        ]
    )
    left = known.filter(account=research).group_by("entity", "asset")
    held = left.agg(pl.col("amount_fen").sum()).filter(pl.col("amount_fen") != 0)
    said = held.with_columns(event=pl.lit("transfer"), voucher=pl.lit(""))
    sides = [(expense, pl.col("amount_fen")), (research, -pl.col("amount_fen"))]
    return pl.concat(
        said.select(*OF, account=pl.lit(account), amount_fen=amount)
        for account, amount in sides
    )


def keyed(
    lines: pl.DataFrame, journal: pl.DataFrame, terms: CloseTerms
) -> Annotated[pl.DataFrame, JournalLine]:
    """Give each entry its key, its day and its words; debits first."""
    what = pl.when(pl.col("voucher") == "").then("period").otherwise("voucher")
    base = pl.format("{}/{}/{}", "event", "asset", what)
    before = journal.filter(
        pl.col("period") == terms.period,
        pl.col("event").is_in([*CLOSING, "transfer"]),
    )
    nth = before.group_by(OF).agg(posted=pl.col("entry").n_unique() + 1)
    month_end = pl.col("period").add("-01").str.to_date().dt.month_end()
    known = lines.join(nth, on=OF, how="left").with_columns(
        entry=pl.when(pl.col("posted").is_null())
        .then(base)
        .otherwise(pl.format("{}/{}", base, "posted")),
        booked_on=month_end,
        memo=pl.format(
            "{}, {}", pl.col("event").replace_strict(SAID, return_dtype=pl.String), what
        ),
        approval=pl.lit(""),
    )
    ordered = known.sort("entry", pl.col("amount_fen") < 0, "account")
    return ordered.with_columns(
        line=pl.int_range(1, pl.len() + 1).over("entry")
    ).select(list(JournalLine.to_schema().columns))
