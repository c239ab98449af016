"""The balance table: the losses of every step, with their reasons."""

from typing import Any

import polars as pl

from schemas.contract import frame_of
from schemas.quality import Assessment, CheckCounts, Indicator
from schemas.resource import ClauseBalance
from tasks.resource.assess import assess
from tests.unit.test_quality import (
    COUNTS,
    DAY,
    IN_ORDER,
    JOIN,
    RESOURCE,
    TRIPS,
    made,
    rows,
    rule,
    terms,
)

Told = tuple[Any, ...]


def table(assessment: Assessment) -> list[Told]:
    """Step, what, in, out, dropped, rejected, multiplied, reason."""
    frame = assessment.balance.collect()
    assert frame["position"].to_list() == [*range(1, frame.height + 1)]
    return frame.drop("position").rows()


def with_steps(*clauses: dict[str, Any]) -> Assessment:
    steps = pl.LazyFrame([*clauses])
    joins = pl.LazyFrame([{**JOIN, "step": n} for n in (2, 2)])  # two partitions
    frames = {"resource": RESOURCE, "joins": joins, "steps": steps}
    nothing = frame_of(Indicator, []).lazy()
    counts = frame_of(CheckCounts, COUNTS).lazy()
    return assess(frames, counts, nothing, terms(), DAY)


def clause(step: int, reason: str, came: int, out: int) -> dict[str, Any]:
    numbers = {"rows_in": came, "rows_out": out, "dropped": came - out}
    told = {"step": step, "part": "", "what": reason.split()[0], "reason": reason}
    row = {**told, **numbers, "multiplied": 0}
    assert set(row) == set(ClauseBalance.to_schema().columns)
    return row


def test_each_step_tells_rows_in_and_out_and_why() -> None:
    reasons = (
        "2 × carrier:0:one of the valid values; 2 × id:required; 2 × unique:id;"
        " 1 × *:0:left_at <= arrived_at; 1 × *:ragged line; and 2 rules more"
    )

    assert table(made()) == [
        ("collect", "trips", None, 10, 0, 0, 0, "3 raw pieces"),
        ("clean", "trips", 10, 4, 0, 6, 0, reasons),
        ("consolidate", JOIN["join"], 4, 4, 0, 0, 0, "1 rows without partner"),
        ("label", "no label", 4, 4, 0, 0, 0, ""),
        ("sort", "every column", 4, 4, 0, 0, 0, ""),
        ("contract", "resource", 4, 4, 0, 0, 0, ""),
    ]


def test_steps_stand_in_their_order_and_partitions_are_added_up() -> None:
    told = table(
        with_steps(clause(1, "WHERE a > 1", 9, 8), clause(3, "GROUP BY b", 8, 4))
    )

    steps = [row[1:6] for row in told if row[0] == "consolidate"]
    assert steps == [
        ("WHERE a > 1", 9, 8, 1, 0),
        (JOIN["join"], 8, 8, 0, 0),
        ("GROUP BY b", 8, 4, 4, 0),
    ]


def test_what_no_step_tells_of_is_still_seen() -> None:
    counts = [rows("trips", 10, 10, 0), rows("resource", 7, 7, 0, task="transform")]

    told = table(made(counts, joins=[]))

    assert ("consolidate", "the rest of the SQL", 10, 7, 3, 0, 0, "") in told


def test_a_resource_that_is_its_source_has_no_further_step() -> None:
    counts = [rows("trips", 10, 7, 0, dropped=3), rule("*:repeated row", 3)]

    told = table(made(counts, joins=[]))

    assert [row[0] for row in told] == ["collect", "clean"]
    assert told[1] == ("clean", "trips", 10, 7, 3, 0, 0, "3 × *:repeated row")


def test_a_warning_says_that_it_rejected_nothing() -> None:
    warned = {**IN_ORDER, "severity": "warning", "name": "in order"}
    given = terms(sources=[{**TRIPS, "quality": [warned]}])
    counts = [rule("*:0:in order", 3), rows("trips", 10, 10, 0)]

    told = table(made(counts, given, joins=[]))

    assert told[1][-1] == "3 × *:0:in order (counted only)"


def test_rows_out_follow_from_the_other_numbers_at_every_step() -> None:
    for _, _, came, out, dropped, rejected, multiplied, _ in table(made()):
        if came is not None:
            assert out == came - dropped - rejected + multiplied
