"""Hold what the bodies of the runs say against the tables that repeat it, in batches.

Artifacts, outputs, edges and checks of some thousand rows at a time are compared as
sets of tuples. Only rows that differ are kept: a million artifacts that are what they
were need no more memory than their ids and hashes.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from sqlalchemy import (
    Connection,
    FromClause,
    Label,
    Select,
    func,
    select,
    type_coerce,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import LargeBinary, NullType
from typing_extensions import TypedDict

from schemas.artifact import Hex, Kind, Publication
from schemas.tables.columns import Row, table_of
from schemas.tables.lineage import (
    Artifact,
    CheckResult,
    Derivation,
    RunOutput,
    StageRun,
)
from tasks.store.lineage import BATCH, one_of
from tasks.store.publish import PLACE
from tasks.store.sales import MAKER

Cells = tuple[Any, ...]  # a row as the driver gives it
Kept = dict[type[Row], set[Cells]]
MANY = 5_000  # artifacts compared at a time
HEAD, TAIL = '{"artifacts":[', '],"as_of":'
OUTPUTS, RUNS = table_of(RunOutput), table_of(StageRun)
run, out = RUNS.c, OUTPUTS.c
STRICT = ConfigDict(extra="forbid")
Count = Annotated[int, Field(ge=0)]


class Ref(TypedDict):
    """``schemas.artifact.ArtifactRef`` as a plain dict."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it here
    id: Hex
    sha256: Hex
    name: str
    rows: Count
    contract: str
    kind: Kind


class Place(TypedDict):
    """``schemas.artifact.Origin`` as a plain dict."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # see above
    path: str
    file_sha256: Hex
    member: str
    licence: str
    retained: NotRequired[Literal["copy", "reference"]]


class Made(TypedDict):
    """What ``schemas.artifact.Made`` is, as plain dicts: models would take seconds."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # see above
    frame: str
    ref: Ref
    bytes: Count
    roles: NotRequired[list[str] | None]
    origin: NotRequired[Place | None]


MADE = TypeAdapter(list[Made])


class Told(NamedTuple):
    """A body: the publication with the artifacts that later steps ask for, and all."""

    publication: Publication
    who: str
    at: datetime
    signer: str
    made: list[Made]


def read(text: str) -> Told:
    """Read a body, whose artifacts stand first and are most of it.

    Raises:
        ValueError, KeyError, AttributeError, TypeError: It is no body.
    """
    end = text.find(TAIL)
    if text.startswith(HEAD) and end > 0:
        made = MADE.validate_json(text[len(HEAD) - 1 : end + 1])
        body = json.loads("{" + text[end + 2 :])
    else:
        body = json.loads(text)
        made = MADE.validate_python(body.pop("artifacts", []))
    who, at, _ = body.pop("who"), body.pop("at"), body.pop("v")
    signer = str(body.pop("signer", ""))
    posted = {posting["artifact"] for posting in body.get("postings", ())}
    asked = [one for one in made if _asked_for(one, body["task"], posted)]
    publication = Publication.model_validate(body | {"artifacts": asked})
    return Told(publication, who, datetime.fromisoformat(at), signer, made)


def _asked_for(made: Made, task: str, posted: set[str]) -> bool:
    """Say whether later steps ask for it: posted, sold, or kept by reference."""
    origin = made.get("origin")
    return (
        made["ref"]["id"] in posted
        or (task == MAKER and made["frame"] == "product")
        or bool(origin and origin.get("retained") == "reference")
    )


class Batch:
    """What some runs say the tables hold; of two that say otherwise, the first."""

    def __init__(self) -> None:
        self.first = self.last = 0
        self.artifacts: dict[bytes, Cells] = {}
        self.outputs: dict[Cells, Cells] = {}
        self.edges: set[Cells] = set()
        self.checks: set[Cells] = set()

    @property
    def size(self) -> int:
        """How many artifacts and checks it holds, or how many runs without any."""
        return len(self.artifacts) + len(self.checks) + self.last - self.first

    def add(self, seq: int, hash: bytes | str, told: Told | None) -> None:
        """Add the rows that one run says there are; an unreadable one says nothing."""
        self.first, self.last = self.first or seq, seq
        if told is None:
            return
        inputs = [(bytes.fromhex(i.id), i.role) for i in told.publication.inputs]
        for made in told.made:
            ref, origin = made["ref"], made.get("origin")
            id, roles = bytes.fromhex(ref["id"]), made.get("roles")
            sha256 = bytes.fromhex(ref["sha256"])
            row = (id, sha256, ref["name"], ref["kind"], ref["rows"], made["bytes"])
            self.artifacts.setdefault(id, row)
            place = _place(origin) if origin else NOWHERE
            output = (hash, made["frame"], id, ref["contract"], *place)
            self.outputs.setdefault(output[:2], output)
            for parent, role in inputs:
                if roles is None or role in roles:
                    self.edges.add((id, parent, role))
        for n, k in enumerate(told.publication.checks):
            self.checks.add((hash, k.frame, n, k.check, k.examined, k.failed))


def raw_hash(hash: str) -> bytes | str:
    """Write a hash as the tables hold it; what is none stays as it is."""
    try:
        return bytes.fromhex(hash)
    except ValueError:
        return hash


NOWHERE = (None,) * len(PLACE)


def _place(origin: Place) -> Cells:
    found: dict[str, Any] = {**origin}
    found["file_sha256"] = bytes.fromhex(origin["file_sha256"])
    return tuple(found[name] for name in PLACE)


