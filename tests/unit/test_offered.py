"""What a product's terms take from other documents: licences, grades, classes."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from schemas.factor import load_factor
from schemas.licence import Grant, Unlisted
from schemas.product import ProductTerms
from tasks.product.case import Case
from tasks.product.compliance import compliance
from tasks.product.gates import answered, price
from tasks.product.licence import licence
from tests.small import DOCUMENT, small_factor

HOUSE = Path(__file__).resolve().parents[2] / "deployments" / "factors"
PRODUCT = """
product:
  name: call-list
  version: 1.0.0
  query: SELECT id, age FROM resource
  columns:
    - {name: id, logicalType: integer, required: true, classification: internal}
    - {name: age, logicalType: integer, classification: internal}
  key: [id]
  licence:
    name: For clerks
    permissions: [use, derive]
    prohibitions: [sell]
    duties: [attribute]
    attribution: Eight people of Jiangbei
"""
SCENARIO = DOCUMENT[DOCUMENT.index("entity:") : DOCUMENT.index("sources:")]
JOINED = f"""
factor: joined
title: People, twice
{SCENARIO}
inputs: {{list: people/product, rows: people/resource}}
product:
  name: joined
  version: 1.0.0
  query: SELECT l.id FROM list l JOIN rows r ON l.id = r.id
  columns: [{{name: id, logicalType: integer, required: true}}]
  key: [id]
  licence: {{name: MIT, permissions: [use]}}
"""
AFFECTS = (
    "description: Age at last birthday, classification: internal,"
    " affects: {object: public_interest, harm: serious}}\n  key"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    graded = (DOCUMENT + PRODUCT).replace(
        "description: Age at last birthday, classification: internal}\n  key", AFFECTS
    )
    assert AFFECTS in graded
    small_factor(tmp_path, graded)
    (tmp_path / "factors" / "joined.yaml").write_text(JOINED, encoding="utf-8")
    return tmp_path


def product_of(home: Path, name: str) -> ProductTerms:
    product = load_factor(name, home / "factors").product
    assert product is not None
    return product


def test_a_source_grants_what_the_catalogue_says(home: Path) -> None:
    product = product_of(home, "people")

    (own,) = product.grants.values()
    assert isinstance(own, Grant)
    assert (own.licence, own.duties) == ("own books", ())
    assert "sell" in own.permissions
    assert product.listed is None  # nobody else knows its own terms


def test_the_house_gets_no_licence_from_itself(home: Path) -> None:
    grants = product_of(home, "joined").grants

    assert list(grants) == ["inputs.rows.people", "inputs.list.sources.people"]


def test_a_product_of_another_house_grants_its_own_terms(home: Path) -> None:
    own = (home / "entities" / "jiangbei-data.yaml").read_text("utf-8")
    (home / "entities" / "other-house.yaml").write_text(
        own.replace("entity: jiangbei-data", "entity: other-house"), "utf-8"
    )
    joined = JOINED.replace("entity: jiangbei-data", "entity: other-house")
    (home / "factors" / "joined.yaml").write_text(joined, "utf-8")

    grants = product_of(home, "joined").grants

    assert list(grants) == ["inputs.rows.people", "inputs.list"]
    listed = grants["inputs.list"]
    assert isinstance(listed, Grant)
    assert (listed.licence, listed.prohibitions) == ("For clerks", ("sell",))
    assert listed.credit == "Eight people of Jiangbei"


def test_a_named_licence_is_held_to_its_text(home: Path) -> None:
    listed = product_of(home, "joined").listed

    assert listed is not None
    assert listed.duties == ("include-notice",)


def test_each_table_that_is_read_has_its_grade(home: Path) -> None:
    """Public interest, serious harm -> important (GB/T 43697-2024)."""
    assert product_of(home, "people").graded == {"resource": "important"}
    assert product_of(home, "joined").graded == {"rows": "important"}


def test_a_licence_beside_the_factors_is_found_before_that_of_the_house(
    home: Path,
) -> None:
    folder = home / "licences"
    folder.mkdir()
    (folder / "own-books.yaml").write_text(
        "id: own books\ntitle: Ours\npermissions: [use]\nfollows: none\nsource: board\n"
    )

    (own,) = product_of(home, "people").grants.values()

    assert isinstance(own, Grant)
    assert own.permissions == ("use",)


def test_an_unknown_licence_loads_and_is_told_by_the_gate(home: Path) -> None:
    path = home / "factors" / "people.yaml"
    text = path.read_text("utf-8").replace("licence: own books", "licence: my own")
    path.write_text(text, encoding="utf-8")

    (own,) = product_of(home, "people").grants.values()

    assert isinstance(own, Unlisted)
    assert own.licence == "my own"


@pytest.mark.parametrize("path", sorted(HOUSE.glob("*.yaml")), ids=lambda p: p.stem)
def test_each_product_of_the_house_has_its_review_licence_and_price(path: Path) -> None:
    product = load_factor(path.stem, HOUSE).product
    if product is None:
        return

    case = Case(product, pl.DataFrame(), date(2026, 6, 30))
    answers = answered(case, (compliance, licence, price))

    shut = answers.filter(~pl.col("passed"))
    assert shut.select("gate", "ground").rows() == []
