"""Say a product in Croissant 1.0, so that a program can load its columns by name.

One ``FileObject`` with the SHA-256 of the published file, one ``RecordSet`` with a
``Field`` for each column. A unit stands in the field's description: Croissant 1.0 has
no word for it.

Source: Croissant Format Specification 1.0, docs.mlcommons.org/croissant/docs/
croissant-spec.html; its context is the one printed there.
"""

from typing import Any

from schemas.contract import Column, LogicalType
from tasks.product.describe.dcat import licence_iri
from tasks.product.describe.facts import Facts, file_of, zh_or_en
from tasks.product.odrl import named

Node = dict[str, Any]  # Any: JSON-LD
CONFORMS = "http://mlcommons.org/croissant/1.0"
CONTEXT: Node = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
TYPES: dict[LogicalType, str] = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "date": "sc:Date",
    "timestamp": "sc:DateTime",
    "boolean": "sc:Boolean",
}


def croissant(facts: Facts) -> Node:
    """Write the dataset with its file and its record set.

    Args:
        facts: Of the product; its terms with provider and scenario filled in.
    """
    terms, table = facts.terms, facts.terms.name.replace("-", "_")
    file = file_of(terms)
    title = terms.title or terms.name
    made: Node = {
        "@context": CONTEXT | {"@language": zh_or_en(title)},
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": terms.name,
        "description": title,
        "url": named(terms),
        "version": terms.version,
        "datePublished": facts.at.date().isoformat(),
        "license": licence_iri(terms),
        "citeAs": cited(facts),
        "isLiveDataset": False,
        "distribution": [file_object(facts, file)],
        "recordSet": [record_set(facts, table, file)],
    }
    if terms.provider:
        made["creator"] = {"@type": "sc:Organization", "name": terms.provider.name}
    return made


def cited(facts: Facts) -> str:
    """Say how to cite it; of research that is the credit its licence asks for."""
    terms = facts.terms
    who = terms.licence.attribution or (terms.provider.name if terms.provider else "")
    year, title = facts.as_of.year, terms.title or terms.name
    said = f"{title}, version {terms.version} ({year}), sha256:{facts.sha256}"
    return f"{who}: {said}" if who else said


def file_object(facts: Facts, file: str) -> Node:
    """Write the published file."""
    return {
        "@type": "cr:FileObject",
        "@id": file,
        "name": file,
        "contentUrl": file,
        "contentSize": f"{facts.bytes} B",
        "encodingFormat": "application/x-parquet",
        "sha256": facts.sha256,
    }


def record_set(facts: Facts, table: str, file: str) -> Node:
    """Write the columns, and which of them identify a row."""
    made: Node = {"@type": "cr:RecordSet", "@id": table, "name": table}
    if facts.terms.key:
        made["key"] = [{"@id": f"{table}/{name}"} for name in facts.terms.key]
    fields = [field(column, table, file) for column in facts.terms.columns]
    return made | {"field": fields}


def field(column: Column, table: str, file: str) -> Node:
    """Write one column."""
    unit = f"in {column.unit}" if column.unit else ""
    told = "; ".join(text for text in (column.description, unit) if text)
    made: Node = {
        "@type": "cr:Field",
        "@id": f"{table}/{column.name}",
        "name": column.name,
        "dataType": TYPES[column.logical_type],
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }
    return made | ({"description": told} if told else {})
