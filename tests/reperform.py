"""Recompute an appraisal from its bundle with the standard library alone.

    python -I -S tests/reperform.py BUNDLE.tar

It imports nothing of this project and shares no code with it: an auditor's own sheet.
It reads ``inputs.json`` only, works out every method, the reconciled value, every swing
of the sensitivity table and the split among providers, and then compares all of it with
what ``results.json`` claims. Exit 0 when every fen agrees, else 1.
"""

import calendar
import copy
import hashlib
import json
import sys
import tarfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction
from itertools import permutations
from math import factorial
from typing import Any, TypeAlias

D: TypeAlias = Decimal
Part = dict[str, Any]  # JSON
getcontext().prec = 60
FEN = D("0.01")


def cents(x: D) -> D:
    return x.quantize(FEN, ROUND_HALF_UP)


def add_months(day: date, n: int) -> date:
    y, m = divmod(day.year * 12 + day.month - 1 + n, 12)
    return date(y, m + 1, min(day.day, calendar.monthrange(y, m + 1)[1]))


def months_left(case: Part) -> int:
    """The shortest life, in whole months from the valuation date."""
    a = case["appraisal"]
    start = date.fromisoformat(a["valuation_date"])
    ends = [e["last_day"] for e in case["ends"]]
    if a["contract"]:
        ends.append(a["contract"]["last_day"])
    months = [int(D(a["economic_life"]["value"]))] if a["economic_life"] else []
    for end in ends:
        stop, n = date.fromisoformat(end) + timedelta(days=1), 0
        while add_months(start, n + 1) <= stop:
            n += 1
        months.append(n)
    return min(months)


def each(figure: Part, t: int) -> D:
    """The value of a figure in year t (from 0)."""
    return D(figure["values"][t]) if "values" in figure else D(figure["value"])


def income_of(m: Part, case: Part, t: int) -> D:
    """The income attributed to the asset in year t."""
    f = m["forecast"]
    r: D = D(f["inflow"]["values"][t])
    kind, most = m["method"], D("Infinity")
    if case["ceiling"]:
        most = D(case["ceiling"]["amount"]) * D(f["units"]["values"][t])
    if kind != "incremental":
        r = min(r, most)
    r -= sum((D(s["values"][t]) for s in f["less"].values()), D(0))
    if kind == "split":
        k = m["share"]
        if "own_cost" in k:
            own = D(k["own_cost"]["value"]) * (1 + D(k["own_margin"]["value"]))
            other = D(k["other_cost"]["value"]) * (1 + D(k["other_margin"]["value"]))
            return r * own / (own + other)
        return r * each(k, t)
    if kind == "excess":
        for c in m["charges"].values():
            r -= each(c["base"], t) * D(c["required"]["value"])
        return r
    if kind == "incremental":
        return min(r - D(m["without"]["values"][t]), most)
    if kind == "relief_from_royalty":
        return r * each(m["royalty"], t)
    return r


def income(m: Part, case: Part) -> D:
    i = sum((D(p["value"]) for p in m["rate"]["parts"].values()), D(0))
    left, total = months_left(case), D(0)
    for t in range(len(m["forecast"]["inflow"]["values"])):
        months = max(0, min(12, left - 12 * t))
        part = D(months) / 12
        when = t + (part / 2 if m["timing"] == "mid-year" else part)
        total += income_of(m, case, t) * part / (1 + i) ** when
    return total


def cost(m: Part, case: Part) -> D:
    kinds = ("preliminary", "direct", "indirect")
    c = sum((D(x["value"]) for k in kinds for x in m[k].values()), D(0))
    c = c + c * D(m["opportunity_rate"]["value"]) + D(m["taxes"]["value"])
    return c * D(m["delta"]["value"])


def market(m: Part, case: Part) -> D:
    now, total = case["appraisal"]["valuation_date"][:7], D(0)
    for references in m["datasets"].values():
        prices = []
        for number, x in references.items():
            deal = m["deals"][number]
            price = D(deal["value"])
            for name in ("quality", "supply_demand", "capacity", "other"):
                price *= D(x[name]["value"])
            if x["time"]:
                price *= D(x["time"]["value"])
            else:
                index = m["index"]["values"]
                price *= D(index[now]) / D(index[deal["dated"][:7]])
            prices.append(price)
        total += sum(prices, D(0)) / len(prices)
    return total


def value(m: Part, case: Part) -> D:
    by = {"replacement_cost": cost, "comparable_deals": market}
    return cents(by.get(m["method"], income)(m, case))


