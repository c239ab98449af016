"""Contracts out to ODCS and in again, held against the standard's own JSON Schema."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import (  # type: ignore[import-untyped]  # has no stubs in the lock
    Draft201909Validator,
)

from flows.export import yaml_text
from schemas.contract import Beside, schema_of_columns
from schemas.document import read
from schemas.errors import FactorError
from schemas.product import ProductTerms
from tasks.contract import compile_contract
from tasks.product.describe.odcs import odcs
from tasks.product.describe.odcs_in import Taken, taken
from tests.described import facts, terms

CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"
FOREIGN = ("orders", "sensors", "parcels")


@cache
def standard() -> Draft201909Validator:
    text = (files("open_data_contract_standard") / "schema.json").read_text("utf-8")
    return Draft201909Validator(json.loads(text))


def problems(document: object) -> list[str]:
    return [error.message for error in standard().iter_errors(document)]


def digest(made: ProductTerms | Taken) -> str:
    rules = tuple((rule.column or "*", rule) for rule in made.quality)
    beside = Beside(rules, made.keep, made.drop_repeats)
    return compile_contract(schema_of_columns(made.columns, made.key, beside)).digest


def again(document: Mapping[str, Any], folder: Path) -> Taken:
    """Write a contract as we do, and read it as anyone's."""
    path = folder / "contract.odcs.yaml"
    path.write_text(yaml_text(document), "utf-8")
    return taken(read(path)[0])


def foreign(name: str) -> Taken:
    return taken(read(CONTRACTS / f"{name}.odcs.yaml")[0], FILES.get(name, name))


FILES = {"sensors": "readings"}
PRICES: list[dict[str, Any]] = [
    {"mode": "free"},
    {"mode": "flat", "amount": "12000.00", "months": 6},
    {"mode": "per_call", "amount": "0.02"},
    {"mode": "quota", "amount": "300.10", "quota": 100, "unit": "row"},
    {"mode": "tiers", "tiers": [{"up_to": 9, "amount": "1.10"}, {"amount": "0.5"}]},
]


@pytest.mark.parametrize("price", PRICES, ids=lambda p: str(p["mode"]))
def test_a_contract_comes_back_the_same(price: dict[str, Any], tmp_path: Path) -> None:
    asked = facts(price=price)

    back = again(odcs(asked), tmp_path)

    assert digest(back) == digest(asked.terms) == digest(terms())
    assert back.price == asked.terms.price
    assert back.licence == asked.terms.licence
    assert (back.product, back.version) == ("plot-yields", "2.3.1")
    assert back.columns == asked.terms.columns
    assert back.key == ("day", "plot")


@pytest.mark.parametrize("price", PRICES, ids=lambda p: str(p["mode"]))
def test_the_standards_own_schema_takes_it(price: dict[str, Any]) -> None:
    text = yaml_text(odcs(facts(price=price)))

    document = yaml.safe_load(text)

    assert problems(document) == []
    assert document["apiVersion"] == "v3.1.0"


def test_the_standards_own_schema_refuses_a_wrong_one() -> None:
    document = yaml.safe_load(yaml_text(odcs(facts())))
    document["schema"][0]["properties"][0]["logicalType"] = "text"
    document["schema"][0]["quality"][0]["mustBeGreaterThan"] = 5

    assert len(problems(document)) >= 2


def test_an_amount_keeps_every_digit(tmp_path: Path) -> None:
    price = {"mode": "per_row", "amount": "0.10"}

    text = yaml_text(odcs(facts(price=price)))

    assert "priceAmount: 0.10\n" in text
    assert "amount: '0.10'\n" in text


def test_no_amount_passes_through_a_binary_fraction() -> None:
    free = odcs(facts(price={"mode": "free"}))
    sold = odcs(facts(price={"mode": "per_call", "amount": "0.07"}))

    assert "priceAmount: 0\n" in yaml_text(free)
    assert not isinstance(sold["price"]["priceAmount"], float)
    assert "priceAmount: 0.07\n" in yaml_text(sold)


def test_the_same_facts_give_the_same_bytes() -> None:
    assert yaml_text(odcs(facts())) == yaml_text(odcs(facts()))
    assert "&" not in yaml_text(odcs(facts()))  # no anchors: strict readers refuse them


