"""Show to people what was sold, used and invoiced."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from flows.face import table

Facts = dict[str, Any]  # JSON
NOTHING: Facts = {
    "month": "none",
    **dict.fromkeys(("deliveries", "calls", "rows", "bytes", "unsealed"), 0),
}


def entitlement(console: Console, data: Facts) -> None:
    """Show what an order entitles to; the key only where it is new."""
    limit = f"{data['quota']:,} {data['unit']}s" if data["quota"] else "no limit"
    rows = f", {data['rows']:,} rows a delivery" if data["rows"] else ""
    told = {
        "order": data["order"],
        "product": data["product"],
        "customer": data["customer"],
        "use": data["use"],
        "licence": data["licence"],
        "fields": ", ".join(data["fields"]) + rows,
        "quota": limit,
        "price": f"{data['price']}, {data['amount']} CNY for the order itself",
        "term": f"{data['valid_from']} to {data['valid_to']}",
    }
    if "revoked_on" in data:
        told["revoked"] = f"on {data['revoked_on']}: {data['reason']}"
    if "key" in data:
        told["API key"] = f"{data['key']} (shown once: keep it)"
    for name, text in told.items():
        console.print(f"  {name:9} {text}", markup=False)


def withdrawal(console: Console, data: Facts) -> None:
    """Say what was withdrawn, and whom it concerns."""
    done = "withdrawn" if data["event"] == "withdraw" else "offered again"
    on, reason = data["effective_on"], data["reason"]
    orders = ", ".join(data["orders"]) or "none"
    console.print(f"{data['product']} is {done} from {on}: {reason}", markup=False)
    console.print(f"its orders: {orders}", markup=False)


def delivery(console: Console, data: Facts) -> None:
    """Say what lies where, and what is left of the quota."""
    left = "" if data["left"] is None else f"; {data['left']:,} units are left"
    said = f"{data['rows']:,} rows of {data['order']} are in {data['folder']}{left}"
    console.print(said, markup=False)
    console.print(f"  {', '.join(data['files'])}", markup=False)
    console.print(f"  delivery {data['delivery']}", markup=False)


def copies(console: Console, data: Sequence[Facts]) -> None:
    """Show how well a copy keeps the order of each delivery."""
    if not data:
        console.print("no bundle of this product was handed over")
        return
    rows = [
        (
            *(d["delivery"], d["order"], d["customer"]),
            f"{d['in_order']:,} of {d['neighbours']:,}",
            "this copy" if d["sure"] else "",
        )
        for d in data
    ]
    columns = ("delivery", "order", "customer", "neighbours in order", "")
    console.print(table("", columns, rows))


def usage(console: Console, data: Sequence[Facts]) -> None:
    """Show what was used, by order and month."""
    rows = [
        (
            *(d["order"], d["customer"], m["month"], m["deliveries"]),
            *(f"{m[n]:,}" for n in ("calls", "rows", "bytes")),
            m["unsealed"],
            "no limit" if d["left"] is None else f"{d['left']:,} {d['unit']}s",
        )
        for d in data
        for m in d["months"] or [NOTHING]
    ]
    columns = ("order", "customer", "month", "deliveries", "calls", "rows", "bytes")
    console.print(table("", (*columns, "unsealed", "left"), rows))


def invoice(console: Console, data: Facts) -> None:
    """Show the lines of a month and their sum."""
    names = ("invoice", "line", "kind", "quantity", "unit_price", "amount", "reverses")
    rows = [tuple(line[n] for n in names) for line in data["lines"]]
    console.print(table("", [n.replace("_", " ") for n in names], rows))
    console.print(
        f"{data['product']} {data['period']}: {data['total']} CNY, tax not included",
        markup=False,
    )
