"""Hold what the bodies of the runs say against the tables that repeat it.

Rows are compared as the tuples that the driver gives. The outputs and checks of some
runs at a time are all that is kept of them; artifacts and edges are kept until they are
found in their tables: about half a kilobyte each. Of all tables, rows that differ stay.
"""

import json
from collections.abc import Iterator, Set
from datetime import datetime
from itertools import chain, groupby
from operator import itemgetter
from typing import Annotated, Any, Literal, NamedTuple, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from sqlalchemy import (
    Connection,
    Label,
    Select,
    func,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType
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
from tasks.store.publish import PLACE
from tasks.store.sales import MAKER

Cells = tuple[Any, ...]  # a row as the driver gives it
Kept = dict[type[Row], set[Cells]]
Above = tuple[tuple[bytes, str], ...]  # parent and role
MANY = 5_000  # rows at a time
HEAD, TAIL = '{"artifacts":[', '],"as_of":'
RUNS = table_of(StageRun)
run = RUNS.c
STRICT = ConfigDict(extra="forbid", strict=True)
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
        body = json.loads("{" + text[end + 2 :], parse_constant=_refuse)
    else:
        body = json.loads(text, parse_constant=_refuse)
        made = MADE.validate_python(body.pop("artifacts", []))
    who, at, _ = body.pop("who"), body.pop("at"), body.pop("v")
    signer = str(body.pop("signer", ""))
    posted = {posting["artifact"] for posting in body.get("postings", ())}
    asked = [one for one in made if _asked_for(one, body["task"], posted)]
    publication = Publication.model_validate(body | {"artifacts": asked})
    return Told(publication, who, datetime.fromisoformat(at), signer, made)


def _refuse(constant: str) -> float:
    """Refuse NaN and infinities, which JSON has not (RFC 8259, 6) but Python reads."""
    raise ValueError(f"{constant} is no JSON")


def _asked_for(made: Made, task: str, posted: set[str]) -> bool:
    """Say whether later steps ask for it: posted, sold, or kept by reference."""
    origin = made.get("origin")
    return (
        made["ref"]["id"] in posted
        or (task == MAKER and made["frame"] == "product")
        or bool(origin and origin.get("retained") == "reference")
    )


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
    """Takes what the runs say one by one, and keeps where the tables say otherwise.

    Outputs and checks are compared while the runs are read. Artifacts and edges are
    compared once all runs were heard: in its own order a table is read five times as
    fast as row by row.
    """

    def __init__(self, c: Connection) -> None:
        self.c = c
        self.truth: Kept = {t: set() for t in COLUMNS}
        self.held: Kept = {t: set() for t in COLUMNS}
        self.bytes: set[bytes] = set()  # hashes of all files
        self.artifacts: dict[bytes, Cells] = {}  # until they are found in the table
        self.edges: dict[bytes, Above] = {}  # of each child, until they are found
        self.outputs: set[Cells] = set()  # of the runs from first to last
        self.checks: set[Cells] = set()
        self.first = self.last = 0

    def add(self, seq: int, hash: bytes | str, told: Told | None) -> None:
        """Hear one run; an unreadable one says nothing."""
        self.first, self.last = self.first or seq, seq
        if told is not None:
            self._hear(hash, told)
        if len(self.outputs) + len(self.checks) + self.last - self.first >= MANY:
            self._compare_runs()

    def _hear(self, hash: bytes | str, told: Told) -> None:
        """Keep the rows a run says there are; of two that say otherwise, the first."""
        said = told.publication
        inputs = tuple((bytes.fromhex(i.id), i.role) for i in said.inputs)
        outputs: dict[str, Cells] = {}
        for made in told.made:
            ref, origin, frame = made["ref"], made.get("origin"), made["frame"]
            id, sha256 = bytes.fromhex(ref["id"]), bytes.fromhex(ref["sha256"])
            row = (id, sha256, ref["name"], ref["kind"], ref["rows"], made["bytes"])
            self.artifacts.setdefault(id, row)
            place = _place(origin) if origin else NOWHERE
            outputs.setdefault(frame, (hash, frame, id, ref["contract"], *place))
            if inputs:
                self._derive(id, inputs, made.get("roles"))
        self.outputs.update(outputs.values())
        for n, k in enumerate(said.checks):
            self.checks.add((hash, k.frame, n, k.check, k.examined, k.failed))

    def _derive(self, child: bytes, inputs: Above, roles: list[str] | None) -> None:
        """Keep the edges of a child: to all inputs, or to those of some roles."""
        above = inputs
        if roles is not None:
            above = tuple(one for one in inputs if one[1] in roles)
        known = self.edges.setdefault(child, above)
        if known != above:  # a run before yielded it from others
            self.edges[child] = tuple({*known, *above})

    def _compare_runs(self) -> None:
        """Hold the outputs and checks of some runs against the tables."""
        if not self.first:
            return
        for table, true in ((RunOutput, self.outputs), (CheckResult, self.checks)):
            rows = table_of(table)
            query = select(*COLUMNS[table]).join(RUNS, run.hash == rows.c.run)
            query = query.where(run.seq.between(self.first, self.last))
            self._differ(table, true, set().union(*parts(self.c, query)))
        self.outputs, self.checks, self.first = set(), set(), 0

    def _differ(self, table: type[Row], true: Set[Cells], held: Set[Cells]) -> None:
        if true != held:
            self.truth[table] |= true - held
            self.held[table] |= held - true

    def finish(self) -> None:
        """Compare what is left when all runs were heard."""
        self._compare_runs()
        for table in (RunOutput, CheckResult):
            alone = table_of(table).c.run.not_in(select(run.hash))
            query = select(*COLUMNS[table]).where(alone)
            self.held[table].update(*parts(self.c, query))
        self.bytes = {row[1] for row in self.artifacts.values()}
        self._compare_artifacts()
        self._compare_edges()

    def _compare_artifacts(self) -> None:
        """Cross off every artifact that the table holds; what is left was removed."""
        for part in parts(self.c, select(*COLUMNS[Artifact])):
            for row in part:
                true = self.artifacts.pop(row[0], None)
                if true != row:
                    self._differ(Artifact, {true} if true else set(), {row})
        self.truth[Artifact].update(self.artifacts.values())

    def _compare_edges(self) -> None:
        """Cross off every child with its edges; what is left was removed."""
        child = table_of(Derivation).c.child
        query = select(*COLUMNS[Derivation]).order_by(child)
        every = chain.from_iterable(parts(self.c, query))
        for id, held in groupby(every, itemgetter(0)):
            self._differ(Derivation, _edges(id, self.edges.pop(id, ())), {*held})
        for id, above in self.edges.items():
            self.truth[Derivation] |= _edges(id, above)

    def count(self, table: type[Row]) -> int:
        """Count the rows of a table."""
        return int(
            self.c.scalar(select(func.count()).select_from(table_of(table))) or 0
        )


def _edges(child: bytes, above: Above) -> set[Cells]:
    return {(child, parent, role) for parent, role in above}


COLUMNS: dict[type[Row], list[Label[Any]]] = {  # Any: cells of any type
    table: [type_coerce(x, NullType()).label(x.name) for x in table_of(table).columns]
    for table in (Artifact, Derivation, RunOutput, CheckResult)
}


def parts(c: Connection, query: Select[Any]) -> Iterator[list[Cells]]:  # Any: any row
    """Read rows as the driver gives them: building Row objects takes as long again."""
    result = c.execute(query.execution_options(yield_per=MANY))
    fetch = result.cursor_strategy.fetchmany  # raw, but for the errors of the driver
    while (cursor := result.cursor) and (part := fetch(result, cursor, MANY)):
        yield part