def test_samples_stand_with_their_columns_alone() -> None:
    (table,) = odcs(facts())["schema"]
    shown = {c["name"]: c.get("examples") for c in table["properties"]}

    assert shown["plot"] == ["P1", "P2"]
    assert shown["farmer"] is None


# The schema is of v3.2.0. It no longer knows ``rule``, v3.0's word for a metric, and
# its condition on maps holds too where no logicalType is said, which is allowed.
LATER = ("'rule'", "'map' is a required property")


@pytest.mark.parametrize("name", FOREIGN)
def test_contracts_of_other_producers_are_valid_and_come_in(name: str) -> None:
    document = yaml.safe_load((CONTRACTS / f"{name}.odcs.yaml").read_text("utf-8"))

    made = foreign(name)

    # The warehouse team writes its version without quotes, as many do.
    document["version"] = str(document["version"])
    assert [p for p in problems(document) if not any(w in p for w in LATER)] == []
    compile_contract(schema_of_columns(made.columns, made.key))


def left(made: Taken, word: str) -> list[str]:
    return [sentence for sentence in made.left if word in sentence]


def test_a_warehouse_contract_keeps_its_columns_and_tells_the_rest() -> None:
    made = foreign("orders")

    types = {c.name: c.logical_type for c in made.columns}
    assert types == {
        "order_id": "string",
        "ordered_at": "timestamp",
        "amount": "number",
        "channel": "string",
    }
    assert made.key == ("order_id",)
    assert made.questions == {"order_id": "restricted"}
    assert made.columns[3].classification == "public"
    assert made.columns[0].physical_name == "OrderID"
    assert [r.metric for r in made.columns[2].quality] == ["nullValues"]
    assert made.columns[3].quality[0].valid_values == ("web", "phone")
    assert made.quality[0].must_be_between == (1, 100)
    assert made.version == "1.1.0"
    assert made.update_frequency == "P1D"
    assert made.price is None
    assert left(made, "SQL is of another system") != []
    assert left(made, "column lines (array)") != []
    for word in ("multipleOf", "servers", "team", "businessName", "price", "retention"):
        assert left(made, word) != [], word
    assert left(made, "it is in words") != []


def test_a_streaming_contract_keeps_its_columns_and_tells_the_rest() -> None:
    made = foreign("sensors")

    assert [c.name for c in made.columns] == [
        *("sensor", "at", "celsius", "battery", "column_6")
    ]
    assert made.columns[4].physical_name == "备注"
    assert made.key == ("at", "sensor")
    assert made.update_frequency == "PT15M"
    assert [r.metric for r in made.columns[2].quality] == ["nullValues"]
    for word in (
        "column position (object)",
        "only soda can run it",
        "missingValues",
        "bounds that exclude",
        "exclusiveMaximum",
        "partitioned",
        "relationships",
        "schema sensors",
        "calibration",
        "authoritativeDefinitions",
    ):
        assert left(made, word) != [], word


def test_an_offices_contract_is_read_by_its_physical_types() -> None:
    made = foreign("parcels")

    types = {c.name: (c.written, c.logical_type) for c in made.columns}
    assert types == {
        "parcel_code": ("DKBM", "string"),
        "area_mu": ("MJ", "number"),
        "registered_on": ("DJRQ", "date"),
        "holder": ("QLR", "string"),
    }
    assert made.columns[2].options.format == "yyyy/MM/dd"
    assert made.questions == {"registered_on": "3"}
    assert made.price is not None
    assert (made.price.mode, str(made.price.amount)) == ("per_row", "0.02")
    assert made.update_frequency == "P3M"
    assert made.version == "3.0.0"
    assert made.quality[0].severity == "warning"
    for word in ("shape (geometry)", "cadastreZone", "encryptedName"):
        assert left(made, word) != [], word


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"kind": "DataProduct"}, "kind must be DataContract"),
        ([], "kind must be DataContract"),
        ({"kind": "DataContract", "apiVersion": "v2.2.1"}, "contracts of v3 are read"),
        ({"kind": "DataContract", "apiVersion": "v3.1.0"}, "schema is missing"),
    ],
)
def test_what_is_no_contract_is_refused(document: object, told: str) -> None:
    with pytest.raises(FactorError, match=told):
        taken(document)


def test_a_table_must_be_named_where_there_are_several() -> None:
    document, _ = read(CONTRACTS / "sensors.odcs.yaml")

    with pytest.raises(FactorError, match="none is called weather"):
        taken(document, "weather")
