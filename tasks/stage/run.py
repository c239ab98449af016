"""Do one stage once: bind, look up, open, call, check, place, publish.

This is the only place where contracts, lineage, reuse, gates and postings happen, so a
stage function holds nothing but its stage's own idea.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pandera.polars as pa
import polars as pl
import rfc8785

from schemas.artifact import (
    NO_CONTRACT,
    ArtifactRef,
    Balance,
    CheckCount,
    Gate,
    Input,
    Kind,
    Made,
    Origin,
    Posting,
    Publication,
    Published,
    RunKind,
    Snapshot,
    Stage,
)
from schemas.contract import Terms
from schemas.errors import ContractError, DatafactorError, SourceError, StoreError
from schemas.gates import Gates
from schemas.registers import REGISTERS
from schemas.resource import Source
from tasks import store
from tasks.contract import Contract, Verdict, compile_contract, contract_pass
from tasks.source import open_text
from tasks.stage.code import code_digest
from tasks.stage.log import LOGGER
from tasks.stage.signature import (
    Declaration,
    Shape,
    StageFunction,
    contract_of,
    model_contract,
    schema_of,
)


@dataclass
class Call:
    """One call of a stage function: what was given, and what has been made of it."""

    stage: Stage
    function: StageFunction
    shape: Shape
    kind: RunKind
    given: Mapping[str, Any]  # Any: refs, terms, a date, a path, a snapshot
    store: store.Store
    factor: str = ""
    refs: dict[str, ArtifactRef] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)  # role -> id in key, ids
    snapshots: dict[str, pl.DataFrame] = field(default_factory=dict)
    healing: dict[str, str] = field(default_factory=dict)  # inputs of the damaged run
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
        """``collect[flights]``, ``transform``."""
        part = self.terms.part
        return f"{self.shape.name}[{part}]" if part else self.shape.name

    @property
    def poster(self) -> str:
        """Whose rows are this stage's own in a register."""
        return f"{self.shape.name}@{self.factor}"


def run_stage(
    stage: Stage,
    function: StageFunction,
    shape: Shape,
    kind: RunKind,
    given: Mapping[str, Any],
) -> Published:
    """Reuse what was done before, or do it and publish it.

    An act of a person is never reused; doing it again posts nothing new.

    Raises:
        ContractError: An argument does not fit, or too many rows break a contract.
        StoreError, SourceError, RegisterError: As the store and the registers say.
    """
    call = Call(stage, function, shape, kind, given, store.current())
    bind(call)
    key = digest(
        [
            *(stage, shape.name, code_digest(function.__module__)),
            *(call.terms.identity(), call.identities, str(call.as_of)),
        ]
    )
    if kind != "act" and (done := store.finished(call.store, key)):
        return done
    if before := store.recorded(call.store, key):
        call.healing = {i.role: i.id for i in before.inputs}
    try:
        with store.scratch(call.store) as scratch:
            work(call, scratch)
        return store.publish(call.store, publication(call, key))
    except Exception as error:
        fail(call, key, error)


def fail(call: Call, key: str, error: Exception) -> NoReturn:
    """Record a failed run with what it found, then let the error go on.

    An error that is not ours may quote a value, so only its type is recorded.
    """
    known = isinstance(error, DatafactorError)
    said = str(error) if known else f"stopped by {type(error).__name__}: see the log"
    call.postings.clear()
    record = publication(call, key).model_copy(
        update={"status": "FAIL", "message": titled(call, said)}
    )
    try:
        store.publish(call.store, record)
    except Exception as second:  # noqa: BLE001,RUF100 - the first is the one to tell
        LOGGER.warning("the failed run is not recorded: %s", type(second).__name__)
    if known:
        raise type(error)(titled(call, said)) from error
    if isinstance(error, pl.exceptions.PolarsError):  # its text quotes a value
        raise ContractError(
            f"{call.title}: the query meets a value it cannot compute with"
            f" ({type(error).__name__}); write TRY_CAST, or refuse the value in a"
            " contract before"
        ) from None
    raise error


def titled(call: Call, said: str) -> str:
    """Let a sentence begin with the stage it is about, once."""
    return said if said.startswith(call.title) else f"{call.title}: {said}"


