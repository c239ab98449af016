"""Describe the service in OpenAPI 3.1: one path with its parameters a product."""

from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from typing import Any, NamedTuple

from schemas.contract import Column, LogicalType
from schemas.product import ProductTerms
from tasks.product.ask import FIRST, FORMATS

Facts = dict[str, Any]  # JSON
TYPES: dict[LogicalType, Facts] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string"},
    "boolean": {"type": "boolean"},
}
LIKE: dict[LogicalType, Any] = {
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "date": "2026-07-01",
    "timestamp": "2026-07-01T12:00:00",
    "boolean": True,
}
PROBLEMS = {
    "400": "A key stands in the address, or two keys are given.",
    "401": "There is no key, or it opens nothing.",
    "403": "Not licensed, expired, revoked, withdrawn, or a prohibited use.",
    "404": "There is no such product.",
    "409": "Two factors offer a product of this name.",
    "422": "A value does not fit its column or its bounds.",
    "429": "The quota is used up, or too many calls in a minute: see Retry-After.",
}


class Served(NamedTuple):
    """A product on offer, and the day of its rows."""

    terms: ProductTerms
    as_of: date


def openapi(offers: Sequence[Served]) -> Facts:
    """Write the OpenAPI 3.1 document: one path with its parameters a product."""
    served = [o for o in offers if "service" in o.terms.delivery.forms]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "datafactor",
            "version": version("datafactor"),
            "description": "Licensed rows of data products, counted as they are sent.",
        },
        "paths": {
            "/products": {"get": listing()},
            "/products/{name}": {"get": describing(offers)},
            **{f"/products/{o.terms.name}/rows": {"get": asking(o)} for o in served},
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
            "responses": {code: refusing(text) for code, text in PROBLEMS.items()},
            "schemas": {"Problem": problem_schema()},
        },
    }


def listing() -> Facts:
    """Describe the list of products."""
    facts = {"type": "array", "items": {"type": "object"}}
    return {
        "operationId": "products",
        "summary": "What is on offer",
        "responses": {"200": answering("Public facts", facts)},
    }


def describing(offers: Sequence[Served]) -> Facts:
    """Describe what is told of one product."""
    examples = {o.terms.name: {"value": o.terms.name} for o in offers}
    name = {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        **({"examples": examples} if examples else {}),
    }
    return {
        "operationId": "product",
        "summary": "Columns, licence, price and bounds of a product",
        "parameters": [name],
        "responses": {
            "200": answering("Descriptor", {"type": "object"}),
            "404": {"$ref": "#/components/responses/404"},
        },
    }


def asking(offer: Served) -> Facts:
    """Describe a question to one product: its columns, filters and bounds."""
    terms = offer.terms
    columns = {c.name: c for c in terms.columns}
    names = [*columns]
    most = terms.delivery.max_rows
    usual = min(FIRST, most)
    words: list[Facts] = [
        query("fields", one_of(names), ",".join(names), explode=False),
        query("limit", bounded(1, most, usual), min(10, most)),
        query("offset", {"type": "integer", "minimum": 0, "default": 0}, 0),
        query("format", {"type": "string", "enum": [*FORMATS]}, "json"),
        *(
            query(name, {"type": "array", "items": schema_of(columns[name])}, None)
            for name in terms.delivery.filters
            if name in columns
        ),
    ]
    row = {name: LIKE[c.logical_type] for name, c in columns.items()}
    told = {
        "product": terms.name,
        "version": terms.version,
        "as_of": str(offer.as_of),
        "delivery": "0" * 32,
    }
    example = {**told, "rows": [row], "next": None}
    return {
        "operationId": f"rows-{terms.name}",
        "summary": terms.title or terms.name,
        "security": [{"bearer": []}, {"header": []}],
        "parameters": words,
        "responses": {
            "200": {
                **answering("Rows", answer_schema(columns), example),
                "headers": {
                    "Datafactor-Delivery": {"schema": {"type": "string"}},
                    "Datafactor-Left": {"schema": {"type": "integer"}},
                },
            },
            **{c: {"$ref": f"#/components/responses/{c}"} for c in PROBLEMS},
        },
    }


def query(name: str, schema: Facts, example: Any, explode: bool = True) -> Facts:
    """Write one parameter of an address. Any: a value like that of the column."""
    told: Facts = {"name": name, "in": "query", "required": False, "schema": schema}
    if not explode:
        told |= {"style": "form", "explode": False}
        example = None if example is None else str(example).split(",")
    return told if example is None else {**told, "example": example}


def one_of(names: Sequence[str]) -> Facts:
    """Describe a list of some of these names."""
    return {"type": "array", "items": {"type": "string", "enum": [*names]}}


def bounded(least: int, most: int, usual: int) -> Facts:
    """Describe a whole number within bounds."""
    bounds = {"minimum": least, "maximum": most, "default": usual}
    return {"type": "integer", **bounds}


def schema_of(column: Column) -> Facts:
    """Describe one column."""
    said = " ".join(filter(None, (column.description, column.unit)))
    return {**TYPES[column.logical_type], **({"description": said} if said else {})}


def answer_schema(columns: dict[str, Column]) -> Facts:
    """Describe an answer; a cell that is not required may be null."""
    row: Facts = {}
    for name, column in columns.items():
        row[name] = schema_of(column)
        if not column.required:
            row[name] = {**row[name], "type": [row[name]["type"], "null"]}
    rows = {"type": "array", "items": {"type": "object", "properties": row}}
    texts = {n: {"type": "string"} for n in ("product", "version", "as_of", "delivery")}
    after = {"type": ["integer", "null"], "description": "Offset of the next answer"}
    return {
        "type": "object",
        "properties": {**texts, "rows": rows, "next": after},
    }


def answering(said: str, schema: Facts, example: Facts | None = None) -> Facts:
    """Describe a success."""
    body: Facts = {"schema": schema}
    if example is not None:
        body["example"] = example
    return {"description": said, "content": {"application/json": body}}


def refusing(said: str) -> Facts:
    """Describe a problem."""
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": schema}}
    return {"description": said, "content": content}


def problem_schema() -> Facts:
    """Describe a problem (RFC 9457)."""
    texts = {n: {"type": "string"} for n in ("type", "title", "detail")}
    return {
        "type": "object",
        "properties": {**texts, "status": {"type": "integer"}},
        "required": ["type", "title", "status", "detail"],
    }
