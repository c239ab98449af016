"""What an input may be used for goes on with it, whatever the next document says."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from flows.document import factor_named
from flows.released import released
from flows.shelf import offer_of
from flows.value_chain import value_chain
from schemas.errors import Refused, StoreError
from tests.gauges import (
    BOTH,
    INPUTS,
    LEVEL,
    SOURCE,
    documents,
    head,
    offer,
    opened,
    write,
)

AS_OF = date(2026, 6, 30)
OPEN = offer("level", LEVEL)
SUPPLIED = "    public_data: {supply: open, authority: A water bureau}\n"
ENCLAVED = OPEN.replace("licence:", "release: enclave\n  licence:").replace(
    "    name: CC0-1.0\n    permissions: [use, reproduce, present, derive, distribute,"
    " sell, commercialize]",
    "    name: House terms\n    permissions: [use, derive]\n"
    "    duties: [attribute]\n    attribution: A water bureau",
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    documents(tmp_path)
    with opened(tmp_path):
        yield tmp_path


def write_level(home: Path, product: str, source: str = "") -> None:
    source = source or SOURCE.format(table="level", grade="public")
    write(home, "level", head("level"), source, product)


def run(*names: str) -> None:
    for name in names:
        value_chain.fn(name, AS_OF)


@pytest.mark.parametrize("stage", ["product", "resource"])
def test_an_input_whose_document_has_changed_since_is_run_again_first(
    home: Path, stage: str
) -> None:
    run("rain", "level")
    if stage == "product":
        write_level(home, OPEN.replace("gauges are no persons", "they are made up"))
    else:
        rain = SOURCE.format(table="rain", grade="internal")
        write(home, "rain", head("rain"), rain)
    name = "level" if stage == "product" else "rain"

    with pytest.raises(
        StoreError, match=f"the document of {name} has changed since its {stage} was"
    ):
        run("flood")
    run(name, "flood")


def test_terms_of_public_data_go_on_with_an_input(home: Path) -> None:
    """Open data are free; so is what another factor makes of them."""
    write_level(home, OPEN + SUPPLIED)
    run("rain", "level", "flood")
    flood = offer("flood", BOTH) + '  price: {mode: per_call, amount: "9.99"}\n'
    write(home, "flood", head("flood"), INPUTS, flood)

    with pytest.raises(Refused, match=r"inputs\.level: open public data are offered"):
        run("flood")


@pytest.mark.parametrize("house", ["jiangbei-data", "other-house"])
def test_share_alike_that_an_enclave_is_spared_is_owed_by_what_leaves_it(
    home: Path, house: str
) -> None:
    """By the house itself, which gets no licence from itself, and by others."""
    source = SOURCE.format(table="level", grade="public")
    write_level(home, ENCLAVED, source.replace("CC0-1.0", "CC-BY-SA-4.0"))
    own = (home / "entities" / "jiangbei-data.yaml").read_text("utf-8")
    (home / "entities" / f"{house}.yaml").write_text(
        own.replace("entity: jiangbei-data", f"entity: {house}"), "utf-8"
    )
    flood = head("flood").replace("entity: jiangbei-data", f"entity: {house}")
    write(home, "flood", flood, INPUTS, offer("flood", BOTH))

    terms = factor_named("flood").product

    assert terms is not None
    own_house = house == "jiangbei-data"
    grant = terms.grants["inputs.level.sources.level" if own_house else "inputs.level"]
    assert grant.licence == "CC-BY-SA-4.0"
    assert "share-alike" in getattr(grant, "duties", ())


def test_what_was_measured_for_an_enclave_is_measured_again_outside(
    home: Path,
) -> None:
    roles = "deidentification: {quasi_identifiers: [gauge], sensitive: [total]}\n  key:"
    write_level(home, OPEN.replace("key:", roles, 1))
    open_terms = factor_named("flood").product
    write_level(home, OPEN.replace("key:", f"release: enclave\n  {roles}", 1))
    enclave_terms = factor_named("flood").product

    assert open_terms is not None
    assert enclave_terms is not None
    assert open_terms.classified["level"] == {"gauge": "public", "total": "public"}
    assert enclave_terms.classified["level"] == {
        "gauge": "personal", "total": "personal"
    }  # fmt: skip


def test_a_product_whose_column_a_person_calls_sensitive_since_is_not_offered(
    home: Path,
) -> None:
    run("level")
    offer = released("level")
    assert offer.ref.rows == 1
    assert offer_of(offer) is not None
    write_level(home, OPEN, SOURCE.format(table="level", grade="sensitive"))

    with pytest.raises(Refused, match=r"classifies resource\.value higher than when"):
        released("level")
    assert offer_of(offer) is None  # nor served
