"""Say a product's contract in the Open Data Contract Standard (ODCS) v3.1.

What ODCS has words for is said in them. What it lacks (a unit, who is harmed, a rule on
freshness) stands in ``customProperties`` or in a ``custom`` rule of the engine
``datafactor``, so that ``odcs_in.taken`` reads the same contract back, to its digest.

``priceAmount`` is a number by the standard: a Decimal here, so no cent is lost on the
way; the price whole, with its tiers and ceiling, stands as text beside it.

Source: ODCS v3.1.0, bitol-io.github.io/open-data-contract-standard/v3.1.0/.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from schemas.contract import Column
from schemas.rule import BOUNDS, Quality
from schemas.terms import Terms
from tasks.product.describe.facts import PHYSICAL, Facts, file_of

Node = dict[str, Any]  # Any: JSON, and Decimal for an amount
VERSION = "v3.1.0"
ENGINE = "datafactor"
LIBRARY = ("nullValues", "invalidValues", "duplicateValues", "rowCount")
OPTIONS = ("minimum", "maximum", "minLength", "maxLength", "pattern")
UNITS = {
    "flat": "term",
    "per_call": "call",
    "per_row": "row",
    "quota": "quota",
    "free": "free",
}
TABLE = "${object}"  # what a query of ODCS writes in place of the table


def odcs(facts: Facts) -> Node:
    """Write the contract of a published product.

    Args:
        facts: Of the product; its terms with provider and scenario filled in.
    """
    terms = facts.terms
    said = {
        "apiVersion": VERSION,
        "kind": "DataContract",
        "id": f"urn:datafactor:{terms.factor}:{terms.name}",
        "name": terms.title or terms.name,
        "version": terms.version,
        "status": "deprecated" if terms.deprecated else "active",
        "tenant": terms.provider.name if terms.provider else "",
        "domain": terms.scenario.industry if terms.scenario else "",
        "description": description(facts),
        "schema": [table(facts)],
        "price": price(facts),
        "slaProperties": [*promises(facts)],
        "customProperties": [*beside(facts)],
    }
    return filled(said)


def filled(node: Node) -> Node:
    """Leave out what says nothing."""
    return {k: v for k, v in node.items() if v not in ("", None, [], {}, ())}


def description(facts: Facts) -> Node:
    """Say for which decision it is, and for which uses it is not."""
    said, licence = facts.terms.scenario, facts.terms.licence
    if said is None:
        return {}
    refused = [f"not for: {told}" for told in said.prohibited_uses.values()]
    forbidden = [f"may not: {act}" for act in licence.prohibitions]
    return {
        "purpose": f"{said.user}: {said.decision}",
        "usage": "; ".join(said.uses.values()),
        "limitations": "; ".join([*refused, *forbidden, *licence.clauses]),
    }


def table(facts: Facts) -> Node:
    """Write the one table of a product."""
    terms = facts.terms
    kept: Node = {
        "keep": terms.keep,
        "dropRepeats": terms.drop_repeats or None,
        "maxRejectedRate": str(terms.max_rejected_rate or "") or None,
    }
    return filled(
        {
            "name": terms.name.replace("-", "_"),
            "physicalName": file_of(terms),
            "physicalType": "file",
            "logicalType": "object",
            "description": terms.title,
            "dataGranularityDescription": f"one row for each {' and '.join(terms.key)}"
            if terms.key
            else "",
            "properties": [column(c, facts) for c in terms.columns],
            "quality": [rule(r) for r in terms.quality],
            "customProperties": custom(filled(kept)),
        }
    )


def column(one: Column, facts: Facts) -> Node:
    """Write one column."""
    key = facts.terms.key
    limits = one.options.model_dump(mode="json", by_alias=True, exclude_none=True)
    affects = one.affects.model_dump(mode="json") if one.affects else None
    more = {
        "unit": one.unit,
        "normalize": one.normalize,
        "affects": affects,
        "format": limits.get("format"),
    }
    return filled(
        {
            "name": one.name,
            "physicalName": one.physical_name,
            "logicalType": one.logical_type,
            "physicalType": PHYSICAL[one.logical_type],
            "description": one.description,
            "required": one.required or None,
            "unique": one.unique or None,
            "primaryKey": one.name in key or None,
            "primaryKeyPosition": key.index(one.name) + 1 if one.name in key else None,
            "classification": one.classification,
            "logicalTypeOptions": {n: limits[n] for n in OPTIONS if n in limits},
            "examples": list(facts.samples.get(one.name, ())),
            "quality": [rule(r) for r in one.quality],
            "customProperties": custom(filled(more)),
        }
    )


def whole(terms: Terms) -> Node:
    """Write terms as a document does; amounts stay text."""
    return terms.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def custom(more: Node) -> list[Node]:
    """Write what the standard has no words for."""
    return [{"property": name, "value": value} for name, value in more.items()]


def rule(one: Quality) -> Node:
    """Write one quality rule: in the standard's words, else in the house's own.

    ``invalidValues`` with three valid values and no bound -> ``library`` with
    ``mustBe: 0`` and the mark that the bound was not written.
    """
    shared = filled(
        {"name": one.name, "severity": one.severity, "dimension": one.dimension}
    )
    house = one.column or one.reference or one.metric not in LIBRARY
    if house:
        said = {"engine": ENGINE, "implementation": whole(one)}
        return {"type": "custom", **shared, **said}
    bound, implied = bound_of(one)
    more = {
        "impliedBound": implied or None,
        "indicator": one.indicator,
        "expression": one.expression,
    }
    asked: Node = {"metric": one.metric, "arguments": arguments(one)}
    if one.expression:
        asked = {"query": query_of(one.expression)}
    kept = {**shared, **asked, **bound, "unit": one.unit}
    return filled({"type": one.type, **kept, "customProperties": custom(filled(more))})


def arguments(one: Quality) -> Node:
    """Say which values are valid."""
    return filled({"validValues": list(one.valid_values), "pattern": one.pattern})


def bound_of(one: Quality) -> tuple[Node, bool]:
    """Write the one bound that ODCS asks for, and whether the document left it out."""
    for name, (alias, _) in BOUNDS.items():
        limit = getattr(one, name)
        if limit is not None:
            return {alias: list(limit) if isinstance(limit, tuple) else limit}, False
    return {"mustBe": 0}, True


def query_of(expression: str) -> str:
    """Count the rows where an expression is false: SQL as ODCS asks for it."""
    return f"SELECT COUNT(*) FROM {TABLE} WHERE NOT ({expression})"


def price(facts: Facts) -> Node:
    """Write what one unit costs; tiers have no single amount."""
    asked = facts.terms.price
    if asked.mode == "tiers":
        return {"priceCurrency": "CNY", "priceUnit": f"tiers of {asked.counted}s"}
    amount = Decimal(0) if asked.mode == "free" else asked.amount
    return {
        "priceAmount": amount,
        "priceCurrency": "CNY",
        "priceUnit": UNITS[asked.mode],
    }


def promises(facts: Facts) -> Iterator[Node]:
    """List what is promised of its delivery and its end."""
    terms = facts.terms
    yield {"property": "generalAvailability", "value": facts.as_of.isoformat()}
    if terms.deprecated:
        yield {"property": "endOfSupport", "value": terms.deprecated.on.isoformat()}
    if "service" in terms.delivery.forms:
        calls = terms.delivery.calls_per_minute
        yield {"property": "throughput", "value": calls, "unit": "calls a minute"}
        yield {
            "property": "maxRows",
            "value": terms.delivery.max_rows,
            "unit": "rows a call",
        }


def beside(facts: Facts) -> Iterator[Node]:
    """Tell price, licence, delivery and the published file whole."""
    terms = facts.terms
    said: Node = {
        "price": whole(terms.price),
        "licence": whole(terms.licence),
        "release": terms.release,
        "delivery": terms.delivery.model_dump(mode="json"),
        "artifact": {
            "id": facts.artifact,
            "sha256": facts.sha256,
            "rows": facts.rows,
            "bytes": facts.bytes,
            "run": facts.run,
        },
        "qualityPpm": dict(facts.scores),
        "provider": terms.provider.model_dump(mode="json") if terms.provider else None,
    }
    yield from custom(filled(said))
