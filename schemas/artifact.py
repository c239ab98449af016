"""Name what travels between tasks and what one run hands to the store."""

from collections.abc import Generator, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import pandera.polars as pa
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Not an empty text: Prefect draws an edge wherever one object turns up twice, and
# Python keeps a single empty string.
NO_CONTRACT = "no contract"
Kind = Literal["raw", "frame", "manifest", "document"]
RunKind = Literal["stage", "snapshot", "close", "approval", "act"]
Status = Literal["COMPLETE", "FAIL"]


class Stage(StrEnum):
    """The four stages in which data gains value."""

    RESOURCE = "resource"
    PRODUCT = "product"
    ASSET = "asset"
    CAPITAL = "capital"

    @property
    def before(self) -> tuple["Stage", ...]:
        """The stages that must come first, in order."""
        return tuple(Stage)[: list(Stage).index(self)]


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def of_its_own(text: str) -> str:
    """Copy a text: Prefect draws an edge wherever one object turns up twice."""
    return "".join([*text])


class ArtifactRef(_Fact):
    """Travels between tasks instead of the frame itself."""

    id: Hex = Field(description="What it is and where it came from")
    sha256: Hex = Field(description="Its bytes")
    name: str = Field(description="Frame name: resource, resource.rejects, journal, …")
    rows: int = Field(ge=0)
    contract: str = Field(description="Digest of its contract, or NO_CONTRACT")
    kind: Kind

    @field_validator("name", "contract", "kind", mode="after")
    @classmethod
    def _is_an_object_of_its_own(cls, text: str) -> str:
        # Python keeps one "frame" for all: it drew classify -> capitalize.
        return of_its_own(text)


class Origin(_Fact):
    """Where raw bytes were found; the path is relative to the data folder."""

    path: str
    file_sha256: Hex
    member: str = Field(description="Path inside the archive, '!' between levels")
    licence: str
    retained: Literal["copy", "reference"] = "copy"


class Made(_Fact):
    """One artifact of a run."""

    frame: str
    ref: ArtifactRef
    bytes: int = Field(ge=0)
    roles: tuple[str, ...] | None = Field(
        default=None, description="Inputs it derives from; None: all of the run's"
    )
    origin: Origin | None = None


class CheckCount(_Fact):
    """How often one rule was asked and how often it said no.

    The order of a frame's checks is the order of the bits in its rejects.
    """

    frame: str
    check: str
    examined: int = Field(ge=0)
    failed: int = Field(ge=0)


class Balance(_Fact):
    """Rows of one frame: ``rows_in == rows_out + rejected + dropped``.

    Dropped are repeats that the document says do not stand.
    """

    frame: str
    rows_in: int = Field(ge=0)
    rows_out: int = Field(ge=0)
    rejected: int = Field(ge=0)
    dropped: int = Field(0, ge=0)


class Gate(_Fact):
    """One question a stage must answer before it may go on."""

    gate: str
    passed: bool
    ground: str
    evidence: str = ""


# Dataclasses where a field is called register: on a model that name is ABCMeta's.
@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Posting:
    """A published frame whose rows enter a register with the run."""

    register: str = Field(description="Name of the contract in schemas.registers")
    artifact: Hex
    rows: int = Field(ge=0)


class Input(_Fact):
    """What a run read: a parameter (or one entry of it) and an artifact."""

    role: str
    id: Hex


class Publication(_Fact):
    """All that one run hands to the store, to be written whole or not at all."""

    task: str
    stage: Stage
    kind: RunKind = "stage"
    status: Status
    factor: str
    key: Hex
    code: str
    terms: dict[str, Any]  # JSON of pydantic terms: shapes differ from task to task
    inputs: tuple[Input, ...] = ()
    as_of: date | None = None
    artifacts: tuple[Made, ...] = ()
    balances: tuple[Balance, ...] = ()
    checks: tuple[CheckCount, ...] = ()
    gates: tuple[Gate, ...] = ()
    postings: tuple[Posting, ...] = ()
    message: str = Field(default="", description="The sentence of a failed run")


class Published(_Fact):
    """A run as the store knows it."""

    run: Hex = Field(description="Its hash in the chain")
    reused: bool
    publication: Publication

    @property
    def refs(self) -> dict[str, ArtifactRef]:
        """Its artifacts by frame name."""
        return {made.frame: made.ref for made in self.publication.artifacts}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Register rows a stage reads: handed to the seam instead of a ref.

    The seam asks the store for the rows of ``register`` where every column of
    ``where`` has the given text. The run key leaves out rows that the same task
    posted for the same factor, so a stage's own effect does not undo its reuse.
    ``known_before`` asks for what was recorded before a moment: recorded time is the
    chain's, whatever day the rows speak of. ``but`` leaves rows out.
    """

    register: type[pa.DataFrameModel]
    where: dict[str, str]
    own: bool = False  # only what the same task posted for the same factor
    known_before: datetime | None = None
    but: dict[str, str] = Field(default_factory=dict)


RawBytes = Annotated[Generator[bytes, None, Mapping[str, int]], "raw"]
"""What ``collect`` returns: the seam lands the chunks as one raw artifact.

At its end it tells how often it did something that a run records.
"""

Parts = Mapping[str, Mapping[str, ArtifactRef]]
"""Frames that were made part by part: by frame name, then by the part's value."""

Manifests = Annotated[dict[str, Mapping[str, ArtifactRef]], "manifest"]
"""What ``gather`` returns: the seam lands each list of parts as one artifact."""


@dataclass(frozen=True)
class Chunk:
    """An argument of which a stage does its work once for each entry.

    ``whole`` is what was cut into pieces: a task graph keeps its edge by it.
    """

    each: dict[str, Any]
    whole: Any = None
