"""A product in Croissant 1.0, key by key against the specification.

The official validator, mlcroissant, runs apart: ``make croissant``.
"""

from typing import Any

from tasks.product.describe.croissant import CONTEXT, croissant
from tests.described import facts

# Croissant Format Specification 1.0, "Dataset-level information" and the sections on
# resources, RecordSets and Fields: what must be there, and what may.
DATASET = {
    "@context", "@type", "conformsTo", "name", "description", "license", "url",
    "creator", "datePublished", "version", "citeAs", "isLiveDataset", "distribution",
    "recordSet",
}  # fmt: skip
FILE = {
    "@type", "@id", "name", "contentUrl", "contentSize", "encodingFormat", "sha256"
}  # fmt: skip
RECORDS = {"@type", "@id", "name", "key", "field"}
FIELD = {"@type", "@id", "name", "dataType", "source"}
# Terms that the specification's own context defines beside those of schema.org.
OWN = {
    "citeAs", "column", "conformsTo", "data", "dataType", "examples", "extract",
    "field", "fileProperty", "fileObject", "fileSet", "format", "includes",
    "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
    "references", "regex", "repeated", "replace", "separator", "source", "subField",
    "transform",
}  # fmt: skip


def fields(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in document["recordSet"][0]["field"]}


def test_the_dataset_says_what_the_specification_asks_for() -> None:
    made = croissant(facts())

    assert set(made) == DATASET
    assert made["@type"] == "sc:Dataset"
    assert made["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert made["license"] == "https://spdx.org/licenses/CC-BY-4.0"
    assert made["datePublished"] == "2026-07-01"
    assert made["version"] == "2.3.1"


def test_the_context_is_that_of_the_specification() -> None:
    assert set(CONTEXT) >= OWN
    assert CONTEXT["@vocab"] == "https://schema.org/"
    assert CONTEXT["cr"] == "http://mlcommons.org/croissant/"
    assert CONTEXT["dct"] == "http://purl.org/dc/terms/"
    assert CONTEXT["dataType"] == {"@id": "cr:dataType", "@type": "@vocab"}
    links = {k: v for k, v in CONTEXT.items() if isinstance(v, str)}
    own = OWN - {"conformsTo", "data", "dataType", "examples"}
    assert {k: links[k] for k in own} == {k: f"cr:{k}" for k in own}


def test_the_file_has_its_digest_and_size() -> None:
    (file,) = croissant(facts())["distribution"]

    assert set(file) == FILE
    assert file["@type"] == "cr:FileObject"
    assert file["sha256"] == "b" * 64
    assert file["contentSize"] == "34567 B"
    assert file["encodingFormat"] == "application/x-parquet"


def test_each_column_is_a_field_of_its_type_with_its_source() -> None:
    made = croissant(facts())
    (records,) = made["recordSet"]
    (file,) = made["distribution"]

    assert set(records) == RECORDS
    assert records["key"] == [{"@id": "plot_yields/day"}, {"@id": "plot_yields/plot"}]
    told = {name: field["dataType"] for name, field in fields(made).items()}
    assert told == {
        "plot": "sc:Text",
        "day": "sc:Date",
        "crop": "sc:Text",
        "yield_kg": "sc:Float",
        "farmer": "sc:Text",
        "paid_fen": "sc:Integer",
        "read_at": "sc:DateTime",
        "insured": "sc:Boolean",
    }
    for name, field in fields(made).items():
        assert set(field) - {"description"} == FIELD
        assert field["source"]["fileObject"] == {"@id": file["@id"]}
        assert field["source"]["extract"] == {"column": name}
        assert field["@id"] == f"{records['@id']}/{name}"
    assert fields(made)["yield_kg"]["description"] == "in kg/mu"


def test_every_id_is_given_once() -> None:
    made = croissant(facts())
    ids = [f["@id"] for f in made["recordSet"][0]["field"]]
    ids += [made["recordSet"][0]["@id"], made["distribution"][0]["@id"]]

    assert len(ids) == len(set(ids))
