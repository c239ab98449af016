"""Read a data contract of ODCS v3, ours or another producer's, as terms of this house.

Nothing is dropped in silence: what has no counterpart here is told in ``left``, a
sentence for each kind of place. A classification in other words than ours is a question
that a person answers.

``amount_cny`` with ``logicalType: number``, ``exclusiveMinimum: 0`` -> a column, and
"exclusiveMinimum of amount_cny is not taken: …".

Source: ODCS v3.0.0 to v3.1.0, bitol-io.github.io/open-data-contract-standard/.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from pydantic import ValidationError

from schemas.contract import Column, LogicalType
from schemas.errors import FactorError
from schemas.licence import Licence
from schemas.offer import Price
from schemas.rule import BOUNDS, Quality
from tasks.product.describe.odcs import ENGINE, LIBRARY, OPTIONS, query_of

Node = Mapping[str, Any]  # Any: what the document holds
CLASSES = ("public", "internal", "personal", "sensitive")
SUPPORTED = re.compile(r"^v3\.[0-9]+\.[0-9]+$")
OURS = "urn:datafactor:"
# What a column, a table and a document say that is read here; of the rest we tell.
OF_COLUMN = {
    "name", "physicalName", "logicalType", "physicalType", "description", "required",
    "unique", "primaryKey", "primaryKeyPosition", "classification",
    "logicalTypeOptions", "quality", "customProperties", "enum", "id",
}  # fmt: skip
OF_TABLE = {
    "name", "physicalName", "physicalType", "logicalType", "description", "properties",
    "quality", "customProperties", "id", "dataGranularityDescription",
}  # fmt: skip
OF_DOCUMENT = {
    "apiVersion", "kind", "id", "name", "version", "status", "description", "schema",
    "price", "slaProperties", "customProperties", "dataProduct",
}  # fmt: skip
OF_RULE = {
    "id", "type", "metric", "rule", "arguments", "validValues", "name", "severity",
    "dimension", "unit", "query", "engine", "implementation", "customProperties",
    "description", *(alias for alias, _ in BOUNDS.values()),
}  # fmt: skip
# Of our own documents: facts of the file that was published, not of the contract.
FACTS = {"artifact", "qualityPpm", "provider", "delivery", "release"}
# Words of ODCS v3.0 and before, now metrics.
FORMER = {
    "nullCheck": "nullValues",
    "nullCount": "nullValues",
    "duplicateCount": "duplicateValues",
    "duplicateCheck": "duplicateValues",
    "uniqueCheck": "duplicateValues",
    "validValues": "invalidValues",
}
# A word that a physical type begins with, and the logical type that it stands for.
PHYSICAL: tuple[tuple[str, LogicalType], ...] = (
    (r"(?:timestamp|datetime)", "timestamp"),
    (r"date", "date"),
    (r"(?:bool|bit\b)", "boolean"),
    (r"(?:tinyint|smallint|bigint|integer|int|long|serial)", "integer"),
    (r"(?:float|double|real|decimal|numeric|number|money)", "number"),
    (r"(?:var|n|nvar)?char|text|string|clob|uuid|enum", "string"),
)
PERIODS = {
    "y": "P{}Y", "yr": "P{}Y", "year": "P{}Y", "mo": "P{}M", "month": "P{}M",
    "w": "P{}W", "week": "P{}W", "d": "P{}D", "day": "P{}D", "h": "PT{}H",
    "hr": "PT{}H", "hour": "PT{}H", "min": "PT{}M", "minute": "PT{}M",
}  # fmt: skip
MODES = {
    "call": "per_call", "request": "per_call", "query": "per_call",
    "row": "per_row", "record": "per_row", "term": "flat", "free": "free",
}  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """What a contract says in the terms of this house, and what could not be taken.

    ``questions`` are the classifications in other words, by column.
    """

    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    quality: tuple[Quality, ...] = ()
    keep: str = ""
    drop_repeats: bool = False
    max_rejected_rate: str = ""
    title: str = ""
    product: str = ""
    version: str = ""
    price: Price | None = None
    licence: Licence | None = None
    update_frequency: str = ""
    purpose: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    left: tuple[str, ...] = ()


class _Left:
    """Collects what is not taken: the same thing of many places in one sentence."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, str], list[str]] = {}

    def tell(self, what: str, place: str, why: str) -> None:
        self.places.setdefault((what, why), []).append(place)

    def rest(self, node: Node, known: set[str], place: str) -> None:
        for key in node:
            if key not in known:
                self.tell(key, place, "there is no term for it here")

    def sentences(self) -> tuple[str, ...]:
        return tuple(
            f"{what} of {listed(places)} is not taken: {why}"
            for (what, why), places in self.places.items()
        )


def listed(places: Sequence[str]) -> str:
    """Name places: three at most, then how many more."""
    shown = ", ".join(places[:3])
    return f"{shown} and {len(places) - 3} more" if len(places) > 3 else shown


