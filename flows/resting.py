"""Show what rests on something: the totals first, then the rows."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from flows.face import erased
from schemas.money import shown
from tasks import store
from tasks.store import Impact, Weight

Facts = dict[str, Any]  # JSON


def impact_facts(ref: str, starts: Sequence[str], limit: int) -> Facts:
    """Tell what rests on artifacts; money as text in yuan.

    ``totals`` counts all, the lists hold the first ``limit`` of each kind.
    """
    s = store.current()
    found = store.impact(s, *starts, limit=limit)
    return {
        "ref": ref,
        "limit": limit,
        **rows_of(found, store.outstanding(s, found.pledges)),
        **totals_of(found.weight),
        "artifacts": [node.model_dump(mode="json") for node in found.nodes],
    }


def totals_of(weight: Weight) -> Facts:
    """Tell how many rest on it, and how much money."""
    kinds = ("artifacts", "products", "assets", "loans")
    money = ("booked", "ordered", "pledged", "unsecured")
    return {
        "totals": {kind: getattr(weight, kind) for kind in kinds},
        **{name: shown(getattr(weight, f"{name}_fen")) for name in money},
    }


def rows_of(found: Impact, owed: dict[str, int]) -> Facts:
    """Tell products, assets and loans; what is owed is null where it is not known."""
    loans = [
        {
            "request": loan.request,
            "lender": loan.lender,
            "asset": loan.asset,
            "principal": shown(loan.principal_fen),
            "secured": loan.secured,
            "outstanding": shown(owed[loan.request]) if loan.request in owed else None,
        }
        for loan in found.pledges
    ]
    sums = sum(owed.values())
    known = owed and len(owed) == found.weight.loans
    return {
        "products": list(found.products),
        "assets": list(found.assets),
        "loans": loans,
        "outstanding": shown(sums) if known else None,
    }


def show_totals(console: Console, ref: str, weight: Weight) -> None:
    """Say how many rest on it and how much money, before any row."""
    data = totals_of(weight)
    console.print(f"on {ref}, in all its versions, rest:", markup=False)
    counts = ", ".join(f"{n:,} {kind}" for kind, n in data["totals"].items())
    console.print(f"  {counts}, itself among the artifacts", markup=False)
    more = f", ordered {data['ordered']} CNY" if weight.ordered_fen else ""
    more += f", lent without pledge {data['unsecured']} CNY" * bool(
        weight.unsecured_fen
    )
    said = f"  journal debits {data['booked']} CNY, pledged {data['pledged']} CNY{more}"
    console.print(said, markup=False)


def show_rows(console: Console, data: Facts) -> None:
    """List products, assets and loans, and say of how many more it is silent."""
    for kind in ("products", "assets"):
        for name in data[kind] or [f"no {kind}"]:
            console.print(f"  {name}", markup=False)
    for loan in data["loans"]:
        owed = loan["outstanding"]
        left = f", {owed} CNY of it outstanding by its last run" if owed else ""
        bare = "" if loan["secured"] else ", without pledge"
        console.print(
            f"  loan {loan['request']}: {loan['principal']} CNY from {loan['lender']}"
            f" on {loan['asset']}{bare}{left}",
            markup=False,
        )
    silent = {
        n: data["totals"][n] - len(data[n]) for n in ("products", "assets", "loans")
    }
    if more := ", ".join(f"{n:,} {kind}" for kind, n in silent.items() if n):
        console.print(f"  and {more} more: --limit N lists them", markup=False)
    erased(console, data["artifacts"])
