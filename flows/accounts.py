"""Show accounts to people: trial balance, ledger of an asset, roll-forwards."""

from decimal import Decimal
from typing import Any

from rich.console import Console

from flows.face import table
from schemas.money import exact_fen, shown

Facts = dict[str, Any]  # JSON
SIDES = ("opening 期初", "debit 借方", "credit 贷方", "closing 期末")


def people(amount: str) -> str:
    """Write an amount for people; nothing of 0. 650000.00 -> 650,000.00."""
    fen = exact_fen(Decimal(amount))
    return shown(fen) if fen else ""


def span_of(data: Facts) -> str:
    """Write the period of an answer."""
    first, last = data["first"], data["last"]
    return first if first == last else f"{first} to {last}"


def balance(console: Console, data: Facts) -> None:
    """Show the trial balance, and of several entities their sum."""
    for entity in data["entities"]:
        rows = [r for r in data["accounts"] if r["entity"] == entity]
        console.print(balance_table(f"{entity}, {span_of(data)}", rows))
    if data["rolled_up"]:
        told = "all of them, account by account; what they owe each other stays in"
        console.print(balance_table(f"\n{told}", data["rolled_up"]))
    totals = {n: people(v) or "0.00" for n, v in data["totals"].items()}
    console.print(
        f"\ndebits {totals['debit']} = credits {totals['credit']}; closing balances sum"
        f" to {totals['closing']} CNY"
    )


def balance_table(title: str, rows: list[Facts]) -> Any:  # Any: a Rich table
    """Lay out one trial balance; a credit balance is below 0."""
    names = ("opening", "debit", "credit", "closing")
    cells = [
        (r["account"], f"{r['zh']} {r['en']}", *(people(r[n]) for n in names))
        for r in rows
    ]
    made = table(
        f"trial balance 试算平衡表 of {title}", ("", "account 科目", *SIDES), cells
    )
    for column in made.columns[2:]:
        column.justify = "right"
    return made


def ledger(console: Console, data: Facts) -> None:
    """Show each line of an asset, with the REF that `datafactor trace` takes."""
    rows = [
        (
            *(r["booked_on"], f"记-{r['number']}", r["account"], r["zh"]),
            *(people(r[n]) for n in ("debit", "credit", "balance")),
            *(r["voucher"], r["entry"], r["preparer"], r["reviewer"], r["ref"]),
        )
        for r in data["lines"]
    ]
    heads = ("day 日期", "no. 凭证号", "account", "科目", "debit 借方", "credit 贷方")
    more = ("balance 余额", "voucher 原始凭证", "entry 分录键", "prepared 制单")
    title = f"ledger 明细账 of {data['asset']} to {data['last']}"
    made = table(title, (*heads, *more, "reviewed 审核", "REF"), rows)
    for column in made.columns[4:7]:
        column.justify = "right"
    console.print(made)
    console.print("\n`datafactor trace REF` leads to the decision, cost and voucher")


def roll(console: Console, data: Facts) -> None:
    """Show the roll-forwards in which anything stands, and of several their sum."""
    for entity in data["entities"]:
        mine = [r for r in data["rows"] if r["entity"] == entity]
        roll_tables(console, f"{entity}, {span_of(data)}", mine)
    if data["rolled_up"]:
        roll_tables(console, "all of them, row by row", data["rolled_up"])


def roll_tables(console: Console, whose: str, rows: list[Facts]) -> None:
    """Lay out the tables of one entity, or of all."""
    heads = (
        "purchased 外购",
        "self-developed 自行开发",
        "otherwise 其他",
        "total 合计",
    )
    names = ("purchase", "internal", "other", "total")
    for name in dict.fromkeys(r["table"] for r in rows):
        mine = [r for r in rows if r["table"] == name]
        if not any(people(r["total"]) for r in mine if r["total"]):
            console.print(f"\n{name} of {whose}: nothing", markup=False)
            continue
        cells = [
            (f"{r['zh']} {r['en']}", *(people(r[n]) if r[n] else "" for n in names))
            for r in mine
        ]
        made = table(f"\n{name} of {whose}", ("", *heads), cells)
        for column in made.columns[1:]:
            column.justify = "right"
        console.print(made)


def exported(console: Console, data: Facts) -> None:
    """Say what was written where."""
    told = f"{data['entries']} entries, {data['lines']} lines as {data['as']}"
    console.print(f"{told} are in {data['file']}", markup=False)