def taken(document: object, wanted: str = "") -> Taken:
    """Read a contract.

    Args:
        document: As the strict reader gives it: numbers with a fraction are text.
        wanted: Name of the table, where the contract has several.

    Raises:
        FactorError: It is no contract of ODCS v3, or has no table of that name.
    """
    said = checked(document)
    left = _Left()
    one = table_of(said, wanted, left)
    table = str(one["name"])
    left.rest(said, OF_DOCUMENT, "the contract")
    left.rest(one, OF_TABLE, table)
    own = customs(one)
    columns, keys, questions = columns_of(one, str(said["apiVersion"]), left)
    rules = tuple(rules_of(one, table, left))
    return replace(
        Taken(table=table, columns=columns, key=keys, quality=rules),
        keep=str(own.get("keep", "")),
        drop_repeats=own.get("dropRepeats") is True,
        max_rejected_rate=str(own.get("maxRejectedRate", "")),
        title=str(said.get("name") or one.get("description") or table),
        product=product_name(said, table),
        version=version_of(said, left),
        price=price_of(said, left),
        licence=licence_of(said, left),
        update_frequency=frequency_of(said, left),
        purpose=purpose_of(said),
        questions=questions,
        left=left.sentences(),
    )


def checked(document: object) -> Node:
    """Let a contract of ODCS v3 with a table pass."""
    if not isinstance(document, dict) or document.get("kind") != "DataContract":
        raise FactorError("it is no data contract: kind must be DataContract")
    version = str(document.get("apiVersion", ""))
    if not SUPPORTED.match(version):
        raise FactorError(
            f"apiVersion is {version or 'missing'}; contracts of v3 are read, such as"
            " v3.1.0: convert it first"
        )
    tables = document.get("schema")
    if not isinstance(tables, list) or not tables:
        raise FactorError("schema is missing: a contract without columns says nothing")
    return document


def table_of(said: Node, wanted: str, left: _Left) -> Node:
    """Choose the table; the others are told."""
    tables = [t for t in said["schema"] if isinstance(t, dict) and t.get("name")]
    names = [str(t["name"]) for t in tables]
    found = [
        t
        for t in tables
        if wanted in (t["name"], str(t.get("physicalName", "")).partition(".")[0])
    ]
    if len(tables) == 1:
        found = tables
    if len(found) != 1:
        raise FactorError(
            f"the contract has the tables {', '.join(names)}, and none is called"
            f" {wanted} as the file is; name the file after one of them"
        )
    for name in names:
        if name != found[0]["name"]:
            left.tell(f"schema {name}", "the contract", "draft it with its own file")
    if not found[0].get("properties"):
        raise FactorError(f"schema {found[0]['name']} has no properties: no columns")
    return found[0]


def customs(node: Node) -> dict[str, Any]:  # Any: JSON
    """Read custom properties by name."""
    listed_ = node.get("customProperties") or []
    return {str(p.get("property")): p.get("value") for p in listed_}


def columns_of(
    one: Node, version: str, left: _Left
) -> tuple[tuple[Column, ...], tuple[str, ...], dict[str, str]]:
    """Read the columns of a table, its key and what is to be asked of them."""
    made: list[Column] = []
    keys: list[tuple[int, int, str]] = []
    questions: dict[str, str] = {}
    for at, node in enumerate(one["properties"], 1):
        column = column_of(node, at, version, {c.name for c in made}, left)
        if column is None:
            continue
        made.append(column)
        if node.get("primaryKey") is True:
            place = int(node.get("primaryKeyPosition") or 0)
            keys.append((place if place > 0 else 1_000, at, column.name))
        asked = str(node.get("classification") or "")
        if asked and asked.lower() not in CLASSES:
            questions[column.name] = asked
    if not made:
        raise FactorError(f"schema {one['name']}: none of its columns can be taken")
    return tuple(made), tuple(name for _, _, name in sorted(keys)), questions


def column_of(
    node: Node, at: int, version: str, others: set[str], left: _Left
) -> Column | None:
    """Read one column; a nested one cannot be a column here."""
    written = str(node.get("name") or "")
    kind = kind_of(node, version)
    if kind is None:
        what = str(node.get("logicalType") or node.get("physicalType") or "no type")
        left.tell(
            f"column {written} ({what})",
            "the contract",
            "a column holds one text, number, date, timestamp or boolean; flatten it",
        )
        return None
    left.rest(node, OF_COLUMN, written)
    name = name_of(written, at, others)
    physical = node.get("physicalName") or (written if written != name else None)
    own = customs(node)
    taken_ = {"unit", "normalize", "affects", "format"}
    for key in own.keys() - taken_:
        left.tell(f"customProperties {key}", written, "there is no term for it here")
    asked = str(node.get("classification") or "").lower()
    said = {
        "name": name,
        "physicalName": None if physical == name else physical,
        "logicalType": kind,
        "required": node.get("required") is True,
        "unique": node.get("unique") is True,
        "classification": asked if asked in CLASSES else None,
        "description": str(node.get("description") or ""),
        "logicalTypeOptions": options_of(node, kind, own, left),
        "quality": [*rules_of(node, written, left), *enum_of(node)],
        **{k: own[k] for k in taken_ - {"format"} if own.get(k)},
    }
    try:
        return Column.model_validate(said)
    except ValidationError as error:
        raise FactorError(f"column {written}: {first(error)}") from None


