"""A rule may look a value up in another source, which is then cleaned first."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from flows.document import factor_named
from flows.partitions import resource_of
from flows.redrive import redrive_rows
from flows.rejected import write_csv
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import FactorError
from tasks import store
from tests.builders import temporary_store
from tests.small import DOCUMENT, small_factor

ORDERS = "people/resource/orders"
RULE = "quality: [{metric: invalidValues, reference: people.id, mustBe: 0}]"
# Written before the people on purpose: the document's order is not that of the work.
SOURCES = f"""
sources:
  orders:
    path: orders.csv
    licence: own books
    max_rejected_rate: 0.9
    key: [number]
    columns:
      - {{name: number, logicalType: integer, required: true, classification: internal}}
      - {{name: person, logicalType: integer, classification: internal, {RULE}}}
"""
TWO = DOCUMENT.replace("\nsources:\n", SOURCES).replace(
    "SELECT id, name, age FROM people",
    "SELECT p.id, p.name, p.age FROM people p LEFT JOIN (SELECT person FROM orders"
    " GROUP BY person) o ON p.id = o.person",
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """People 1, 4 and 8 stand; of five orders two are of nobody who stands."""
    small_factor(tmp_path, TWO)
    orders = "number,person\n1,1\n2,4\n3,5\n4,99\n5,\n"
    (tmp_path / "orders.csv").write_text(orders, "utf-8")
    places = {"DATAFACTOR_DATA": tmp_path, "DATAFACTOR_FACTORS": tmp_path / "factors"}
    with temporary_store(tmp_path, **{n: str(p) for n, p in places.items()}):
        yield tmp_path


def run() -> None:
    value_chain.fn("people", date(2026, 6, 30), Stage.RESOURCE)


def test_an_orphan_is_rejected_and_a_missing_value_is_not(home: Path) -> None:
    run()

    rejects = store.rejects(store.current(), ORDERS)
    assert rejects["number"].to_list() == ["3", "4"]  # of a rejected person, of nobody
    assert all("people.id" in reason for reason in rejects["_reasons"].explode())


def test_orders_are_cleaned_anew_when_a_person_appears(home: Path) -> None:
    run()
    with (home / "people.csv").open("a") as file:
        file.write("99,Ida,33,\n")
    run()

    rejects = store.rejects(store.current(), ORDERS)
    assert rejects["number"].to_list() == ["3"]


def test_a_mended_orphan_moves_when_its_person_stands(home: Path) -> None:
    run()
    mend = home / "mend.csv"
    write_csv(ORDERS, str(mend), True, None)
    text = mend.read_text("utf-8")
    assert text.count("99") == 1
    mend.write_text(text.replace("99", "8"), "utf-8")

    told = redrive_rows(ORDERS, mend)

    assert (told["rejected"], told["moved"], told["remain"]) == (2, 1, 1)


def test_sources_that_refer_to_each_other_are_refused(home: Path) -> None:
    back = "- {name: id, logicalType: integer, required: true, classification: internal"
    rule = "quality: [{metric: invalidValues, reference: orders.number, mustBe: 0}]"
    document = TWO.replace(f"{back}}}", f"{back}, {rule}}}", 1)
    assert document != TWO
    (home / "factors" / "people.yaml").write_text(document, "utf-8")

    with pytest.raises(FactorError, match="refer to each other in a circle"):
        factor_named("people")


def test_a_source_read_part_by_part_cannot_be_referred_to(home: Path) -> None:
    document = TWO.replace(
        "  key: [id]\n  max", "  key: [id]\n  partition: {column: id}\n  max"
    )
    assert document != TWO
    (home / "factors" / "people.yaml").write_text(document, "utf-8")

    terms = factor_named("people").resource
    assert terms is not None
    with pytest.raises(FactorError, match=r"sources\.orders refers to people"):
        resource_of({}, terms, None)