def publication(call: Call, key: str) -> Publication:
    """Gather what the run says of itself."""
    return Publication(
        task=call.shape.name,
        stage=call.stage,
        kind=call.kind,
        status="COMPLETE",
        factor=call.factor,
        key=key,
        code=code_digest(call.function.__module__),
        terms=call.terms.identity(),
        inputs=tuple(Input(role=r, id=a.id) for r, a in call.refs.items()),
        as_of=call.as_of,
        artifacts=tuple(call.made),
        balances=tuple(call.balances),
        checks=tuple(call.checks),
        gates=tuple(call.gates),
        postings=tuple(call.postings),
    )


def bind(call: Call) -> None:
    """Turn each argument into refs by role, and into what the key is made of."""
    for name, value in call.given.items():
        if isinstance(value, Path):
            path = store.locate(call.store, str(value))
            call.identities[name] = store.digest(path)
        elif isinstance(value, ArtifactRef):
            call.refs[name] = value
        elif isinstance(value, Mapping):
            call.refs |= named_refs(call, name, value)
    call.identities |= {role: ref.id for role, ref in call.refs.items()}
    call.factor = getattr(call.terms, "factor", "") or store.factor_of(
        call.store, *(ref.id for ref in call.refs.values())
    )
    for name, value in call.given.items():
        if isinstance(value, Snapshot):
            taken = store.snapshot(call.store, value, call.poster)
            call.snapshots[name], call.identities[name] = taken


def named_refs(
    call: Call, name: str, value: Mapping[str, ArtifactRef]
) -> dict[str, ArtifactRef]:
    """Take a whole mapping, or from a stage's results the frame of this name.

    A stage hands on all its frames at once, so that a task graph keeps its edges.
    """
    if name not in call.shape.inputs:
        raise ContractError(f"{call.title}.{name} takes no frames")
    if name in call.shape.mappings:
        return {f"{name}.{entry}": ref for entry, ref in value.items()}
    if name in value:
        return {name: value[name]}
    raise ContractError(
        f"{call.title}.{name}: was handed {sorted(value)}, none of which is {name!r};"
        " hand it the stage that makes it"
    )


def opened(call: Call, scratch: Path) -> dict[str, Any]:
    """Open every argument: frames for refs, a path for a file, rows for a snapshot."""
    arguments: dict[str, Any] = {}
    for name, value in call.given.items():
        if isinstance(value, Path):
            arguments[name] = store.locate(call.store, str(value))
        elif isinstance(value, Snapshot):
            arguments[name] = take_snapshot(call, name, value, scratch)
        elif name in call.refs:
            arguments[name] = open_ref(call, name, call.refs[name], scratch)
        elif isinstance(value, Mapping):
            arguments[name] = {
                entry: open_ref(call, f"{name}.{entry}", ref, scratch)
                for entry, ref in value.items()
            }
        else:
            arguments[name] = value
    return arguments


def open_ref(call: Call, role: str, ref: ArtifactRef, scratch: Path) -> pl.LazyFrame:
    """Open one frame and see that it is what the parameter asks for."""
    if ref.kind == "raw":
        return parse_raw(call, role, ref, scratch)
    frame = store.scan(call.store, ref)
    declared = call.shape.inputs.get(role.partition(".")[0])
    if declared is not None:
        fits(call, role, ref, frame, declared)
    return frame


def fits(
    call: Call, role: str, ref: ArtifactRef, frame: pl.LazyFrame, declared: Declaration
) -> None:
    """Refuse an artifact that lacks the columns its parameter's contract names."""
    wanted = schema_of(declared, call.terms)
    have = frame.collect_schema()
    lacking = [n for n, c in wanted.columns.items() if have.get(n) != c.dtype.type]
    if lacking:
        raise ContractError(
            f"{call.title}.{role} wants {wanted.name or 'its contract'}, but was handed"
            f" {ref.name!r}, which lacks {lacking}"
        )


