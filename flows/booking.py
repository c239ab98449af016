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
        until = f"until {asked['until']}, then it counts as rejected"
        again = " --anew" if asked["expired"] else ""
        command = f"datafactor approve {asked['subject'][:12]}{again}"
        console.print(f"{prepared}; {until}\n  {command}")


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


def closed(console: Console, data: Facts) -> None:
    """Say that a month is closed, what was charged, and what asks for a test."""
    stood = "was closed before" if data["again"] else "is closed"
    console.print(
        f"{data['entity']} {data['period']} {stood}: {data['entries']} entries in the"
        f" month, trial balance {data['trial_balance_sha256'][:12]}",
        markup=False,
    )
    if data["charged"]:
        console.print(f"amortised 摊销 {data['charged']} CNY")
    for sign in data["tests_asked"]:
        console.print(
            f"{sign['asset']} asks for an impairment test 减值测试: {sign['ground']}",
            markup=False,
        )
    console.print(f"\ntry next:\n  datafactor books {data['entity']} {data['period']}")


def rebuilt(console: Console, data: Facts) -> None:
    """Show whether each frame of a close is, byte for byte, what it was."""
    rows = [
        (f["task"], f["frame"], f["recorded"][:12], f["now"][:12], f["same"])
        for f in data["frames"]
    ]
    heads = ("task", "frame", "recorded", "now", "the same")
    console.print(table("", heads, rows))
    code = "" if data["same_code"] else "; the code has changed since"
    same = "the same, byte for byte" if data["same"] else "not the same"
    console.print(f"\nthe close of {data['period']} is {same}{code}", markup=False)