def first(error: ValidationError) -> str:
    """Say what is wrong in one sentence, without the value."""
    told = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in told["loc"])
    said = str(told["msg"]).removeprefix("Value error, ")
    return f"{place}: {said}" if place else said


def kind_of(node: Node, version: str) -> LogicalType | None:
    """Find the type: as said, or by the physical type where none is said.

    Before v3.1 a date with a time of day was a date too: its physical type tells.
    """
    logical = node.get("logicalType")
    physical = str(node.get("physicalType") or "").strip().lower()
    by_store = next((k for p, k in PHYSICAL if re.match(p, physical)), None)
    if logical is None and not node.get("properties"):
        return by_store
    if logical == "date" and by_store == "timestamp" and version.startswith("v3.0"):
        return "timestamp"
    found: LogicalType | None = next(
        (k for k in get_args(LogicalType) if k == logical), None
    )
    return found


def name_of(written: str, at: int, others: set[str]) -> str:
    """Make a name: ``Sale Date`` -> sale_date, 日期 -> column_3; numbered if there."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", written)
    plain = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")[:56]
    if not plain.isascii() or not re.match(r"[a-z]", plain) or not written.isascii():
        plain = f"column_{at}"
    made, n = plain, 1
    while made in others:
        n += 1
        made = f"{plain}_{n}"
    return made


def options_of(
    node: Node, kind: LogicalType, own: Node, left: _Left
) -> dict[str, object]:
    """Read the limits of a type that are limits here too."""
    said = node.get("logicalTypeOptions") or {}
    name = str(node.get("name"))
    dated = kind in ("date", "timestamp")
    known = {*OPTIONS, "format"} - ({"minimum", "maximum"} if dated else {"format"})
    made = {}
    for key, value in said.items():
        if key in known:
            made[key] = value
        else:
            left.tell(key, name, "write it as a quality rule of SQL")
    return made | ({"format": own["format"]} if own.get("format") else {})


def enum_of(node: Node) -> Iterator[Quality]:
    """Read the list of values that ODCS v3.2 has."""
    values = [
        v.get("value") if isinstance(v, dict) else v for v in node.get("enum", ())
    ]
    if values:
        yield Quality.model_validate(
            {"metric": "invalidValues", "validValues": values, "mustBe": 0}
        )


def rules_of(node: Node, place: str, left: _Left) -> Iterator[Quality]:
    """Read the quality rules of a column or a table."""
    for at, said in enumerate(node.get("quality") or (), 1):
        named = str(said.get("name") or said.get("metric") or said.get("rule") or at)
        try:
            made = rule_of(said, f"{place}, {named}", left)
        except ValidationError as error:
            left.tell(f"quality {named}", place, first(error))
            continue
        if made is not None:
            left.rest(said, OF_RULE, f"{place}, quality {named}")
            yield made


def rule_of(said: Node, place: str, left: _Left) -> Quality | None:
    """Read one rule, or tell why it cannot be one here."""
    kind = said.get("type") or "library"
    if kind == "custom" and said.get("engine") == ENGINE:
        return own_rule(said, place, left)
    if kind == "custom":
        left.tell("quality", place, f"only {said.get('engine')} can run it")
        return None
    if kind == "text":
        left.tell("quality", place, "it is in words; write it as a rule")
        return None
    if any(key in said for key in ("mustNotBe", "mustNotBeBetween")):
        left.tell("quality", place, "bounds that exclude are not known; turn it round")
        return None
    own = customs(said)
    if kind == "sql":
        return sql_rule(said, own, place, left)
    metric = str(said.get("metric") or said.get("rule") or "")
    metric = FORMER.get(metric, metric)
    if metric not in LIBRARY:
        left.tell("quality", place, f"the metric {metric or '?'} is not known")
        return None
    more = said.get("arguments") or {}
    valid = said.get("validValues") or more.get("validValues") or ()
    for key in more.keys() - {"validValues", "pattern"}:
        left.tell(f"argument {key}", place, "there is no term for it here")
    return Quality.model_validate(
        {
            "metric": metric,
            "validValues": valid,
            "pattern": more.get("pattern"),
            **shared(said, own),
        }
    )


def own_rule(said: Node, place: str, left: _Left) -> Quality | None:
    """Take a rule in the house's own words; one that looks into another table waits."""
    made = Quality.model_validate(said.get("implementation"))
    if made.reference:
        left.tell("quality", place, "it refers to a table that is not here; add both")
        return None
    return made


