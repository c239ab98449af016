"""Write the balance table: rows in, out, dropped and rejected at each step, and why.

Nothing is counted here: the numbers are those of the contract passes and of the steps
of the SQL. What no step of the SQL tells of is the difference of two counts.

100 lines, 2 rejected; an INNER JOIN that 8 of 98 do not survive -> clean 100 in, 98
out, 2 rejected; JOIN 98 in, 90 out, 8 dropped; contract 90 in, 90 out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from schemas.contract import Declared, frame_of
from schemas.quality import RowBalance
from schemas.resource import ResourceTerms
from tasks.resource.feeds import RESOURCE, Counts, written

REASONS = 5
ALONE = "left_unmatched"
# step, what, rows in, out, dropped, rejected, multiplied, reason
Step = tuple[str, str, int | None, int, int, int, int, str]


def balance(counts: Counts, sql: Counts, terms: ResourceTerms) -> pl.DataFrame:
    """Put the steps in order. Contract RowBalance.

    Args:
        counts: Rows of contract CheckCounts.
        sql: The steps of the consolidation, as ``steps_of_sql`` gives them.
        terms: The document's resource.
    """
    consolidated = [*of_sql(sql)]
    steps = [*of_sources(counts, terms), *consolidated]
    steps += of_resource(counts, consolidated, terms)
    return frame_of(RowBalance, [(n, *step) for n, step in enumerate(steps, 1)])


def rows_of(counts: Counts, frame: str) -> dict[str, Any] | None:
    """Find the balance of a frame."""
    found = (r for r in counts if r["kind"] == "rows" and r["frame"] == frame)
    return next(found, None)


def of_sources(counts: Counts, terms: ResourceTerms) -> Iterator[Step]:
    """Tell of each source how many lines were read, and how many are valid."""
    for source in terms.sources:
        if (row := rows_of(counts, source.name)) is not None:
            pieces = sum(
                r["examined"]
                for r in counts
                if r["kind"] == "bytes" and r["frame"] == source.name
            )
            reason = [f"{pieces} raw piece{'s' * (pieces != 1)}"]
            reason += [
                f"{r['examined']:,} {r['rule']}"
                for r in counts
                if r["kind"] == "note" and r["frame"] == source.name
            ]
            told = "; ".join(reason)
            yield "collect", source.name, None, row["rows_in"], 0, 0, 0, told
            yield _judged("clean", row, counts, source)


def steps_of_sql(frames: Mapping[str, pl.LazyFrame]) -> Counts:
    """Bring joins and other clauses to one form, in the order in which they are done.

    Of a partitioned resource each step stands there once a partition; partitions that
    are their source's rows, unchanged, went through no SQL at all.
    """
    joins = frames["joins"].collect().to_dicts() if "joins" in frames else []
    clauses = frames["steps"].collect().to_dicts() if "steps" in frames else []
    rows = [{**r, "words": r["join"], "rows_in": r["left_rows"]} for r in joins]
    rows += [{**r, "words": r["reason"], ALONE: None} for r in clauses]
    return sorted(rows, key=lambda row: row["step"])


def of_sql(sql: Counts) -> Iterator[Step]:
    """Tell what each JOIN and WHERE did; of partitions, all of them together."""
    steps: dict[int, Counts] = {}
    for row in sql:
        steps.setdefault(row["step"], []).append(row)
    for rows in steps.values():
        first = rows[0]
        total = {
            name: sum(row[name] or 0 for row in rows)
            for name in ("rows_in", "rows_out", "dropped", "multiplied", ALONE)
        }
        words = (
            f"{first['part']}: {first['words']}" if first["part"] else first["words"]
        )
        why = f"{total[ALONE]:,} rows without partner" if total[ALONE] else ""
        numbers = (total["rows_in"], total["rows_out"], total["dropped"], 0)
        yield "consolidate", words, *numbers, total["multiplied"], why


def of_resource(
    counts: Counts, consolidated: list[Step], terms: ResourceTerms
) -> Iterator[Step]:
    """Tell what the rest of the SQL, the labels, the order and the contract did."""
    row = rows_of(counts, RESOURCE)
    if row is None:  # it is its only source, unchanged: there was nothing more to do
        return
    rows = row["rows_in"]
    if terms.passes:  # parts that several files hold were judged again, no more
        yield _judged("contract", row, counts, terms)
        return
    sources = [rows_of(counts, s.name) for s in terms.sources]
    before = sum(s["rows_out"] for s in sources if s)
    before = consolidated[-1][3] if consolidated else before
    if before != rows:
        lost, won = max(before - rows, 0), max(rows - before, 0)
        yield "consolidate", "the rest of the SQL", before, rows, lost, 0, won, ""
    labels, order = ", ".join(terms.labels), ", ".join(terms.order or terms.key)
    yield "label", labels or "no label", rows, rows, 0, 0, 0, ""
    yield "sort", order or "every column", rows, rows, 0, 0, 0, ""
    yield _judged("contract", row, counts, terms)


def _judged(
    step: str, row: Mapping[str, Any], counts: Counts, declared: Declared
) -> Step:
    """Write a contract pass with the rules that said no, most often first."""
    frame = row["frame"]
    own = [r for r in counts if r["kind"] == "rule" and r["frame"] == frame]
    said = sorted((-r["failed"], r["rule"]) for r in own if r["failed"])
    parts = [
        f"{-failed:,} × {rule}{_counted_only(rule, declared)}"
        for failed, rule in said[:REASONS]
    ]
    if len(said) > REASONS:
        parts.append(f"and {len(said) - REASONS} rules more")
    numbers = (row["rows_in"], row["rows_out"], row["dropped"], row["rejected"])
    return (step, frame, *numbers, 0, "; ".join(parts))


def _counted_only(rule: str, declared: Declared) -> str:
    quality = written(rule, declared)
    rejects = quality is None or (quality.by_row and quality.severity == "error")
    return "" if rejects else " (counted only)"