def reconciled(case: Part) -> D:
    methods = case["appraisal"]["methods"]
    total = sum((D(m["weight"]) * value(m, case) for m in methods), D(0))
    return cents(max(total, D(0)))


def places(part: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Part]]:
    """Every figure: its place and the part of the JSON that holds it."""
    if isinstance(part, dict):
        if "derivation" in part:
            yield "/".join(path), part
            return
        for name, inner in part.items():
            yield from places(inner, path if name == "methods" else (*path, name))
    if isinstance(part, list):
        for inner in part:
            if isinstance(inner, dict) and "method" in inner:
                yield from places(inner, (*path, inner["method"]))


def swings(case: Part) -> dict[str, list[str]]:
    """The reconciled value with each figure lower and higher."""
    by, found = D(case["appraisal"]["swing"]), {}
    for place, _ in places(case["appraisal"]):
        if place == "contribution" or place.endswith("/index"):
            continue
        ends = []
        for factor in (1 - by, 1 + by):
            other = copy.deepcopy(case)
            figure = dict(places(other["appraisal"]))[place]
            if "values" in figure:
                figure["values"] = [str(D(v) * factor) for v in figure["values"]]
            else:
                figure["value"] = str(D(figure["value"]) * factor)
            ends.append(str(reconciled(other)))
        found[place] = ends
    return found


def shares(contribution: Part) -> dict[str, Fraction]:
    """What each adds on arriving, over all orders (up to 7), else by groups."""
    names = contribution["providers"]
    stated = contribution["worth"].items()
    worth = {frozenset(g.split("+")): Fraction(v) for g, v in stated}
    worth[frozenset()] = Fraction(0)
    got = dict.fromkeys(names, Fraction(0))
    n = len(names)
    if n <= 7:
        for order in permutations(names):
            there: frozenset[str] = frozenset()
            for name in order:
                got[name] += worth[there | {name}] - worth[there]
                there |= {name}
        got = {name: x / factorial(n) for name, x in got.items()}
    else:
        for there, v in worth.items():
            s = len(there)
            if s < n:
                w = Fraction(factorial(s) * factorial(n - s - 1), factorial(n))
                for name in set(names) - there:
                    got[name] += w * (worth[there | {name}] - v)
    whole = sum(got.values(), Fraction(0))
    return {name: x / whole for name, x in got.items()}


def split(contribution: Part, amount: D) -> dict[str, str]:
    """Largest remainder to fen; equal remainders in the order of names."""
    part, fen = shares(contribution), int(amount * 100)
    exact = {name: fen * part[name] for name in sorted(part)}
    given = {name: int(x) for name, x in exact.items()}
    rest = fen - sum(given.values())
    for name in sorted(exact, key=lambda n: given[n] - exact[n])[:rest]:
        given[name] += 1
    return {name: str(cents(D(x) / 100)) for name, x in given.items()}


def differences(files: dict[str, bytes]) -> Iterator[str]:
    """Every claim of the bundle that does not follow from its inputs."""
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        if hashlib.sha256(files[name]).hexdigest() != digest:
            yield f"{name}: digest"
    case, claimed = json.loads(files["inputs.json"]), json.loads(files["results.json"])
    made = reconciled(case)
    if str(made) != claimed["value"]:
        yield f"value: {made}, not {claimed['value']}"
    for m, told in zip(case["appraisal"]["methods"], claimed["methods"], strict=True):
        if (m["method"], str(value(m, case))) != (told["method"], told["value"]):
            yield f"{m['method']}: {value(m, case)}, not {told['value']}"
    told = {s["figure"]: [s["low"], s["high"]] for s in claimed["sensitivity"]}
    if told != swings(case):
        yield "sensitivity"
    if case["appraisal"]["contribution"]:
        parts = split(case["appraisal"]["contribution"], made)
        if parts != {p["provider"]: p["amount"] for p in claimed["parts"]}:
            yield "split among providers"
    first = date.fromisoformat(case["appraisal"]["valuation_date"])
    last = add_months(first, case["valid_months"]) - timedelta(days=1)
    if str(last) != claimed["valid_to"]:
        yield "valid_to"


def main(path: str) -> int:
    with tarfile.open(path, "r:") as tar:
        opened = {m.name: tar.extractfile(m) for m in tar if m.isreg()}
        files = {name: body.read() for name, body in opened.items() if body}
    wrong = list(differences(files))
    claimed = json.loads(files["results.json"])
    for line in wrong or [f"{claimed['value']} CNY, every fen agrees"]:
        print(line)  # noqa: T201 - a script: what it prints is its result
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
