"""A product as DCAT-AP, held against the official shapes; wrong ones are refused."""

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyshacl
import pytest
from rdflib import DCAT, DCTERMS, Graph, Literal, URIRef

from schemas.licence import catalogues
from tasks.product.describe.dcat import HOUSE, SECTIONS, dcat
from tests.described import facts, terms

# rdflib's own JSON-LD reader uses what rdflib has given up.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
SHAPES = Path(__file__).resolve().parents[1] / "vendor" / "dcat-ap" / "shapes.ttl"
ME = URIRef("urn:datafactor:plots:plot-yields:2.3.1")


@cache
def shapes() -> Graph:
    return Graph().parse(SHAPES, format="turtle")


def graph(document: Any) -> Graph:
    return Graph().parse(data=json.dumps(document), format="json-ld")


def conforms(document: Any) -> tuple[bool, str]:
    kept, _, text = pyshacl.validate(graph(document), shacl_graph=shapes())
    return bool(kept), str(text)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"delivery": {"forms": ["bundle"]}},
        {"listed": None, "release": "enclave"},
        {"provider": None, "scenario": None},
    ],
)
def test_a_product_keeps_the_official_shapes(changed: dict[str, Any]) -> None:
    kept, text = conforms(dcat(facts(**changed)))

    assert kept, text


def without(kind: str, key: str) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for node in document["@graph"]:
            if node["@type"] == kind:
                del node[key]

    return change


def put(kind: str, key: str, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for node in document["@graph"]:
            if node["@type"] == kind:
                node[key] = value

    return change


WRONG: dict[str, Callable[[Any], None]] = {
    "no title": without("dcat:Dataset", "dct:title"),
    "no description": without("dcat:Dataset", "dct:description"),
    "no access": without("dcat:Distribution", "dcat:accessURL"),
    "no endpoint": without("dcat:DataService", "dcat:endpointURL"),
    "a publisher without a name": without("foaf:Agent", "foaf:name"),
    "size in words": put("dcat:Distribution", "dcat:byteSize", "34 kB"),
    "a licence of no class": put("dcat:Distribution", "dct:license", {"@id": "urn:x"}),
    "two versions": put("dcat:Dataset", "dcat:version", ["1.0.0", "2.0.0"]),
    "a checksum without a value": put(
        "dcat:Distribution",
        "spdx:checksum",
        {"@type": "spdx:Checksum"},
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_shapes_refuse_a_wrong_document(name: str) -> None:
    document = copy.deepcopy(dcat(facts()))
    WRONG[name](document)

    kept, text = conforms(document)

    assert not kept, text


def test_what_a_catalogue_reads_is_there() -> None:
    read = graph(dcat(facts()))

    assert str(read.value(ME, DCTERMS.title)) == "Yields of plots in two counties"
    words = {
        (str(w), w.language)
        for w in read.objects(ME, DCAT.keyword)
        if isinstance(w, Literal)
    }
    assert ("agriculture", "en") in words
    assert ("农、林、牧、渔业", "zh") in words
    (file,) = read.objects(ME, DCAT.distribution)
    assert read.value(file, DCAT.byteSize) == Literal(
        "34567", datatype="http://www.w3.org/2001/XMLSchema#nonNegativeInteger"
    )
    spdx = "http://spdx.org/rdf/terms#"
    checksum = read.value(file, URIRef(f"{spdx}checksum"))
    value = read.value(checksum, URIRef(f"{spdx}checksumValue"))
    assert str(value).lower() == "b" * 64
    licence = read.value(file, DCTERMS.license)
    assert str(licence) == "https://spdx.org/licenses/CC-BY-4.0"
    period = read.value(ME, DCTERMS.temporal)
    assert str(read.value(period, DCAT.startDate)) == "2026-05-01"
    assert str(read.value(period, DCAT.endDate)) == "2026-06-29"


@pytest.mark.parametrize(
    ("release", "word"),
    [("open", "PUBLIC"), ("controlled", "RESTRICTED"), ("enclave", "NON_PUBLIC")],
)
def test_a_release_is_said_in_the_words_of_the_list(release: str, word: str) -> None:
    read = graph(dcat(facts(release=release)))

    assert str(read.value(ME, DCTERMS.accessRights)).endswith(f"/{word}")


def test_every_section_of_industries_has_both_names_and_a_theme() -> None:
    # GB/T 4754-2017 has the sections A to T.
    assert "".join(SECTIONS) == "ABCDEFGHIJKLMNOPQRST"
    assert all(en and zh and theme for en, zh, theme in SECTIONS.values())


def test_licences_of_the_house_are_not_said_to_be_of_spdx() -> None:
    known = {p.stem for folder in catalogues() for p in folder.glob("*.yaml")}

    assert {name.replace(" ", "-") for name in HOUSE} <= known


def test_a_service_stands_only_where_the_product_is_delivered_as_one() -> None:
    kinds = [n["@type"] for n in dcat(facts(delivery={}))["@graph"]]

    assert "dcat:DataService" not in kinds
    assert terms().delivery.forms == ("bundle", "service")
