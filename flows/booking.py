"""Show the books to people: what waits for approval, and what was decided."""

from typing import Any

from rich.console import Console

from flows.face import table

Facts = dict[str, Any]  # JSON
LINES = ("entry 分录", "day 日期", "account 科目", "amount 金额", "memo 摘要")


def waiting(console: Console, data: list[Facts]) -> None:
    """Show each proposal with its entries, and the command that decides on it."""
    if not data:
        console.print("nothing waits for approval")
    for asked in data:
        rows = [
            (e["entry"], e["booked_on"], e["account"], e["amount"], e["memo"])
            for e in asked["entries"]
        ]
        console.print(table(f"\n{asked['factor']}: {asked['ground']}", LINES, rows))
        prepared = f"prepared by {asked['prepared_by']}, {asked['prepared_at']}"
        console.print(f"{prepared}\n  datafactor approve {asked['subject'][:12]}")


def decided(console: Console, data: Facts) -> None:
    """Say what was decided, and what to do next."""
    console.print(
        f"{data['approver']}: {data['decision']} {data['subject'][:12]}"
        f" ({data['factor']}), {data['decided_on']}",
        markup=False,
    )
    if data["decision"] == "approve":
        console.print("it is posted by the next run of what proposed it")


def decisions(console: Console, data: Facts) -> None:
    """Show what was decided of an asset, and when it is posted."""
    told = ("fair_value", "costs", "value_in_use", "proceeds", "tax")
    rows = [
        (
            *(d["decision"], d["called"], d["decided_on"]),
            ", ".join(f"{n.replace('_', ' ')} {d[n]}" for n in told if n in d),
            *(d["evidence"], d["reason"]),
        )
        for d in data["decisions"]
    ]
    heads = ("decision 决定", "what", "from", "figures (CNY)", "evidence", "why")
    console.print(table(f"\n{data['asset']}", heads, rows))
    console.print("the close of its month posts it: `datafactor close ENTITY PERIOD`")


def taken_back(console: Console, data: Facts) -> None:
    """Show the entry that takes another one back."""
    rows = [
        (n["booked_on"], n["account"], n["amount"], n["memo"]) for n in data["lines"]
    ]
    heads = ("day 日期", "account 科目", "amount 金额", "memo 摘要")
    console.print(table(f"\n{data['entry']}", heads, rows))


def line(console: Console, data: Facts) -> None:
    """Print a signed decision as it is, unwrapped, to be pasted."""
    console.print(data["signed"], markup=False, soft_wrap=True)
