"""Hand the journal to other bookkeeping: numbered vouchers, and a Beancount ledger.

What is exported is what was posted: nothing is summed, rounded or left out.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import polars as pl

from schemas.books import NAMES, Entered, Voucher
from schemas.entity import Role
from schemas.money import yuan
from schemas.registers import JournalLine

# Signs of an account number: assets, liabilities, equity, costs in progress, profit.
KINDS = {"1": "Assets", "2": "Liabilities", "3": "Assets", "4": "Equity", "5": "Assets"}
INCOME = ("60", "61", "63")  # 6001 revenue, 6115 disposals, 6301; others are expenses
HEADS = {
    "period": "会计期间 period",
    "booked_on": "凭证日期 date",
    "word": "凭证字 word",
    "number": "凭证号 number",
    "line": "分录号 line",
    "memo": "摘要 memo",
    "account": "科目编码 account",
    "account_name": "科目名称 account name",
    "debit": "借方金额 debit",
    "credit": "贷方金额 credit",
    "preparer": "制单人 preparer",
    "reviewer": "审核人 reviewer",
    "source": "原始凭证 source document",
    "asset": "资产 asset",
    "event": "业务 event",
    "entry": "分录键 entry key",
    "artifact": "工件 artifact",
}


def vouchers(
    journal: Annotated[pl.DataFrame, JournalLine],
    entered: Annotated[pl.DataFrame, Entered],
    accounts: Mapping[Role, str],
) -> Annotated[pl.DataFrame, Voucher]:
    """Number the entries of each month 记字第 n 号; say who prepared and reviewed.

    Args:
        journal: Posted lines.
        entered: Who entered each entry.
        accounts: The entity's chart: account number of each role.

    Returns:
        Contract Voucher, in the order of the books.

    Two entries of 2026-06 on the same day -> numbers 1 and 2, by their keys.
    """
    names = {accounts[role]: zh for role, (zh, _) in NAMES.items() if role in accounts}
    known = journal.join(entered, on=["entity", "entry"], how="left")
    place = pl.struct("booked_on", "entry").rank("dense").over("entity", "period")
    amount = pl.col("amount_fen")
    rows = known.with_columns(
        number=place.cast(pl.Int64),
        account_name=pl.col("account").replace_strict(names, default=""),
        debit_fen=pl.when(amount > 0).then(amount).otherwise(0),
        credit_fen=pl.when(amount < 0).then(-amount).otherwise(0),
        source="voucher",
    )
    columns = list(Voucher.to_schema().columns)
    return rows.select(columns).sort("entity", "period", "number", "line")


def as_csv(vouchers: Annotated[pl.DataFrame, Voucher]) -> pl.DataFrame:
    """Write vouchers as an ERP imports them: both names in the head, yuan, 记.

    12,345 fen -> '123.45'; the side that is 0 stays empty.
    """
    side = [
        pl.col(f"{name}_fen")
        .map_elements(lambda fen: f"{yuan(fen):.2f}", return_dtype=pl.String)
        .replace("0.00", "")
        .alias(name)
        for name in ("debit", "credit")
    ]
    rows = vouchers.with_columns(*side, word=pl.lit("记"))
    return rows.select(pl.col(name).alias(head) for name, head in HEADS.items())


def beancount(
    journal: Annotated[pl.DataFrame, JournalLine],
    entered: Annotated[pl.DataFrame, Entered],
    accounts: Mapping[Role, str],
    title: str,
) -> Iterator[str]:
    """Write a ledger that ``bean-check`` accepts: accounts opened, entries balanced.

    Args:
        journal: Posted lines of one entity.
        entered: Who entered each entry.
        accounts: The entity's chart.
        title: Name of the entity.

    Yields:
        Lines of the file, in the order of the books.

    1701 debit 650,000.00 -> ``  Assets:1701  650000.00 CNY``.
    """
    english = {
        accounts[role]: en for role, (_, en) in NAMES.items() if role in accounts
    }
    yield f'option "title" {quoted(title)}\n'
    yield 'option "operating_currency" "CNY"\n\n'
    first = journal.group_by("account").agg(pl.col("booked_on").min()).sort("account")
    for account, day in first.iter_rows():
        yield f"{day} open {account_of(account)} CNY\n"
        yield f"  name: {quoted(english.get(account, ''))}\n"
    known = vouchers(journal, entered, accounts)
    for entry in known.partition_by("period", "number", maintain_order=True):
        yield from transaction(entry.to_dicts())


def transaction(lines: list[dict[str, object]]) -> Iterator[str]:
    """Write one entry with its key, voucher and run beside it."""
    head = lines[0]
    yield f"\n{head['booked_on']} * {quoted(str(head['memo']))}\n"
    told = ("entry", "source", "asset", "event", "preparer", "reviewer", "artifact")
    for name in (n for n in told if head[n]):
        yield f"  {name}: {quoted(str(head[name]))}\n"
    for line in lines:
        amount = int(str(line["debit_fen"])) - int(str(line["credit_fen"]))
        yield f"  {account_of(str(line['account']))}  {yuan(amount):.2f} CNY\n"


def account_of(number: str) -> str:
    """Place an account under one of Beancount's five heads. 1701 -> Assets:1701."""
    if number.startswith("6"):
        kind = "Income" if number[:2] in INCOME else "Expenses"
    else:
        kind = KINDS.get(number[0], "Expenses")
    return f"{kind}:{number}"


def quoted(text: str) -> str:
    """Write a text as Beancount reads it: one line, quotes and backslashes escaped."""
    one = " ".join(text.split())
    return '"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"'
