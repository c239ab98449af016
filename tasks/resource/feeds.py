"""Say which check or count feeds which indicator, and with how many elements.

A check feeds the indicator that its rule names (``indicator: "0104"``), else that of
its kind; an element is then one value (or row) that a contract pass looked at, before
anything was rejected, so that quarantine does not make the numbers look good.

==== ==================================================== ==========================
code A                                                    B
==== ==================================================== ==========================
0101 columns with declared name and type                  columns declared
0102 lines that decode and split into the columns         lines
0103 columns with a description or a unit                 columns declared
0104 rows that keep an expression                         rows
0105 values in the valid values or a reference            values
0106 columns that a person has classified                 columns declared
0201 values of required columns that are there            values of required columns
0202 rows that came out                                   rows in, without repeats
0302 values that parse and keep limits, length, pattern   values
0303 copies of a key, and repeats that were dropped       rows
0304 rows that are no such copy                           rows
0305 rows rejected                                        rows in
0402 rows that found a partner in a join                  rows before the join
0502 rules of freshness that hold                         rules (freshness.py)
0503 rows that keep ``earlier <= later`` of two times     rows
0601 raw pieces that still lie where the store says       raw pieces
0602 frames of the resource that still lie there          frames
==== ==================================================== ==========================

0301, 0401 and 0501 want a comparison with the world, a copy or a period: only a rule
that names them feeds them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
import sqlglot
from sqlglot import exp

from schemas.contract import DTYPES, Column, Declared
from schemas.resource import ResourceTerms
from schemas.rule import Quality
from tasks.resource.indicators import LOWER, Feed

Counts = list[dict[str, Any]]  # rows of contract CheckCounts
RESOURCE = "resource"
COMPARED = (exp.LT, exp.LTE, exp.GT, exp.GTE)
Codes = tuple[str, ...]
KEY: Codes = ("0303", "0304")
LIMITS: tuple[Codes, str] = (("0302",), "limits")
KINDS: dict[str, tuple[Codes, str]] = {
    "parse": (("0302",), "values that parse"),
    "required": (("0201",), "required values"),
    "ragged line": (("0102",), "lines"),
    "unreadable line": (("0102",), "lines"),
    "repeated row": ((), "repeats"),  # what was dropped is told by the balance
}
SUPERSEDED = "superseded"  # so is a copy beside which another one stands


def declared_by(frame: str, terms: ResourceTerms) -> Declared | None:
    """Find the contract of a frame: a source's, or the resource's own."""
    return terms if frame == RESOURCE else terms.source(frame)


def fed_by_rules(counts: Counts, terms: ResourceTerms) -> Iterator[Feed]:
    """Let every check of the sources and the resource feed its indicator."""
    for row in counts:
        declared = declared_by(row["frame"], terms)
        again = row["frame"] == RESOURCE and terms.passes  # counted as they came
        if row["kind"] != "rule" or declared is None or again:
            continue
        codes, what = meaning(row["rule"], declared)
        for code in codes:
            bad, asked = row["failed"], row["examined"]
            good = bad if code in LOWER else asked - bad
            yield Feed(code, good, asked, what, row["frame"])


def meaning(rule: str, declared: Declared) -> tuple[Codes, str]:
    """Tell from a rule's name what it feeds, and what it looks at in words."""
    quality = written(rule, declared)
    if quality is not None:
        return default_of(quality, declared)
    subject, _, kind = rule.partition(":")
    if kind.startswith(SUPERSEDED):
        return (), "repeats"
    return (KEY, "keys") if subject == "unique" else KINDS.get(kind, LIMITS)


def written(rule: str, declared: Declared) -> Quality | None:
    """Find the rule of the document that the contract pass calls by this name."""
    rules = [(c.name, q) for c in declared.columns for q in c.quality]
    rules += [(q.column or "*", q) for q in declared.quality]
    every = ",".join(c.name for c in declared.columns)
    for column, quality in rules:
        unique = f"unique:{every if column == '*' else column}"
        of_key = quality.metric == "duplicateValues" and rule == unique
        # Between them stands the check's place among those of its column.
        named = rule.startswith(f"{column}:") and rule.endswith(f":{quality.words}")
        if of_key or named:
            return quality
    return None