def parse_raw(call: Call, role: str, ref: ArtifactRef, scratch: Path) -> pl.LazyFrame:
    """Parse raw bytes under the source's own contract; what fails is kept apart."""
    find = getattr(call.terms, "source", lambda _: None)
    source: Source | None = find(role)
    if source is None:
        raise ContractError(
            f"{call.title}.{role} was handed {ref.name!r}, which is raw: it must pass"
            f" the stages {', '.join(call.stage.before)} first"
        )
    contract = compile_contract(source.contract(), parsed=True)
    plan = open_text(store.raw(call.store, ref), source, scratch)
    return check(call, source.name, plan, contract, scratch, source=source, role=role)


def take_snapshot(
    call: Call, name: str, asked: Snapshot, scratch: Path
) -> pl.LazyFrame:
    """Publish the register rows as they stand, and read them from there."""
    if name in call.healing:  # the damaged run saw the register before it posted
        with suppress(StoreError):  # unless that very snapshot is what is damaged
            before = store.resolve(call.store, call.healing[name])
            frame = store.scan(call.store, before)
            call.refs[name] = before
            return frame
    rows = call.snapshots[name]  # as the key saw them: a later event is a later run's
    part = scratch / f"snapshot-{name}"
    rows.write_parquet(part)
    register = asked.register.__name__
    sha256 = store.place(call.store, part, private=False)
    size = store.path(call.store, sha256).stat().st_size
    ref = ArtifactRef(
        id=digest(["snapshot", register, asked.where, sha256]),
        sha256=sha256,
        name=f"{name}.snapshot",
        rows=rows.height,
        contract=model_contract(asked.register).digest,
        kind="frame",
    )
    store.publish(
        call.store,
        Publication(
            task="snapshot",
            stage=call.stage,
            kind="snapshot",
            status="COMPLETE",
            factor=call.factor,
            key=digest(["snapshot", call.factor, ref.id]),
            code="0" * 64,
            terms={"register": register, "where": asked.where},
            artifacts=(Made(frame=ref.name, ref=ref, bytes=size),),
        ),
    )
    call.refs[name] = ref
    return store.scan(call.store, ref)


def work(call: Call, scratch: Path) -> None:
    """Call the function and carry each of its results into the publication."""
    result = call.function(**opened(call, scratch))
    frames = (result,) if call.shape.single else tuple(result)
    for (name, declared), frame in zip(call.shape.outputs.items(), frames, strict=True):
        if declared in ("raw", "document"):
            land(call, name, declared, frame, scratch)
            continue
        contract = contract_of(declared, call.terms)
        check(call, name, frame, contract, scratch, declared=declared)
        if declared is Gates and not judge(call):
            break


def check(
    call: Call,
    name: str,
    plan: pl.LazyFrame,
    contract: Contract,
    scratch: Path,
    *,
    declared: Declaration = None,
    source: Source | None = None,
    role: str = "",
) -> pl.LazyFrame:
    """Run the contract pass of one frame; keep its counts, rejects and valid rows.

    The valid rows of a source stay in the scratch folder: the resource is made of
    them, and the raw artifact with the source's terms reproduces them.
    """
    stem = role or name  # a source and a result may have the same name
    valid, rejects = scratch / stem, scratch / f"{stem}.rejects"
    verdict = contract_pass(plan, contract, valid, rejects, scratch)
    count(call, name, verdict)
    roles = (role,) if role else None
    if verdict.rejected:
        keep(call, f"{name}.rejects", rejects, verdict.rejected, contract, roles)
    accept(call, name, verdict, allowed_rate(call, declared, source))
    if source is not None:
        return pl.scan_parquet(valid).drop("_line")
    made = keep(call, name, valid, verdict.rows_out, contract, roles)
    if declared in REGISTERS and verdict.rows_out:
        call.postings.append(
            Posting(
                register=declared.__name__, artifact=made.ref.id, rows=made.ref.rows
            )
        )
    return store.scan(call.store, made.ref)


def count(call: Call, name: str, verdict: Verdict) -> None:
    """Write down rows in, out and rejected, and what each rule said."""
    call.balances.append(
        Balance(
            frame=name,
            rows_in=verdict.rows_in,
            rows_out=verdict.rows_out,
            rejected=verdict.rejected,
        )
    )
    call.checks += [
        CheckCount(frame=name, check=reason, examined=verdict.rows_in, failed=failed)
        for reason, failed in verdict.failed.items()
    ]


