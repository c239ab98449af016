"""Pairs of contracts, with the verdict of datacontract-cli on each.

The verdicts were given by ``datacontract breaking`` of datacontract-cli 1.2.8 (consumer
perspective) on the ODCS 3.1.0 documents that ``tests.benchmarks.versions`` writes; that
script asks it again.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.product import ProductTerms

Document = dict[str, Any]  # JSON
Changes = Mapping[str, Any]


class Pair(NamedTuple):
    """What is changed in the base, our level, and what the tool says of it."""

    name: str
    old: Changes
    new: Changes
    level: str | None
    tool: str  # error, warning, info, or nothing: the highest level of any entry
    differs: str = ""  # why, where our level is not the tool's


def column(name: str, kind: str = "integer", **more: Any) -> Document:
    return {"name": name, "logicalType": kind, **more}


def allowed(*values: str) -> list[Document]:
    return [{"metric": "invalidValues", "validValues": [*values]}]


ORIGIN, DELAY = column("origin", "string", required=True), column("delay")
BASE: Document = {
    "name": "delays",
    "version": "1.4.2",
    "query": "SELECT origin, delay FROM resource",
    "licence": {"name": "house", "permissions": ["use"]},
    "columns": [ORIGIN, DELAY],
    "key": ["origin"],
}


def delay(**more: Any) -> Document:
    """Say something of the column ``delay``."""
    return {"columns": [ORIGIN, column("delay", **more)]}


def limits(**options: Any) -> Document:
    return delay(logicalTypeOptions=options)


def origin(**more: Any) -> Document:
    return {"columns": [column("origin", "string", required=True, **more), DELAY]}


def rows(severity: str = "error", **bound: Any) -> Document:
    return {"quality": [{"metric": "rowCount", "severity": severity, **bound}]}


def terms(changes: Changes) -> ProductTerms:
    """Make terms of the base and what is changed in it."""
    return ProductTerms.model_validate({**BASE, **changes})


PAIRS = (
    Pair("a column is removed", {}, {"columns": [ORIGIN]}, "major", "error"),
    Pair(
        "a column is added", {}, {"columns": [ORIGIN, DELAY, column("hour")]},
        "minor", "info",
    ),
    Pair(
        "a column is renamed", {}, {"columns": [ORIGIN, column("late")]},
        "major", "error",
    ),
    Pair(
        "a column is retyped", {}, {"columns": [ORIGIN, column("delay", "number")]},
        "major", "error",
    ),
    Pair("required is loosened", delay(required=True), delay(), "major", "error"),
    Pair("required is tightened", delay(), delay(required=True), "minor", "info"),
    Pair("unique is loosened", delay(unique=True), delay(), "major", "error"),
    Pair("unique is tightened", delay(), delay(unique=True), "minor", "info"),
    Pair(
        "a maximum is raised", limits(maximum=60), limits(maximum=120),
        "major", "error",
    ),
    Pair(
        "a maximum is lowered", limits(maximum=120), limits(maximum=60),
        "minor", "info",
    ),
    Pair("a minimum is dropped", limits(minimum=0), limits(), "major", "error"),
    Pair(
        "the valid values are widened", origin(quality=allowed("EWR", "JFK")),
        origin(quality=allowed("EWR", "JFK", "LGA")), "major", "error",
    ),
    Pair(
        "the valid values are narrowed", origin(quality=allowed("EWR", "JFK")),
        origin(quality=allowed("EWR")), "minor", "info",
    ),
    Pair(
        "a pattern is another", origin(logicalTypeOptions={"pattern": "^[A-Z]+$"}),
        origin(logicalTypeOptions={"pattern": "^[A-Z]{3}$"}), "major", "warning",
        "the tool leaves two patterns to a person; we count what nobody compared as"
        " breaking",
    ),
    Pair("the key is dropped", {}, {"key": []}, "major", "error"),
    Pair("the key is longer", {}, {"key": ["origin", "delay"]}, "major", "error"),
    Pair(
        "a rule of the table is added", {}, rows(mustBeGreaterOrEqualTo=100),
        "minor", "info",
    ),
    Pair(
        "a rule of the table is loosened", rows(mustBeGreaterOrEqualTo=100),
        rows(mustBeGreaterOrEqualTo=10), "major", "error",
    ),
    Pair(
        "a rule becomes a warning", rows(mustBeGreaterOrEqualTo=100),
        rows("warning", mustBeGreaterOrEqualTo=100), "major", "error",
    ),
    Pair(
        "a unit is another", delay(unit="min"), delay(unit="s"), "major", "nothing",
        "ODCS has no unit of a column, so the tool sees none; minutes read as seconds"
        " are wrong sixtyfold",
    ),
    Pair(
        "a class is higher", delay(classification="public"),
        delay(classification="personal"), "major", "info",
        "the tool takes it for metadata that no check tests; a holder of personal"
        " data has duties",
    ),
    Pair(
        "a description is another", delay(description="Minutes late"),
        delay(description="Minutes behind the plan"), "patch", "info",
    ),
    Pair("nothing is changed", {}, {}, None, "nothing"),
)  # fmt: skip
