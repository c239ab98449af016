"""Describe the service: public facts, an OpenAPI document, a page without network."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, Template

from flows.shelf import Offer
from schemas.contract import Column, LogicalType
from tasks.product.ask import FIRST, FORMATS
from tasks.product.bundle import descriptor

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


def facts(offer: Offer, at: datetime) -> Facts:
    """Tell what anybody may know of a product."""
    terms, scenario = offer.released.terms, offer.released.terms.scenario
    return {
        "product": terms.name,
        "version": terms.version,
        "title": terms.title,
        "as_of": str(offer.released.as_of),
        "provider": terms.provider.name if terms.provider else "",
        "user": scenario.user if scenario else "",
        "decision": scenario.decision if scenario else "",
        "licence": terms.licence.name,
        "release": terms.release,
        "forms": list(terms.delivery.forms),
        "price": {"mode": terms.price.mode, "amount": f"{terms.price.amount:f}"},
        "withdrawn": offer.withdrawn(at),
        "rows": f"/products/{terms.name}/rows",
    }


def details(offer: Offer, at: datetime) -> Facts:
    """Tell how a product is described, licensed, priced and asked."""
    terms = offer.released.terms
    told = ("licence", "price", "delivery", "deprecated")
    parts = {n: getattr(terms, n) for n in told if getattr(terms, n) is not None}
    whole = descriptor(terms, [c.name for c in terms.columns])
    plain = {n: part.model_dump(mode="json") for n, part in parts.items()}
    return {**facts(offer, at), **whole, **plain, "artifact": offer.released.ref.id}


def openapi(offers: Sequence[Offer]) -> Facts:
    """Write the OpenAPI 3.1 document: one path with its parameters a product."""
    served = [o for o in offers if "service" in o.released.terms.delivery.forms]
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
            **{f"/products/{o.name}/rows": {"get": asking(o)} for o in served},
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


def describing(offers: Sequence[Offer]) -> Facts:
    """Describe what is told of one product."""
    examples = {o.name: {"value": o.name} for o in offers}
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


def asking(offer: Offer) -> Facts:
    """Describe a question to one product: its columns, filters and bounds."""
    terms = offer.released.terms
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
        "as_of": str(offer.released.as_of),
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


KINDS = {
    "key": "401: send the key of your order in a header.",
    "key-in-url": "400: a key in an address is seen by others; have it replaced.",
    "two-keys": "400: two different keys were sent.",
    "forbidden": "403: the product, its licence or its version forbid it.",
    "fields": "403: columns that the order does not license.",
    "filters": "403: columns by which rows may not be chosen.",
    "unknown": "403 or 404: nothing is entitled, or there is no such product.",
    "twice": "409: two factors offer a product of this name; neither is served.",
    "not_begun": "403: the term has not begun.",
    "expired": "403: the term is over; renew the order.",
    "revoked": "403: the entitlement was ended.",
    "withdrawn": "403: the product was withdrawn.",
    "value": "422: a value does not fit its column or its bounds.",
    "quota": "429: all that was ordered is used; renew the order.",
    "rate": "429: too many calls in a minute; wait for Retry-After seconds.",
    "body": "413: no body is read.",
    "long": "414 or 431: the address or the headers are too long.",
    "method": "405: only GET is answered.",
    "failed": "500 or 503: the provider's log tells why.",
}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>datafactor: products</title>
<style>
body {font: 16px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif;
      max-width: 56rem; margin: 2rem auto; padding: 0 1rem}
pre {background: #f4f4f4; padding: .75rem; overflow-x: auto}
table {border-collapse: collapse} th, td {text-align: left; padding: .2rem 1rem .2rem 0;
      vertical-align: top}
</style>
<h1>Products 数据产品</h1>
<p>Machines read <a href="/openapi.json">openapi.json</a> and
<a href="/products">products</a>.</p>
{% for o in offers %}
<h2 id="{{ o.name }}">{{ o.terms.title or o.name }}</h2>
<p>{{ o.name }} {{ o.terms.version }}, as of {{ o.as_of }}; licence
{{ o.terms.licence.name }}; price {{ o.terms.price.mode }}.</p>
{% if "service" in o.terms.delivery.forms %}
<pre>curl -H "Authorization: Bearer $KEY" '{{ o.ask }}'</pre>
<table><tr><th>column<th>type<th>filter<th>what it is
{% for c in o.terms.columns %}<tr><td>{{ c.name }}<td>{{ c.logical_type }}
<td>{{ "yes" if c.name in o.terms.delivery.filters else "" }}
<td>{{ c.description }} {{ c.unit }}
{% endfor %}</table>
<p>limit: up to {{ o.terms.delivery.max_rows }} rows; format: json, csv;
{{ o.terms.delivery.calls_per_minute }} calls a minute.</p>
{% else %}<p>Delivered as files only.</p>{% endif %}
{% else %}<p>Nothing is on offer.</p>
{% endfor %}
<h2>Problems</h2>
<table>{% for kind, said in kinds %}<tr id="{{ kind }}"><th>{{ kind }}<td>{{ said }}
{% endfor %}</table>
</html>
"""


@cache
def template() -> Template:
    """Compile the page once; everything is escaped."""
    return Environment(autoescape=True).from_string(PAGE)


def page(offers: Sequence[Offer], base: str) -> str:
    """Write the page for people: no script, nothing from elsewhere.

    Args:
        offers: What is on offer.
        base: Address under which it was asked for.
    """
    shown = [
        {
            "name": o.name,
            "terms": o.released.terms,
            "as_of": str(o.released.as_of),
            "ask": f"{base}products/{o.name}/rows?limit=10",
        }
        for o in offers
    ]
    return template().render(offers=shown, kinds=[*KINDS.items()])
