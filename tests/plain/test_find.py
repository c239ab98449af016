"""Finding what others have made, and how often it was used."""

from pathlib import Path

import pytest

from flows.find import ranked
from tests.command import Said, datafactor
from tests.small import DOCUMENT, small_factor

TEXTS = (
    (8, "title", "Flights of New York"),
    (4, "column dep_delay", "dep_delay"),
    (2, "unit of dep_delay", "minutes"),
    (2, "description of age", "年龄 at last birthday"),
    (1, "scenario", "whom to call about a delay"),
)


@pytest.mark.parametrize(
    ("words", "rank", "matched"),
    [
        (["flights"], 16, ["title"]),
        (["FLIGHT"], 8, ["title"]),  # a part of a word
        (["delay"], 8, ["column dep_delay"]),  # 4 × 2 is more than 1 × 2
        (["dep_delay"], 8, ["column dep_delay"]),
        (["minutes", "york"], 20, ["unit of dep_delay", "title"]),
        (["年龄"], 4, ["description of age"]),
        (["call", "about"], 4, ["scenario"]),
        (["flights", "nosuch"], 0, []),
        (["new york"], 8, ["title"]),
    ],
)
def test_every_word_counts_where_it_counts_most(
    words: list[str], rank: int, matched: list[str]
) -> None:
    assert ranked(TEXTS, words) == (rank, matched)


PRODUCT = """
product:
  name: call-list
  version: 1.0.0
  query: SELECT id, age AS years FROM resource
  columns:
    - {name: id, logicalType: integer, required: true, classification: internal}
    - {name: years, logicalType: integer, classification: internal}
  key: [id]
  licence: {name: house licence, permissions: [use]}
  compliance:
    lawful_source: {answer: true, evidence: own books}
    undisputed: {answer: true, evidence: DECLARATION-1}
    third_party_rights: {answer: true, evidence: own books}
    consent: {basis: none-personal, evidence: ids and ages of made-up people}
"""


def ask(home: Path, *arguments: str) -> Said:
    factors = str(home / "factors")
    return datafactor(*arguments, home=home, data=home, DATAFACTOR_FACTORS=factors)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("find")
    small_factor(folder, DOCUMENT + PRODUCT)
    (folder / "factors" / "broken.yaml").write_text("factor: broken\n")
    return folder


def test_a_document_that_never_ran_is_found_without_rows(home: Path) -> None:
    found = ask(home, "find", "birthday", "--json").data

    (resource,) = found["found"]
    assert resource["ref"] == "people/resource"
    assert resource["licence"] == "own books"
    assert (resource["rows"], resource["score"], resource["used"]) == (None, None, [])
    assert found["unreadable"] == ["broken"]


def test_resource_and_product_are_found_with_rows_quality_and_uses(home: Path) -> None:
    for _ in range(2):  # the second run reuses all: it is no use of its own
        said = ask(home, "run", "people", "--as-of", "2026-06-30")
        assert said.exit == 0, said.err

    found = ask(home, "find", "people", "years", "--json").data["found"]

    product, resource = found  # the column "years" outranks the unit "years"
    assert (product["ref"], product["name"]) == ("people/product", "call-list 1.0.0")
    assert (product["rank"], resource["rank"]) == (24, 20)
    assert (product["rows"], product["licence"]) == (3, "house licence")
    assert resource["rows"] == 3
    assert resource["used"] == [{"factor": "people", "stage": "product", "runs": 1}]
    assert 0 < float(resource["score"]) <= 1
    shown = ask(home, "find", "people").out
    assert "1 run of 1 factor" in shown
    assert "broken" in shown


def test_a_column_is_found_by_the_name_that_its_file_gives_it(tmp_path: Path) -> None:
    """Of the resource alone: a product may hold none of that column."""
    plate = "{name: plate, "
    document = (DOCUMENT + PRODUCT).replace(plate, f"{plate}physicalName: 车牌 号码, ")
    small_factor(tmp_path, document)

    (found,) = ask(tmp_path, "find", "车牌", "--json").data["found"]
    (part,) = ask(tmp_path, "find", "号", "--json").data["found"]

    assert (found["ref"], found["rank"]) == ("people/resource", 8)  # a whole word
    assert found["matched"] == ["车牌 号码 of people"]
    assert part["rank"] == 4


def test_nothing_found_is_said(home: Path) -> None:
    said = ask(home, "find", "people", "nosuch")

    assert said.exit == 0
    assert "no document holds all of: people, nosuch" in said.out
