"""Follow columns back to the sources, by what each run has recorded of its terms.

Nothing is stored for it: SQL, labels and columns stand in the bodies of the runs. Where
a stage is Python, or makes something else than rows of a table (gates, journal, loan),
its lineage is that of tables: the way of a column ends there, and says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas.artifact import ArtifactRef, Made, Publication
from schemas.errors import StoreError
from tasks import store
from tasks.columns import (
    EVERY,
    Edge,
    column_lineage,
    label_lineage,
    output_columns,
    through,
)
from tasks.store import Node

Facts = dict[str, Any]  # JSON
Edges = tuple[Edge, ...]


# By task: the parameter that holds rows, and the frame whose columns can be followed.
READ = {
    "clean": ("text", ""),
    "redrive": ("stands", ""),
    "transform": ("sources", "resource"),
    "gather": ("", "resource"),
    "derive": ("tables", "derived"),
    "productize": ("derived", "product"),
}
NAMED = ("sources", "tables")  # parameters whose entries are tables of the SQL


def with_levels(nodes: Sequence[Node]) -> list[Facts]:
    """Tell each artifact of a lineage, and how its own lineage is known."""
    return [
        {**n.model_dump(mode="json"), "lineage": level(n.kind, n.task, n.frame)}
        for n in nodes
    ]


def level(kind: str, task: str, frame: str) -> str:
    """Say how lineage is known: by ``column``, as a ``table``; ``bytes`` have none."""
    if kind in ("raw", "document"):
        return "bytes"
    _, main = READ.get(task, ("", "none"))
    plain, _, _ = frame.partition("@")
    followed = plain == main or (not main and not frame.endswith(".rejects"))
    return "column" if followed else "table"


def maker(ref: ArtifactRef) -> tuple[Publication, Made]:
    """Find the newest run that made an artifact, and what it says of it."""
    said = store.made_with(store.current(), ref).publication
    return said, next(made for made in said.artifacts if made.ref.id == ref.id)


def known_of(ref: ArtifactRef) -> str:
    """Say how the lineage of an artifact is known."""
    said, made = maker(ref)
    return level(ref.kind, said.task, made.frame)


def column_facts(ref: str, found: ArtifactRef) -> list[Facts]:
    """Tell the way of each column back to the sources, or to where a table begins.

    Raises:
        StoreError: The lineage of the artifact is that of tables.
    """
    if known_of(found) != "column":
        raise StoreError(
            f"{ref} is {found.name}, of which no column can be followed; ask for rows"
            " of a resource or a product, or leave --columns out"
        )
    edges = followed(found)
    ends = {id: end_facts(id) for id in {edge.table for edge in edges}}
    return [
        {"column": edge.output, "how": edge.how, "source_column": edge.column}
        | ends[edge.table]
        for edge in edges
    ]


def end_facts(id: str) -> Facts:
    """Name the artifact at which a way ends, and say whether it is bytes or a table."""
    ref = store.resolve(store.current(), id)
    said, made = maker(ref)
    return {
        "from": f"{said.factor}/{said.stage}/{made.frame}",
        "id": id,
        "known": level(ref.kind, said.task, made.frame),
    }


def followed(ref: ArtifactRef) -> Edges:
    """Follow every column as far back as columns are known; tables are artifact ids.

    Parts of a manifest are made alike: the first one speaks for all.
    """
    if ref.kind == "manifest":
        return followed(store.parts(store.current(), ref)[0][1])
    said, made = maker(ref)
    parents = parents_of(said, made)
    own = edges_of(said, parents)
    return through(own, {t: below(t, p, own) for t, p in parents.items()})


def below(table: str, parent: ArtifactRef, edges: Edges) -> Edges:
    """Follow a table further, or end at its columns as they are."""
    if known_of(parent) == "column":
        return followed(parent)
    ends = {e.column for e in edges if e.table == table}
    return tuple(Edge(c, parent.id, c, "value") for c in sorted(ends))


def parents_of(said: Publication, made: Made) -> dict[str, ArtifactRef]:
    """Name the tables that a run read: ``tables.rain.0`` is the table rain."""
    asked, _ = READ[said.task]
    found: dict[str, ArtifactRef] = {}
    for given in said.inputs:
        role, _, entry = given.role.partition(".")
        table = entry.partition(".")[0] if role in NAMED else role
        mine = made.roles is None or given.role in made.roles
        if role == asked and mine and table not in found:
            found[table] = store.resolve(store.current(), given.id)
    return found


def edges_of(said: Publication, parents: Mapping[str, ArtifactRef]) -> Edges:
    """Read the edges of one run out of its terms."""
    terms, task = said.terms, said.task
    if task == "transform":
        return tuple(of_resource(terms))
    if task == "derive" and terms["query"]:
        tables = {name: columns_of(ref) for name, ref in parents.items()}
        found = column_lineage(terms["query"], tables, "product.query")
        return (*kept(found, terms["columns"]), *set_aside(found, terms))
    same = [
        Edge(c["name"], table, written(c) if task == "clean" else c["name"], "value")
        for table in parents
        for c in terms["columns"]
    ]
    return (*same, *set_aside(same, terms))


def of_resource(terms: Facts) -> Iterator[Edge]:
    """Read the edges of SQL and labels: a label stands on the columns of the SQL."""
    tables = {s["name"]: [c["name"] for c in s["columns"]] for s in terms["sources"]}
    sql = terms["consolidate"].strip() or f"SELECT * FROM {next(iter(tables))}"
    rows = column_lineage(sql, tables, "resource.consolidate")
    names = output_columns(sql, tables, "resource.consolidate")
    labels = through(label_lineage(terms["labels"], names, "rows"), {"rows": rows})
    yield from kept({*rows, *labels}, terms["columns"])


def set_aside(edges: Iterable[Edge], terms: Facts) -> Iterator[Edge]:
    """Count the columns by whose classes rows are suppressed as filters."""
    asked = terms.get("deidentification", {})
    by = {*asked["quasi_identifiers"], *asked["sensitive"]} if asked else set()
    if asked and asked["suppress"]:
        for edge in edges:
            if edge.output in by:
                yield edge._replace(output=EVERY, how="filter")


def kept(edges: Iterable[Edge], columns: Iterable[Facts]) -> Iterator[Edge]:
    """Leave out what is not among the contract's columns."""
    names = {EVERY, *(c["name"] for c in columns)}
    return (edge for edge in edges if edge.output in names)


def columns_of(ref: ArtifactRef) -> list[str]:
    """List the columns that an artifact was declared to have."""
    terms = store.made_with(store.current(), ref).publication.terms
    return [c["name"] for c in terms["columns"]]


def written(column: Facts) -> str:
    """Name a column as its file does."""
    return str(column["physical_name"] or column["name"])
