"""Carry what a stage function returned into the publication: check, place, name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandera.polars as pa
import polars as pl

from schemas.artifact import (
    NO_CONTRACT,
    ArtifactRef,
    Balance,
    CheckCount,
    Gate,
    Kind,
    Made,
    Posting,
)
from schemas.errors import ContractError
from schemas.gates import Gates
from schemas.registers import REGISTERS
from schemas.resource import ResourceTerms
from tasks import store
from tasks.contract import (
    SUPPRESSED,
    Contract,
    SetVerdict,
    Verdict,
    contract_pass,
    judge_set,
)
from tasks.stage.call import Call, digest
from tasks.stage.opening import opened
from tasks.stage.parts import divided, land_manifest
from tasks.stage.raw import collected
from tasks.stage.signature import Declaration, contract_of

WHOLE = ("rowCount", "volume")  # rules about all rows of a set


def work(call: Call, scratch: Path) -> None:
    """Call the function and carry each of its results into the publication."""
    if "raw" in call.shape.outputs.values():
        collected(call, scratch)
        return
    result = call.function(**opened(call, scratch))
    frames = tuple(result) if isinstance(result, tuple) else (result,)
    for (name, declared), frame in zip(call.shape.outputs.items(), frames, strict=True):
        if declared == "manifest":
            gathered(call, frame, scratch)
        elif declared == "document":
            land(call, name, declared, frame, scratch)
        else:
            contract = contract_of(declared, call.terms)
            named = call.terms.part if contract.parsed else name
            check(call, named, frame, contract, scratch, declared=declared)
            if declared is Gates and not judge(call):
                break


def gathered(
    call: Call, parts: Mapping[str, Mapping[str, ArtifactRef]], scratch: Path
) -> None:
    """Land each list of parts; judge the resource by what it is as a whole."""
    for name, members in parts.items():
        land_manifest(call, name, members, scratch)
    rows = sum(ref.rows for ref in parts["resource"].values())
    contract = contract_of(ResourceTerms.contract, call.terms)
    whole = Verdict(rows_in=rows, rows_out=rows, rejected=0, failed={})
    rules = {n: r for n, r in contract.sets.items() if r.metric in WHOLE}
    past = earlier(call, "resource", contract)
    of_set = judge_set(replace(contract, rules=rules), whole, past)
    count(call, "resource", whole, of_set)
    refuse_set(call, "resource", of_set)


def refuse_set(call: Call, name: str, of_set: Sequence[SetVerdict]) -> None:
    """Fail the run when a rule about the set, of severity error, is not kept."""
    if failed := [found.sentence for found in of_set if found.fails]:
        raise ContractError(f"{call.title}, {name}: {'; '.join(failed)}")


def check(
    call: Call,
    name: str,
    plan: pl.LazyFrame,
    contract: Contract,
    scratch: Path,
    *,
    declared: Declaration = None,
) -> None:
    """Run the contract pass of one frame; keep its counts, rejects and valid rows."""
    valid, rejects = scratch / name, scratch / f"{name}.rejects"
    verdict = contract_pass(
        plan, contract, valid, rejects, scratch, call.places, call.tables
    )
    of_set = judge_set(contract, verdict, earlier(call, name, contract))
    if call.value:  # one part of many: what is asked of the whole, `gather` answers
        of_set = [f for f in of_set if contract.rules[f.rule].metric not in WHOLE]
    count(call, name, verdict, of_set)
    said = ""
    if verdict.rejected:
        said = told(declared, rejects)
        keep(call, f"{call.frame(name)}.rejects", rejects, verdict.rejected, contract)
    accept(call, name, verdict, allowed_rate(call, declared), said)
    refuse_set(call, name, of_set)
    partition = getattr(call.terms, "partition", None) if contract.parsed else None
    if partition is None:
        keep(call, call.frame(name), valid, verdict.rows_out, contract)
    else:
        for value, part, rows in divided(valid, partition, scratch / f"{name}.parts"):
            keep(call, f"{name}@{value}", part, rows, contract)
    if declared in REGISTERS and verdict.rows_out:
        ref = call.made[-1].ref
        call.postings.append(
            Posting(register=declared.__name__, artifact=ref.id, rows=ref.rows)
        )


def earlier(call: Call, name: str, contract: Contract) -> list[int]:
    """Read how many rows earlier runs put out, where a rule compares with them."""
    if not any(rule.metric == "volume" for rule in contract.sets.values()):
        return []
    return store.volumes(call.store, call.factor, call.shape.name, name)


def count(
    call: Call, name: str, verdict: Verdict, of_set: Sequence[SetVerdict]
) -> None:
    """Write down rows in, out, rejected and dropped, and what each rule said.

    First the rules that reject, whose order is that of the bits; then those that drop
    or only count, of the set those that count no rows, and what reading a text noted.
    """
    call.balances.append(
        Balance(
            frame=name,
            rows_in=verdict.rows_in,
            rows_out=verdict.rows_out,
            rejected=verdict.rejected,
            dropped=verdict.dropped,
        )
    )
    call.checks += [
        CheckCount(frame=name, check=reason, examined=verdict.rows_in, failed=failed)
        for reason, failed in {
            **verdict.failed,
            **verdict.drops,
            **verdict.warned,
        }.items()
    ]
    known = {check.check for check in call.checks if check.frame == name}
    call.checks += [
        CheckCount(frame=name, check=found.rule, examined=1, failed=not found.kept)
        for found in of_set
        if found.rule not in known
    ]
    call.note(name, call.notes)


def allowed_rate(call: Call, declared: Declaration) -> float:
    """Only a contract that a person wrote may let rows go; one in code may not."""
    if isinstance(declared, type) and issubclass(declared, pa.DataFrameModel):
        return 0.0
    return float(getattr(call.terms, "max_rejected_rate", 0.0))


def told(declared: Declaration, rejects: Path) -> str:
    """Let a contract in code say in its own words what its rejects mean."""
    say: Callable[[pl.DataFrame], str] | None = getattr(declared, "refusal", None)
    return say(pl.read_parquet(rejects, glob=False)) if say else ""


def accept(call: Call, name: str, verdict: Verdict, allowed: float, said: str) -> None:
    """Fail the run when more rows break the contract than the terms let go."""
    aside = verdict.failed.get(SUPPRESSED, 0)  # the document asked for it
    if verdict.rejected - aside <= Decimal(str(allowed)) * verdict.rows_in:
        return
    if said:
        raise ContractError(f"{call.title}: {said}")
    own = {reason: n for reason, n in verdict.failed.items() if reason != SUPPRESSED}
    worst = max(own, key=lambda reason: own[reason])
    raise ContractError(
        f"{call.title}: {verdict.rejected:,} of {verdict.rows_in:,} rows of {name}"
        f" break the contract, most by {worst!r} ({verdict.failed[worst]:,}); look at"
        f" them with `datafactor rejects {call.factor}/{call.stage}/{name}`, then mend"
        f" the source or raise max_rejected_rate (now {allowed})"
    )


def keep(call: Call, frame: str, part: Path, rows: int, contract: Contract) -> None:
    """Place a finished file and name what it is and where it came from."""
    private = frame.endswith(".rejects")
    size = part.stat().st_size
    sha256 = store.place(call.store, part, private=private)
    identity = [call.shape.name, frame, call.terms.identity(), call.identities, sha256]
    ref = ArtifactRef(
        id=digest(identity),
        sha256=sha256,
        name=frame,
        rows=rows,
        contract=contract.digest,
        kind="frame",
    )
    call.made.append(Made(frame=frame, ref=ref, bytes=size, roles=derived_from(call)))


def derived_from(call: Call) -> tuple[str, ...] | None:
    """Leave out what results were only compared with; None where that is nothing."""
    given = [r for r in call.refs if r.partition(".")[0] in call.shape.compared]
    return tuple(r for r in call.refs if r not in given) if given else None


def land(
    call: Call, name: str, kind: Kind, chunks: Iterator[bytes], scratch: Path
) -> None:
    """Write the bytes a function yields as one document."""
    part = scratch / name
    with part.open("wb") as file:
        file.writelines(chunks)
    size = part.stat().st_size
    sha256 = store.place(call.store, part, private=False)
    identity = [call.shape.name, name, call.terms.identity(), call.identities, sha256]
    frame = call.terms.part or name
    ref = ArtifactRef(
        id=digest([kind, *identity]),
        sha256=sha256,
        name=frame,
        rows=0,
        contract=NO_CONTRACT,
        kind=kind,
    )
    call.made.append(Made(frame=frame, ref=ref, bytes=size))


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
