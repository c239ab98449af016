"""From a published product to its descriptions, and from a contract to a document."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from flows.contracted import contracted
from flows.export import ENDINGS, Format, export, facts_of
from flows.released import released
from schemas.contract import Declared
from schemas.errors import FactorError, StoreError
from tasks import store
from tasks.contract import compile_contract
from tests import shop
from tests.unit.test_describe_dcat import conforms
from tests.unit.test_describe_odcs import problems as odcs_problems
from tests.unit.test_describe_openlineage import problems as event_problems

FORMATS: tuple[Format, ...] = get_args(Format)
# The product's columns stand after its query; the source's own come before.
BEFORE, AFTER = shop.DOCUMENT.split("\nproduct:\n")
DOCUMENT = "\nproduct:\n".join(
    (
        BEFORE,
        AFTER.replace(
            "string, required: true, classification: public}",
            "string, required: true, classification: internal,"
            " quality: [{metric: invalidValues, validValues: [a, b]}]}",
        )
        .replace("  order:", "  quality: [{metric: rowCount, mustBe: 40}]\n  order:")
        .replace("filters: [town]", "filters: [town], sample_rows: 3"),
    )
)
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One product on offer for the whole file."""
    folder = tmp_path_factory.mktemp("shop")
    assert {"rowCount", "sample_rows", "validValues"} <= set(
        re.findall(r"\w+", DOCUMENT)
    )
    with shop.shop(folder, DOCUMENT):
        yield folder


@pytest.fixture(scope="module")
def written(home: Path) -> dict[Format, Path]:
    return {
        form: Path(export("rain/product", form, home / "out")["file"])
        for form in FORMATS
    }


def test_each_format_passes_its_official_check(written: dict[Format, Path]) -> None:
    texts = {form: path.read_text("utf-8") for form, path in written.items()}

    assert odcs_problems(yaml.safe_load(texts["odcs"])) == []
    kept, told = conforms(json.loads(texts["dcat"]))
    assert kept, told
    events = [json.loads(line) for line in texts["openlineage"].splitlines()]
    assert [p for event in events for p in event_problems(event)] == []
    assert json.loads(texts["croissant"])["conformsTo"].endswith("croissant/1.0")
    assert json.loads(texts["odrl"])["@type"] == "Offer"


def test_the_digest_is_that_of_the_published_file(
    home: Path, written: dict[Format, Path]
) -> None:
    ref = released("rain").ref
    croissant = json.loads(written["croissant"].read_text("utf-8"))
    (file,) = croissant["distribution"]

    assert file["sha256"] == ref.sha256
    rows = store.scan(store.current(), ref).collect()
    assert rows.height == shop.DAYS == ref.rows


def test_the_same_product_gives_the_same_bytes(
    home: Path, written: dict[Format, Path], tmp_path: Path
) -> None:
    for form, path in written.items():
        again = Path(export("rain", form, tmp_path)["file"])
        assert again.read_bytes() == path.read_bytes(), form
        assert again.name.endswith(ENDINGS[form])


def test_no_path_and_nobody_of_this_machine_is_told(
    home: Path, written: dict[Format, Path]
) -> None:
    for form, path in written.items():
        text = path.read_text("utf-8")
        assert str(home) not in text, form
        assert "tester" not in text, form  # who ran it
        assert not re.search(r"/(?:tmp|home|root|usr|work)/", text), form


def test_only_public_columns_give_a_sample(home: Path) -> None:
    offer = released("rain")

    # The first three days, by shop.rows: 0, 1 and 4 tenths of a millimetre.
    assert facts_of(offer).samples == {
        "day": ("0", "1", "2"),
        "tenths_mm": ("0", "1", "4"),
    }


def test_a_controlled_release_gives_no_sample(home: Path) -> None:
    offer = released("rain")
    said = offer.terms.model_copy(update={"release": "controlled"})

    assert facts_of(type(offer)(**{**vars(offer), "terms": said})).samples == {}


def test_the_events_follow_a_column_to_its_source(written: dict[Format, Path]) -> None:
    lines = written["openlineage"].read_text("utf-8").splitlines()
    events = {e["job"]["name"]: e for e in map(json.loads, lines)}

    (derived,) = events["rain.product.derive"]["outputs"]
    fields = derived["facets"]["columnLineage"]["fields"]
    assert {n: f["inputFields"][0]["name"] for n, f in fields.items()} == dict.fromkeys(
        ("day", "town", "tenths_mm"), "rain/resource/resource"
    )
    made = {o["name"]: o for o in events["rain.resource.transform"]["outputs"]}
    fields = made["rain/resource/resource"]["facets"]["columnLineage"]["fields"]
    assert fields["town"]["inputFields"][0] == {
        "namespace": "datafactor",
        "name": "rain/resource/rain",
        "field": "town",
        "transformation": "value",
    }


