"""A product that an older release has recorded under terms which are not read now."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from flows.catalog import write_catalog
from flows.check import examine
from flows.cli import main
from flows.market import withdraw
from flows.released import all_released, released
from flows.versions import offered_now
from schemas.artifact import Stage
from schemas.errors import StoreError
from tasks import store
from tests import shop
from tests.builders import temporary_store
from tests.shop import DAY
from tests.store.build import made, run, sha

SECRET = "resell or pass on rows"
# As older releases wrote them: a licence in free words.
OLD: dict[str, object] = {
    "factor": "rain",
    "name": "daily-rain",
    "version": "1.0.0",
    "query": "SELECT day FROM resource",
    "columns": [{"name": "day", "logicalType": "integer", "required": True}],
    "key": ["day"],
    "order": [],
    "licence": {
        "name": "Illustrative commercial licence",
        "permissions": ["use within the licensed company"],
        "prohibitions": [SECRET],
        "duties": ["name the source"],
    },
}
# The contract reads still, what is around it does not.
WORDY: dict[str, object] = {
    **OLD,
    "scenario": {"user": "an insurer", "prohibited_uses": [SECRET]},
}
WORDY["licence"] = {
    "name": "rain terms",
    "permissions": ["use", "reproduce"],
    "duties": ["attribute"],
    "attribution": "Jiangbei rain",
}


def record(terms: dict[str, object]) -> None:
    """Publish a product under terms of an older release."""
    s = store.current()
    product = made(s, "product", pl.DataFrame({"day": [1]}))
    store.publish(
        s,
        run(
            product,
            task="productize",
            stage=Stage.PRODUCT,
            factor="rain",
            key=sha(json.dumps(terms)),
            terms=terms,
        ),
    )


@pytest.fixture(params=["licence in words", "uses as a list"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A store in which an older release has offered the rain."""
    shop.prepare(tmp_path)
    (tmp_path / "factors" / "rain.yaml").write_text(shop.DOCUMENT, encoding="utf-8")
    with temporary_store(tmp_path, **shop.places(tmp_path)):
        record(OLD if request.param == "licence in words" else WORDY)
        yield tmp_path


def test_it_is_not_on_offer_and_one_sentence_says_what_to_do(old: Path) -> None:
    with pytest.raises(StoreError) as told:
        released("rain")

    assert str(told.value) == (
        "rain: its product was not released by this release of datafactor, which"
        " cannot read its terms: `datafactor run rain --through product`"
    )
    assert all_released() == []


def test_the_catalogue_leaves_it_out(old: Path) -> None:
    assert write_catalog(old / "site")["products"] == []
    assert SECRET not in (old / "site" / "catalog.json").read_text("utf-8")


def test_commands_end_in_a_sentence_that_tells_no_value(
    old: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    export = ["export", "rain", "--as", "odrl", "-o", str(old / "out")]
    for command in (["answer", "rain"], export):
        assert main(command) != 0
    said = "".join(capfd.readouterr())

    assert said.count("cannot read its terms") == 2
    assert "Traceback" not in said
    assert SECRET not in said


def test_it_is_withdrawn_once_its_terms_can_be_read(old: Path) -> None:
    with pytest.raises(StoreError, match="cannot read its terms") as told:
        withdraw("rain", "its source is disputed", "", None, False)

    assert SECRET not in str(told.value)


def test_the_factor_is_checked_and_run_again(old: Path) -> None:
    assert examine("rain")["version"] == "1.2.0"

    command = ["run", "rain", "--as-of", str(DAY), "--through", "product"]
    assert main(command) == 0
    assert released("rain").terms.version == "1.2.0"
    assert write_catalog(old / "after")["products"] == ["daily-rain 1.2.0"]


def test_a_contract_that_can_be_read_still_guards_the_version(tmp_path: Path) -> None:
    with temporary_store(tmp_path):
        record(OLD)
        assert offered_now("rain") is None
        record(WORDY)
        known = offered_now("rain")

    assert known is not None
    assert (known.version, known.scenario) == ("1.0.0", None)
