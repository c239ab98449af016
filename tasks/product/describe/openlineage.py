"""Say the runs behind a product as OpenLineage events, one for each run.

A run that ended well is ``COMPLETE``, one that broke is ``FAIL`` with its sentence. The
store keeps the moment of the end alone, so no ``START`` is made up. A job is a stage
task of a factor; a dataset is a frame, ``factor/stage/frame``, its version the SHA-256
of its bytes. Column lineage follows the SQL of the document; of a Python task there is
none, and the dataset then says nothing about columns.

Rules that were asked of a frame are assertions of the run that reads it, where
OpenLineage puts them: the event of the writer would say them of its input.

Source: OpenLineage 1-0-2, openlineage.io/spec/1-0-2/OpenLineage.json, and its facets.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.artifact import CheckCount, Publication
from tasks.columns import EVERY, Edge

Node = dict[str, Any]  # Any: JSON
SPEC = "https://openlineage.io/spec"
CORE = f"{SPEC}/1-0-2/OpenLineage.json"
PRODUCER = "urn:datafactor:openlineage:1"
NAMESPACE = "datafactor"
FACETS = {
    "schema": "facets/1-0-0/SchemaDatasetFacet.json",
    "version": "facets/1-0-0/DatasetVersionDatasetFacet.json",
    "columnLineage": "facets/1-0-1/ColumnLineageDatasetFacet.json",
    "dataQualityAssertions": "facets/1-0-0/DataQualityAssertionsDatasetFacet.json",
    "outputStatistics": "1-0-1/OutputStatisticsOutputDatasetFacet.json",
    "errorMessage": "facets/1-0-0/ErrorMessageRunFacet.json",
    "sql": "1-0-1/SQLJobFacet.json",
}


@dataclass(frozen=True)
class Dataset:
    """A frame or raw bytes that a run wrote; ``columns`` are names with types.

    Of raw bytes nobody has counted rows.
    """

    name: str
    sha256: str
    rows: int | None
    bytes: int
    columns: tuple[tuple[str, str], ...] = ()
    checks: tuple[CheckCount, ...] = ()


@dataclass(frozen=True)
class RunFacts:
    """One run, what it read and wrote, and the SQL that it ran.

    ``inputs`` are by the name that the SQL gives them; ``lineage`` the edges of its
    columns for the output ``frame``.
    """

    run: str
    at: datetime
    publication: Publication
    inputs: Mapping[str, Dataset] = field(default_factory=dict)
    outputs: Sequence[Dataset] = ()
    sql: str = ""
    frame: str = ""
    lineage: tuple[Edge, ...] = ()


def events(runs: Sequence[RunFacts]) -> list[Node]:
    """Write the events of runs, in the order given."""
    return [event(run) for run in runs]


def event(facts: RunFacts) -> Node:
    """Write the event with which one run ended."""
    said = facts.publication
    return {
        "eventType": said.status,
        "eventTime": facts.at.isoformat(),
        "producer": PRODUCER,
        "schemaURL": f"{CORE}#/$defs/RunEvent",
        "run": {"runId": run_id(facts.run), "facets": {**run_facets(said)}},
        "job": {
            "namespace": NAMESPACE,
            "name": f"{said.factor}.{said.stage}.{said.task}",
            "facets": {"sql": facet("sql", query=without_values(facts.sql))}
            if facts.sql
            else {},
        },
        "inputs": [read(dataset) for dataset in distinct(facts.inputs)],
        "outputs": [written(dataset, facts) for dataset in facts.outputs],
    }


def run_id(run: str) -> str:
    """Name a run by a UUID that follows from its hash (RFC 9562, version 8).

    The first 122 free bits of the hash: 4444… -> 44444444-4444-8444-8444-444444444444.
    """
    variant = "89ab"[int(run[16], 16) % 4]
    parts = run[:8], run[8:12], f"8{run[13:16]}", f"{variant}{run[17:20]}", run[20:32]
    return "-".join(parts)


def facet(name: str, **said: object) -> Node:
    """Write a facet with the schema that it keeps."""
    path = FACETS[name]
    kind = path.rpartition("/")[2].removesuffix(".json")
    url = f"{SPEC}/{path}#/$defs/{kind}"
    return {"_producer": PRODUCER, "_schemaURL": url, **said}


def run_facets(said: Publication) -> Node:
    """Tell of a broken run why; its sentence names no value of the data."""
    if said.status != "FAIL":
        return {}
    message = said.message or "the run broke"
    return {
        "errorMessage": facet(
            "errorMessage", message=message, programmingLanguage="PYTHON"
        )
    }


def distinct(inputs: Mapping[str, Dataset]) -> list[Dataset]:
    """List each dataset once, however many names it is read by."""
    return list({(d.name, d.sha256): d for d in inputs.values()}.values())


def plain(dataset: Dataset) -> Node:
    """Write what every dataset says: columns and version."""
    made = {"version": facet("version", datasetVersion=f"sha256:{dataset.sha256}")}
    if dataset.columns:
        fields = [{"name": name, "type": kind} for name, kind in dataset.columns]
        made["schema"] = facet("schema", fields=fields)
    return {"namespace": NAMESPACE, "name": dataset.name, "facets": made}


def read(dataset: Dataset) -> Node:
    """Write what a run read, with the rules that it had passed before."""
    made = plain(dataset)
    asserted = [*assertions(dataset)]
    if asserted:
        quality = facet("dataQualityAssertions", assertions=asserted)
        made["inputFacets"] = {"dataQualityAssertions": quality}
    return made


def assertions(dataset: Dataset) -> Iterator[Node]:
    """List the rules that were asked of a frame and whether all rows kept them."""
    known = {name for name, _ in dataset.columns}
    for check in dataset.checks:
        column, _, rule = check.check.partition(":")
        own = column in known
        made: Node = {"assertion": rule if own else check.check}
        made["success"] = check.failed == 0
        yield made | ({"column": column} if own else {})


def written(dataset: Dataset, facts: RunFacts) -> Node:
    """Write what a run made: size, and from which columns each column comes."""
    made = plain(dataset)
    if dataset.rows is not None:
        size = facet("outputStatistics", rowCount=dataset.rows, size=dataset.bytes)
        made["outputFacets"] = {"outputStatistics": size}
    if facts.lineage and dataset.name.endswith(f"/{facts.frame}"):
        made["facets"]["columnLineage"] = column_facet(facts)
    return made


def column_facet(facts: RunFacts) -> Node:
    """Say of each column the columns it depends on; filters stand with every one."""
    fields: dict[str, list[Node]] = {}
    everywhere = [e for e in facts.lineage if e.output == EVERY]
    outputs = dict.fromkeys(e.output for e in facts.lineage if e.output != EVERY)
    for output in outputs:
        own = [e for e in facts.lineage if e.output == output]
        fields[output] = [n for e in (*own, *everywhere) for n in origin(e, facts)]
    told = {name: {"inputFields": origins} for name, origins in fields.items()}
    return facet("columnLineage", fields=told)


def origin(edge: Edge, facts: RunFacts) -> Iterator[Node]:
    """Name one column that another depends on, and how."""
    source = facts.inputs.get(edge.table)
    if source is not None:
        yield {
            "namespace": NAMESPACE,
            "name": source.name,
            "field": edge.column,
            "transformation": edge.how,
        }


# A name, a comment, a text ('…', $$…$$), a long number: the first stays as it is.
VALUE = re.compile(
    r"""("(?:[^"]|"")*")|--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\2\$|\b\d{5,}\b""",
    re.DOTALL,
)


def without_values(sql: str) -> str:
    """Hide the texts, long numbers and comments of a query: they may tell of a person.

    ``phone = '13800000001'`` -> ``phone = '***'``
    """
    return VALUE.sub(lambda found: found[1] or "'***'", sql)