def shared(said: Node, own: Node) -> dict[str, object]:
    """Read bound, unit, severity, dimension and name of a rule."""
    aliases = [alias for alias, _ in BOUNDS.values()]
    bound = (
        {} if own.get("impliedBound") else {a: said[a] for a in aliases if a in said}
    )
    light = str(said.get("severity", "error")).lower() in ("warning", "info", "low")
    made: dict[str, object] = {
        **bound,
        "name": str(said.get("name") or "")[:120],
        "severity": "warning" if light else "error",
        "unit": said.get("unit") or "rows",
        "indicator": own.get("indicator", ""),
    }
    return made | ({"dimension": said["dimension"]} if said.get("dimension") else {})


def sql_rule(said: Node, own: Node, place: str, left: _Left) -> Quality | None:
    """Take an expression over the row that we wrote; other SQL is of other systems."""
    expression = str(own.get("expression") or "")
    if not expression or said.get("query") != query_of(expression):
        left.tell(
            "quality",
            place,
            "its SQL is of another system; write it as type: sql with an expression"
            " that is true where a row is valid",
        )
        return None
    return Quality.model_validate(
        {
            "type": "sql",
            "metric": "invalidValues",
            "expression": expression,
            **shared(said, own),
        }
    )


def product_name(said: Node, table: str) -> str:
    """Name the product: of our own contracts as they do, else after the table."""
    id = str(said.get("id") or "")
    name = id.rpartition(":")[2] if id.startswith(OURS) else ""
    plain = re.sub(r"[^a-z0-9]+", "-", (name or table).lower()).strip("-")[:60]
    return plain if re.match(r"[a-z]", plain) else "product"


def version_of(said: Node, left: _Left) -> str:
    """Read the version; 2 and v2.1 are written out as 2.0.0 and 2.1.0."""
    text = str(said.get("version") or "")
    found = re.fullmatch(r"v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?", text)
    if found is None:
        left.tell(
            f"version {text or '?'}",
            "the contract",
            "versions here have three numbers; 1.0.0 stands in its place",
        )
        return "1.0.0"
    return ".".join(str(int(part or 0)) for part in found.groups())


def price_of(said: Node, left: _Left) -> Price | None:
    """Read the price: ours whole, another's where unit and currency are known."""
    whole = customs(said).get("price")
    if whole and str(said.get("id", "")).startswith(OURS):
        return Price.model_validate(whole)
    asked = said.get("price") or {}
    if not asked:
        return None
    unit = str(asked.get("priceUnit") or "").lower().removeprefix("per ").rstrip("s")
    mode = MODES.get(unit)
    if asked.get("priceCurrency") != "CNY" or mode is None:
        told = f"{asked.get('priceCurrency')} for each {asked.get('priceUnit')}"
        left.tell(
            "price", "the contract", f"{told} is no price here: CNY by call or row"
        )
        return None
    try:
        return Price.model_validate({"mode": mode, "amount": str(asked["priceAmount"])})
    except (ValidationError, KeyError):
        left.tell("price", "the contract", "its amount is no exact price")
        return None


def licence_of(said: Node, left: _Left) -> Licence | None:
    """Read the licence of our own contract; ODCS has no word for one."""
    own = customs(said)
    ours = str(said.get("id", "")).startswith(OURS)
    for key in own.keys() - ({"price", "licence", *FACTS} if ours else set()):
        left.tell(f"customProperties {key}", "the contract", "no term is known for it")
    found = own.get("licence") if ours else None
    return Licence.model_validate(found) if found else None


def frequency_of(said: Node, left: _Left) -> str:
    """Read how often data are renewed: frequency 1 d -> P1D."""
    found = ""
    ours = str(said.get("id", "")).startswith(OURS)
    for promise in said.get("slaProperties") or ():
        name = str(promise.get("property"))
        unit = str(promise.get("unit") or "").lower()
        form = PERIODS.get(unit) or PERIODS.get(unit.rstrip("s"))
        number = str(promise.get("value") or "")
        if name == "frequency" and form and re.fullmatch(r"[1-9]\d{0,5}", number):
            found = form.format(number)
        elif not ours:
            left.tell(
                f"slaProperties {name}", "the contract", "it is not measured here"
            )
    return found


def purpose_of(said: Node) -> dict[str, str]:
    """Read what the contract says of its use, in words."""
    told = said.get("description")
    if isinstance(told, str):
        return {"purpose": told}
    words = told or {}
    return {k: str(words[k]) for k in ("purpose", "usage", "limitations") if k in words}
