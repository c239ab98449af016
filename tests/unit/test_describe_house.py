"""Every product of the house, described in every format that has an official check."""

from pathlib import Path

import pytest
import yaml

from flows.export import yaml_text
from schemas.factor import load_factor
from tasks.product.describe.dcat import dcat
from tasks.product.describe.facts import Facts
from tasks.product.describe.odcs import odcs
from tests.described import facts
from tests.unit.test_describe_dcat import conforms
from tests.unit.test_describe_odcs import again, digest, problems

FACTORS = Path(__file__).resolve().parents[2] / "deployments" / "factors"
OFFERED = [
    path.stem
    for path in sorted(FACTORS.glob("*.yaml"))
    if "\nproduct:\n" in path.read_text("utf-8")
]
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")


def facts_of(name: str) -> Facts:
    """Take the terms of the document, and facts of a file by hand."""
    product = load_factor(name, FACTORS).product
    assert product is not None
    return Facts(**{**vars(facts()), "terms": product, "samples": {}})


@pytest.mark.parametrize("name", OFFERED)
def test_a_contract_of_the_house_comes_back_the_same(name: str, tmp_path: Path) -> None:
    asked = facts_of(name)
    document = odcs(asked)

    back = again(document, tmp_path)

    assert problems(yaml.safe_load(yaml_text(document))) == []
    assert digest(back) == digest(asked.terms)
    assert back.price == asked.terms.price
    assert back.columns == asked.terms.columns


def test_the_products_of_the_house_keep_the_shapes_of_dcat() -> None:
    # One graph of all: the validator takes most of its time to begin.
    documents = [dcat(facts_of(name)) for name in OFFERED]
    nodes = [node for document in documents for node in document["@graph"]]

    kept, told = conforms({"@context": documents[0]["@context"], "@graph": nodes})

    assert kept, told
    datasets = {n["@id"] for n in nodes if n["@type"] == "dcat:Dataset"}
    assert len(datasets) == len(OFFERED) >= 10