class Projected:
    """Compares batch by batch, and keeps what differs."""

    def __init__(self, c: Connection) -> None:
        self.c = c
        self.truth: Kept = {t: set() for t in COLUMNS}
        self.held: Kept = {t: set() for t in COLUMNS}
        self.bytes: set[bytes] = set()  # hashes of all files
        self.ids: set[bytes] = set()
        self.unjoined: set[bytes] = set()  # whose output the tables do not hold
        self.weighed = 0  # edges that were looked at

    def compare(self, batch: Batch) -> None:
        """Hold what some runs say against the tables."""
        between = run.seq.between(batch.first, batch.last)
        mine = OUTPUTS.join(RUNS, run.hash == out.run)
        self._differ(
            RunOutput, set(batch.outputs.values()), self._ask(RunOutput, mine, between)
        )
        checks = table_of(CheckResult)
        beside = checks.join(RUNS, run.hash == checks.c.run)
        self._differ(CheckResult, batch.checks, self._ask(CheckResult, beside, between))
        fresh = {i: r for i, r in batch.artifacts.items() if i not in self.ids}
        made, edges = table_of(Artifact), table_of(Derivation)
        held = self._ask(Artifact, mine.join(made, made.c.id == out.artifact), between)
        self._artifacts(fresh, held)
        below = mine.join(edges, edges.c.child == out.artifact)
        self._edges(batch, fresh.keys(), self._ask(Derivation, below, between))
        self.bytes.update(row[1] for row in fresh.values())
        self.ids.update(fresh)

    def _ask(self, table: type[Row], joined: FromClause, where: Any) -> set[Cells]:
        # Any: a condition
        query = select(*COLUMNS[table]).select_from(joined).where(where)
        return rows(self.c, query)

    def _differ(self, table: type[Row], true: set[Cells], held: set[Cells]) -> None:
        self.truth[table] |= true - held
        self.held[table] |= held - true

    def _artifacts(self, fresh: dict[bytes, Cells], held: set[Cells]) -> None:
        """Look up by id what was not found by its output."""
        self.unjoined |= fresh.keys() - {row[0] for row in held}
        missing = {row[0]: row for row in set(fresh.values()) - held}
        found = {row[0]: row for row in self._by_id(Artifact, "id", missing)}
        for id, row in missing.items():
            if found.get(id) != row:
                self._differ(Artifact, {row}, {found[id]} if id in found else set())

    def _edges(self, batch: Batch, fresh: Iterable[bytes], held: set[Cells]) -> None:
        """Find edges that are missing; the others of a child seen first are extra.

        A later run may yet say that one of them is true.
        """
        new = {*fresh}
        mine = {edge for edge in held if edge[0] in new}
        self.weighed += len(mine)
        missing = batch.edges - held
        there = self._by_id(Derivation, "child", {edge[0] for edge in missing})
        self.truth[Derivation] |= missing - set(there)
        self.held[Derivation] |= mine
        self.held[Derivation] -= batch.edges

    def _by_id(self, table: type[Row], name: str, ids: Iterable[bytes]) -> list[Cells]:
        wanted, column = [*ids], type_coerce(table_of(table).c[name], LargeBinary())
        found: list[Cells] = []
        for start in range(0, len(wanted), BATCH):
            some = one_of(self.c, column, wanted[start : start + BATCH])
            found += rows(self.c, select(*COLUMNS[table]).where(some))
        return found

    def rest(self, claims: Iterable[Batch]) -> None:
        """Find the rows that no run speaks of, where there are more than there may be.

        Args:
            claims: What the runs say, again: asked for only if something is amiss.
        """
        for table in (RunOutput, CheckResult):
            column = table_of(table).c.run
            alone = column.not_in(select(run.hash))
            self.held[table] |= rows(self.c, select(*COLUMNS[table]).where(alone))
        if self.count(Artifact) != len(self.ids):
            every = stream(self.c, select(*COLUMNS[Artifact]))
            self.held[Artifact] |= {row for row in every if row[0] not in self.ids}
        if self.count(Derivation) != self.weighed:
            every = stream(self.c, select(*COLUMNS[Derivation]))
            strange = self.unjoined
            found = {e for e in every if e[0] not in self.ids or e[0] in strange}
            for batch in claims:
                found -= batch.edges
            self.held[Derivation] |= found

    def count(self, table: type[Row]) -> int:
        """Count the rows of a table."""
        return int(
            self.c.scalar(select(func.count()).select_from(table_of(table))) or 0
        )


COLUMNS: dict[type[Row], list[Label[Any]]] = {  # Any: cells of any type
    table: [type_coerce(x, NullType()).label(x.name) for x in table_of(table).columns]
    for table in (Artifact, Derivation, RunOutput, CheckResult)
}


def rows(c: Connection, query: Select[Any]) -> set[Cells]:  # Any: rows of any shape
    """Read rows as the driver gives them: building Row objects takes as long again."""
    result = c.execute(query)
    cursor: Any = result.cursor  # of either driver
    try:
        return set(cursor.fetchall())
    except c.dialect.loaded_dbapi.Error as error:
        raise DatabaseError(str(query), None, error) from error
    finally:
        result.close()


def stream(c: Connection, query: Select[Any]) -> Iterator[Cells]:  # Any: see above
    """Read rows as they come."""
    for row in c.execute(query.execution_options(yield_per=10_000)):
        yield tuple(row)