def test_what_was_never_made_is_not_described(home: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="snow has no run yet"):
        export("snow", "openlineage", tmp_path)
    with pytest.raises(StoreError, match="snow has made no product yet"):
        export("snow", "dcat", tmp_path)
    assert list(tmp_path.iterdir()) == []


def contract_of(document: Path) -> Declared:
    """Read the product's contract of a draft, before a person has answered it."""
    said = yaml.safe_load(document.read_text("utf-8"))["product"]
    known = Declared.model_fields.keys()
    return Declared.model_validate({k: v for k, v in said.items() if k in known})


def test_our_own_contract_comes_back_to_the_same_digest(
    home: Path, written: dict[Format, Path], tmp_path: Path
) -> None:
    document = tmp_path / "again.yaml"

    drafted, left = contracted(["rain.csv"], written["odcs"], document)

    made = compile_contract(contract_of(document).contract())
    assert made.digest == released("rain").ref.contract
    assert drafted.todos > 0
    assert {sentence.split()[0] for sentence in left} == {
        "tenant",
        "domain",
        "examples",
    }
    said = yaml.safe_load(document.read_text("utf-8"))
    assert said["product"]["price"]["ceiling"]["amount"] == "3.00"
    assert said["product"]["licence"]["attribution"] == "Jiangbei rain"
    columns = said["sources"]["rain"]["columns"]
    assert columns[1]["quality"] == [
        {"metric": "invalidValues", "validValues": ["a", "b"]}
    ]


def contract_with(written: Path, change: Any, folder: Path) -> Path:
    document = yaml.safe_load(written.read_text("utf-8"))
    change(document["schema"][0])
    path = folder / "changed.odcs.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return path


def property_of(table: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(p for p in table["properties"] if p["name"] == name)
    return found


def other_column(table: dict[str, Any]) -> None:
    table["properties"].append({"name": "hail", "logicalType": "integer"})


def other_type(table: dict[str, Any]) -> None:
    property_of(table, "town")["logicalType"] = "integer"
    del property_of(table, "town")["quality"]


def no_repeats(table: dict[str, Any]) -> None:
    property_of(table, "town")["unique"] = True


def narrower(table: dict[str, Any]) -> None:
    property_of(table, "tenths_mm")["logicalTypeOptions"] = {"maximum": 90}


def fewer_values(table: dict[str, Any]) -> None:
    property_of(table, "town")["quality"][0]["arguments"]["validValues"] = ["a"]


def other_key(table: dict[str, Any]) -> None:
    property_of(table, "day").pop("primaryKey")
    property_of(table, "town")["primaryKey"] = True


def fewer_rows(table: dict[str, Any]) -> None:
    table["quality"][0]["mustBe"] = 39


ABOVE = sum(n * n % 97 > 90 for n in range(shop.DAYS))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other_column, "column hail of the contract is not in rain.csv, which has day"),
        (other_type, "40 values of town are not written as integer"),
        (no_repeats, "40 rows repeat a value of town"),
        (narrower, f"{ABOVE} values of tenths_mm break at most 90"),
        (fewer_values, "20 values of town break one of the valid values"),
        (other_key, "40 rows repeat a value of town"),
        (fewer_rows, "40 rows; the document asks for exactly 39 rows"),
    ],
)
def test_a_contract_that_the_data_contradict_is_refused(
    home: Path, written: dict[Format, Path], tmp_path: Path, change: Any, told: str
) -> None:
    contract = contract_with(written["odcs"], change, tmp_path)

    with pytest.raises(FactorError, match=re.escape(told)):
        contracted(["rain.csv"], contract, tmp_path / "again.yaml")

    assert not (tmp_path / "again.yaml").exists()


def test_every_contradiction_is_told_at_once(
    home: Path, written: dict[Format, Path], tmp_path: Path
) -> None:
    def change(table: dict[str, Any]) -> None:
        narrower(table)
        fewer_values(table)

    contract = contract_with(written["odcs"], change, tmp_path)

    with pytest.raises(FactorError) as refused:
        contracted(["rain.csv"], contract, tmp_path / "again.yaml")

    assert len(str(refused.value).splitlines()) == 2


def test_a_missing_value_contradicts_required(
    home: Path, written: dict[Format, Path], tmp_path: Path
) -> None:
    (home / "gap.csv").write_text("day,town,tenths_mm\n1,a,2\n2,,NA\n", "utf-8")

    def change(table: dict[str, Any]) -> None:
        table["name"] = "gap"

    contract = contract_with(written["odcs"], change, tmp_path)
    with pytest.raises(FactorError, match="1 values of town are missing"):
        contracted(["gap.csv"], contract, tmp_path / "again.yaml")