def default_of(rule: Quality, declared: Declared) -> tuple[Codes, str]:
    """Choose the indicator of a written rule: the one it names, else by its kind.

    The age is judged on the day (``freshness``); whether a set is large enough says
    nothing of its elements.
    """
    codes, what = LIMITS
    if rule.metric in ("freshness", "rowCount", "volume"):
        codes, what = (), "rules"
    elif rule.metric == "nullValues":
        codes, what = ("0201",), "values"
    elif rule.metric == "duplicateValues":
        codes, what = KEY, "keys"
    elif rule.expression:
        in_time = orders_time(rule.expression, declared.columns)
        codes, what = (("0503",), "times") if in_time else (("0104",), "rules")
    elif rule.valid_values or rule.reference:
        codes, what = ("0105",), "valid values"
    named = rule.indicator if rule.metric != "freshness" else ""
    return (named,) if named else codes, what


def orders_time(expression: str, columns: Iterable[Column]) -> bool:
    """Say whether an expression only compares two columns of time.

    ``departed <= arrived`` of two timestamps -> true; ``a <= b + 1`` -> false.
    """
    times = {c.name for c in columns if c.logical_type in ("date", "timestamp")}
    tree = sqlglot.parse_one(expression, read="postgres").unnest()
    sides = [tree.left, tree.right] if isinstance(tree, COMPARED) else []
    names = [s.name for s in sides if isinstance(s, exp.Column)]
    return len(names) == 2 and set(names) <= times


def fed_by_rows(counts: Counts, terms: ResourceTerms) -> Iterator[Feed]:
    """Let the balances feed record completeness, dirty data and repetition."""
    keyed = {r["frame"] for r in counts if r["rule"].startswith("unique:")}
    for row in counts:
        frame, declared = row["frame"], declared_by(row["frame"], terms)
        if row["kind"] != "rows" or declared is None:
            continue
        if frame == RESOURCE and terms.passes:  # its rows were counted as they came
            yield Feed("0202", -row["rejected"], 0, "rows", frame)
            yield Feed("0305", row["rejected"], 0, "rows", frame)
            continue
        expected = row["rows_in"] - row["dropped"]
        yield Feed("0202", row["rows_out"], expected, "rows", frame)
        yield Feed("0305", row["rejected"], row["rows_in"], "rows", frame)
        if declared.drop_repeats or declared.keep:
            # The rule of the key has counted these rows once already.
            rows = 0 if frame in keyed else row["rows_in"]
            yield Feed("0303", row["dropped"], rows, "repeats", frame)
            yield Feed("0304", rows - row["dropped"], rows, "repeats", frame)


def fed_by_columns(schema: pl.Schema, terms: ResourceTerms) -> Iterator[Feed]:
    """Let the document's columns feed standard, metadata and security."""
    columns = terms.columns
    named = [c for c in columns if schema.get(c.name) == DTYPES[c.logical_type]]
    told = [c for c in columns if c.description.strip() or c.unit.strip()]
    decided = [c for c in columns if c.classification is not None]
    for code, found in (("0101", named), ("0103", told), ("0106", decided)):
        yield Feed(code, len(found), len(columns), "columns", RESOURCE)


def fed_by_joins(sql: Counts) -> Iterator[Feed]:
    """Let the joins among the steps feed related data."""
    for row in sql:
        if row["left_unmatched"] is not None:
            rows, alone = row["rows_in"], row["left_unmatched"]
            yield Feed("0402", rows - alone, rows, "joins", RESOURCE)


def fed_by_bytes(counts: Counts) -> Iterator[Feed]:
    """Let what is still there feed accessibility."""
    for row in counts:
        if row["kind"] == "bytes":
            own = row["frame"] == RESOURCE
            code, what = ("0602", "frames") if own else ("0601", "raw pieces")
            found = row["examined"] - row["failed"]
            yield Feed(code, found, row["examined"], what, row["frame"])
