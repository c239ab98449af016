"""Hold one call of a stage function: what was given, and what has been made of it."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

import polars as pl
import rfc8785

from schemas.artifact import (
    ArtifactRef,
    Balance,
    CheckCount,
    Gate,
    Made,
    Posting,
    RunKind,
    Snapshot,
    Stage,
)
from schemas.errors import ContractError
from schemas.privacy import NO_KEYS, Keys
from schemas.resource import Source
from schemas.terms import Terms
from tasks import store
from tasks.stage.signature import Shape, StageFunction

HELD = 256  # files held open at once: a process may open about 1,000


class File(NamedTuple):
    """A raw file: where it lies, what it holds and, of the first ones, itself open."""

    path: Path
    sha256: str
    handle: IO[bytes] | None


@dataclass
class Call:
    """One call of a stage function."""

    stage: Stage
    function: StageFunction
    shape: Shape
    kind: RunKind
    given: Mapping[str, Any]  # Any: refs, terms, a date, a path, a snapshot
    store: store.Store
    value: str = ""  # which piece or partition, of a chunk of them
    factor: str = ""
    refs: dict[str, ArtifactRef] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)  # role -> id in key, ids
    files: dict[str, File] = field(default_factory=dict)  # by the name in the document
    held: ExitStack = field(default_factory=ExitStack)  # open until the call is done
    snapshots: dict[str, pl.DataFrame] = field(default_factory=dict)
    keys: Keys = NO_KEYS  # never printed, logged or written down
    healing: dict[str, str] = field(default_factory=dict)  # inputs of the damaged run
    places: pl.DataFrame | None = None  # where each line of a parsed text came from
    tables: dict[str, pl.LazyFrame] = field(default_factory=dict)  # rules refer to them
    notes: Counter[str] = field(default_factory=Counter)  # of reading a text
    made: list[Made] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    checks: list[CheckCount] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)

    @property
    def terms(self) -> Terms:
        """The one argument a person chose."""
        return next(v for v in self.given.values() if isinstance(v, Terms))

    @property
    def as_of(self) -> date | None:
        """The day the stage speaks of, if it takes one."""
        return next((v for v in self.given.values() if isinstance(v, date)), None)

    @property
    def title(self) -> str:
        """``collect[flights]``, ``transform``, ``transform@2024-05-01``."""
        part = f"[{self.terms.part}]" if self.terms.part else ""
        return f"{self.shape.name}{part}" + (f"@{self.value}" if self.value else "")

    @property
    def poster(self) -> str:
        """Whose rows are this stage's own in a register."""
        return f"{self.shape.name}@{self.factor}"

    def frame(self, name: str) -> str:
        """Name an artifact: of a chunk, the frame and which part of it this is."""
        return f"{name}@{self.value}" if self.value else name

    def note(self, frame: str, notes: Mapping[str, int]) -> None:
        """Write down what reading passed over or joined; nothing failed by it."""
        self.checks += [
            CheckCount(frame=frame, check=note, examined=times, failed=0)
            for note, times in sorted(notes.items())
        ]


def bind(call: Call) -> None:
    """Turn each argument into refs by role, and into what the key is made of."""
    for name, value in call.given.items():
        if isinstance(value, Path):
            call.files = hashed_files(call, str(value))
            call.identities[name] = identity_of(call.files)
        elif isinstance(value, ArtifactRef):
            call.refs[name] = value
        elif isinstance(value, Mapping):
            call.refs |= named_refs(call, name, value)
    call.identities |= {role: ref.id for role, ref in call.refs.items()}
    call.factor = getattr(call.terms, "factor", "") or store.factor_of(
        call.store, *(ref.id for ref in call.refs.values())
    )
    if call.shape.keys:
        call.keys = Keys({name: store.secret(name) for name in call.terms.secrets})
        call.identities |= fingerprints(call.keys)
    for name, value in call.given.items():
        if isinstance(value, Snapshot):
            taken = store.snapshot(call.store, value, call.poster)
            call.snapshots[name], call.identities[name] = taken


def fingerprints(keys: Keys) -> dict[str, str]:
    """Tell one key from another without telling it: another key, another result."""
    said = b"datafactor: fingerprint of a key"
    return {
        f"key {name}": hmac.digest(key, said, "sha256").hex()
        for name, key in keys.values.items()
    }


def hashed_files(call: Call, pattern: str) -> dict[str, File]:
    """Find, open and hash the files of a path, by the names a document would give."""
    found = {}
    for number, (name, path) in enumerate(located(call, pattern).items()):
        if number < HELD:
            handle, sha256 = call.held.enter_context(store.hashed(path))
            found[name] = File(path, sha256, handle)
        else:
            found[name] = File(path, store.digest(path), None)
    return found


def located(call: Call, pattern: str) -> dict[str, Path]:
    """Find the files of a path; what lies outside is brought into scratch before."""
    if isinstance(call.terms, Source) and call.terms.is_outside:
        folder = call.held.enter_context(store.scratch(call.store))
        return store.brought(call.store, call.terms, folder)
    found = store.locate_all(call.store, pattern)
    return {name_of(pattern, path): path for path in found}


def name_of(pattern: str, path: Path) -> str:
    """Name a file as the pattern that found it would: ``a/*.csv`` -> ``a/x.csv``."""
    parts = PurePosixPath(pattern).parts
    if not any(sign in pattern for sign in "*?["):
        return pattern
    package = parts[:1] if pattern.startswith("package:") else ()
    return "/".join((*package, *path.parts[len(package) - len(parts) :]))


def identity_of(files: Mapping[str, File]) -> str:
    """Hash what the files hold; one file is its own hash."""
    hashes = {name: file.sha256 for name, file in files.items()}
    return digest(hashes) if len(hashes) > 1 else next(iter(hashes.values()))


def named_refs(
    call: Call, name: str, value: Mapping[str, Any]
) -> dict[str, ArtifactRef]:  # Any: refs, several refs, or parts by value
    """Take a whole mapping, or from a stage's results the frame of this name.

    A stage hands on all its frames at once, so that a task graph keeps its edges.
    """
    if name in call.shape.parts:
        return {f"{f}@{v}": r for f, part in value.items() for v, r in part.items()}
    if name not in call.shape.inputs:
        raise ContractError(f"{call.title}.{name} takes no frames")
    if name in call.shape.mappings:
        return {
            f"{name}.{entry}" + (f".{n}" if isinstance(given, tuple) else ""): ref
            for entry, given in value.items()
            for n, ref in enumerate(refs_of(call, entry, given))
        }
    (ref,) = refs_of(call, name, value)
    return {name: ref}


def refs_of(call: Call, name: str, given: Any) -> tuple[ArtifactRef, ...]:
    """Take one ref, several parts, or out of a stage's results the frame meant.

    Any: a ref, a tuple of refs, or refs by frame name, of which it is the frame of this
    name or else the only one.
    """
    if isinstance(given, ArtifactRef):
        return (given,)
    if isinstance(given, tuple):
        return given
    kept = {n: ref for n, ref in given.items() if not n.endswith(".rejects")}
    if name not in kept and len(kept) != 1:
        raise ContractError(
            f"{call.title}.{name}: was handed {sorted(given)}, none of which is"
            f" {name!r}; hand it the stage that makes it"
        )
    return (kept[name] if name in kept else next(iter(kept.values())),)


def digest(value: Any) -> str:  # Any: JSON
    """Hash a value by its canonical JSON (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