def allowed_rate(call: Call, declared: Declaration, source: Source | None) -> float:
    """Only a contract that a person wrote may let rows go; one in code may not."""
    if source is not None:
        return source.max_rejected_rate
    if isinstance(declared, type) and issubclass(declared, pa.DataFrameModel):
        return 0.0
    return float(getattr(call.terms, "max_rejected_rate", 0.0))


def accept(call: Call, name: str, verdict: Verdict, allowed: float) -> None:
    """Fail the run when more rows break the contract than the terms let go."""
    if verdict.rejected <= Decimal(str(allowed)) * verdict.rows_in:
        return
    worst = max(verdict.failed, key=lambda reason: verdict.failed[reason])
    raise ContractError(
        f"{call.title}: {verdict.rejected:,} of {verdict.rows_in:,} rows of {name}"
        f" break the contract, most by {worst!r} ({verdict.failed[worst]:,}); look at"
        f" them with `datafactor rejects {call.factor}/{call.stage}/{name}`, then mend"
        f" the source or raise max_rejected_rate (now {allowed})"
    )


def keep(
    call: Call,
    frame: str,
    part: Path,
    rows: int,
    contract: Contract,
    roles: tuple[str, ...] | None,
) -> Made:
    """Place a finished file and name what it is and where it came from."""
    private = frame.endswith(".rejects")
    size = part.stat().st_size
    sha256 = store.place(call.store, part, private=private)
    inputs = {r: i for r, i in call.identities.items() if roles is None or r in roles}
    identity = [call.shape.name, frame, call.terms.identity(), inputs, sha256]
    ref = ArtifactRef(
        id=digest(identity),
        sha256=sha256,
        name=frame,
        rows=rows,
        contract=contract.digest,
        kind="frame",
    )
    made = Made(frame=frame, ref=ref, bytes=size, roles=roles)
    call.made.append(made)
    return made


def land(
    call: Call, name: str, kind: Kind, chunks: Iterator[bytes], scratch: Path
) -> None:
    """Write the bytes a function yields as one artifact."""
    part = scratch / name
    with part.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
    size = part.stat().st_size
    origin = origin_of(call) if kind == "raw" else None
    sha256 = store.place(call.store, part, private=kind == "raw")
    identity = (
        [call.factor, call.terms.part, origin.member, sha256]
        if origin
        else [call.shape.name, name, call.terms.identity(), call.identities, sha256]
    )
    frame = call.terms.part or name
    ref = ArtifactRef(
        id=digest([kind, *identity]),
        sha256=sha256,
        name=frame,
        rows=0,
        contract=NO_CONTRACT,
        kind=kind,
    )
    call.made.append(Made(frame=frame, ref=ref, bytes=size, origin=origin))


def origin_of(call: Call) -> Origin | None:
    """Say where raw bytes lay, for whoever wants to find them again."""
    terms = call.terms
    if not isinstance(terms, Source):
        raise ContractError(f"{call.title}: raw bytes need the terms of their source")
    name, file = next((n, v) for n, v in call.given.items() if isinstance(v, Path))
    if store.digest(store.locate(call.store, str(file))) != call.identities[name]:
        raise SourceError(f"{terms.file} changed while it was read: run again")
    return Origin(
        path=terms.file,
        file_sha256=call.identities[name],
        member=terms.member,
        licence=terms.licence,
    )


def judge(call: Call) -> bool:
    """Read the gates; when one is shut, every other frame of the stage is withheld.

    No gate at all, or one that names no evidence, is shut.
    """
    rows = store.scan(call.store, call.made[-1].ref).collect()
    for row in rows.iter_rows(named=True):
        proven = row["passed"] and bool(row["evidence"].strip())
        bare = "" if proven or not row["passed"] else "; it names no evidence"
        call.gates.append(
            Gate(
                gate=row["gate"],
                passed=proven,
                ground=row["ground"] + bare,
                evidence=row["evidence"],
            )
        )
    if not call.gates:
        nothing = "the stage asked no gate"
        call.gates.append(Gate(gate="gates", passed=False, ground=nothing))
    return all(gate.passed for gate in call.gates)


def digest(value: Any) -> str:  # Any: JSON
    """Hash a value by its canonical JSON (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
