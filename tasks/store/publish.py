"""Write one run whole or not at all: the only way into the store.

Files first (``place``), then one transaction with the run, its artifacts, edges, checks
and postings, then the signed head. The run's body is the truth that all other rows
repeat; its hash covers the body before it: hash = sha256(prev + body).
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

import rfc8785
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from schemas.artifact import Made, Origin, Publication, Published
from schemas.errors import StoreError
from schemas.tables.columns import Row
from schemas.tables.lineage import (
    Artifact,
    CheckResult,
    Derivation,
    RunOutput,
    StageRun,
)
from schemas.tables.pledge import Collateral
from tasks.store import anchor, registers, triggers
from tasks.store.bucket import BucketError
from tasks.store.database import reading, writing
from tasks.store.erased import gone_hashes, refusal, taken_back, why_gone
from tasks.store.place import Store, held, intact, locate, missing, remove, scan
from tasks.store.registers import Values
from tasks.store.steps import failpoint

GENESIS = "0" * 64
BODY = 1  # version of the body's form
# How bytes are kept is the body's to say; these are asked for in queries.
PLACE = tuple(n for n in Origin.model_fields if n != "retained")


class Run(Published):
    """A run with its place in the chain."""

    seq: int
    at: datetime
    who: str
    signer: str

    @property
    def when(self) -> tuple[str, int]:
        """Order the runs of one task: by the day they speak of, then as they came.

        A late run of an older day comes before what is known of a newer one.
        """
        return str(self.publication.as_of or ""), self.seq


def body_text(
    publication: Publication, who: str, at: datetime, signer: str = ""
) -> str:
    """Write a run as canonical JSON (RFC 8785), the text that the chain hashes.

    ``signer`` is the fingerprint of the key that signs the head: who prepared it.
    """
    body = publication.model_dump(mode="json")
    body |= {"v": BODY, "who": who, "at": at.isoformat(), "signer": signer}
    try:
        return rfc8785.dumps(body).decode()
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise StoreError(
            f"{publication.task}: its terms cannot be written down exactly: {error}"
        ) from error


def read_body(text: str) -> tuple[Publication, str, datetime]:
    """Read a body back: the publication, who and when."""
    body = json.loads(text)
    who, at, _ = body.pop("who"), body.pop("at"), body.pop("v")
    body.pop("signer", None)
    return Publication.model_validate(body), who, datetime.fromisoformat(at)


def signer_of(text: str) -> str:
    """Read the fingerprint of who published; runs before it was kept have none."""
    return str(json.loads(text).get("signer", ""))


def link(prev: str, text: str) -> str:
    """Hash one link of the chain."""
    return hashlib.sha256((prev + text).encode()).hexdigest()


def publish(s: Store, publication: Publication) -> Published:
    """Publish one run, or return the one that already finished under its key.

    Raises:
        StoreError: Rows are unaccounted for, bytes are missing, an artifact's id exists
            with other content or was erased, or the guards of the database were
            removed.
        RegisterError: A register refuses a posting; nothing is published.
    """
    _sound(publication)
    if publication.status == "FAIL":
        publication = _without_unseen(s, _without_erased(s, publication))
    postings = [
        (p.register, p.artifact, posted_rows(s, publication, p.artifact, p.register))
        for p in publication.postings
    ]
    key = anchor.signer(s)
    at = datetime.now(UTC)
    mine = anchor.fingerprint(key.public_key())
    text = body_text(publication, s.settings.user, at, mine)
    failpoint("publish.begin")
    with writing(s.engine) as c:
        triggers.check(c)
        if publication.status == "COMPLETE" and (
            known := _complete(c, publication.key)
        ):
            _present(s, known.publication)
            return known
        _refuse_erased(s, c, publication)
        _present(s, publication)
        head = _append(c, publication, text, at)
        _project(c, publication, head["head"])
        poster = f"{publication.task}@{publication.factor}"
        for register, artifact, rows in postings:
            registers.post(c, register, rows, artifact, poster)
            failpoint("publish.posted")
        pledged = c.scalar(select(func.sum(col(Collateral.pledged_fen))))
        head["pledged"] = int(pledged or 0)
    anchor.append(s, key, head)
    return Published(run=head["head"], reused=False, publication=publication)


def finished(s: Store, key: str) -> Published | None:
    """Find the finished run with this key, if all its bytes are what they were.

    Bytes that were erased since are not made anew: the run stays as it finished.
    """
    with reading(s.engine) as c:
        known = _complete(c, key)
    if known is None:
        return None
    for made in known.publication.artifacts:
        if made.origin is None or made.origin.retained == "copy":
            try:
                intact(s, made.ref.sha256)  # a reference was hashed for the key
                if held(s, made.ref.sha256) != made.bytes:
                    raise missing(made.ref.sha256)
            except BucketError:
                raise  # no answer is no news of the bytes
            except StoreError:
                if not why_gone(s.engine, made.ref.sha256):
                    return None
    return known


def again(s: Store, known: Published) -> Published:
    """Say that a finished run was asked for again after another one took its place.

    Without it a name would mean what was *made* last: data that went back to an earlier
    state would be shown, counted and financed as what they were in between.
    """
    said = known.publication
    with reading(s.engine) as c:
        newest = [_newest(c, said, made.frame) for made in said.artifacts]
    places = [(seq, id) for seq, id in newest if seq]
    mine = [made.ref.id for made in said.artifacts]
    if not places or [id for _, id in newest] == mine:
        return known
    last = max(seq for seq, _ in places)
    key = hashlib.sha256(f"again {said.key} {last}".encode()).hexdigest()
    told = {"key": key, "postings": (), "message": "the same as an earlier run"}
    published = publish(s, said.model_copy(update=told))
    return published.model_copy(update={"reused": True, "publication": said})


def _newest(c: Connection, said: Publication, frame: str) -> tuple[int, str]:
    """Find what the last complete run of a task made of a frame for the same day."""
    query = (
        select(col(StageRun.seq), col(RunOutput.artifact))
        .join(RunOutput, col(RunOutput.run) == col(StageRun.hash))
        .where(
            *(col(StageRun.factor) == said.factor, col(StageRun.task) == said.task),
            *(col(StageRun.status) == "COMPLETE", col(RunOutput.frame) == frame),
            col(StageRun.as_of) == said.as_of,
        )
        .order_by(col(StageRun.seq).desc())
        .limit(1)
    )
    row = c.execute(query).first()
    return (row.seq, row.artifact) if row else (0, "")


def recorded(s: Store, key: str) -> Publication | None:
    """Find what finished under a key, even if its bytes are damaged by now."""
    with reading(s.engine) as c:
        known = _complete(c, key)
    return known.publication if known else None


def posted_rows(
    s: Store, publication: Publication, artifact: str, register: str
) -> list[Values]:
    """Read the rows of a posting from its published frame."""
    ref = next((m.ref for m in publication.artifacts if m.ref.id == artifact), None)
    if ref is None:
        raise StoreError(
            f"{register}: the posted frame is not among the run's artifacts"
        )
    rows = registers.rows_of(registers.contract_of(register), scan(s, ref))
    if len(rows) != ref.rows:
        raise StoreError(f"{register}: {len(rows)} rows to post, {ref.rows} declared")
    return rows


def _sound(p: Publication) -> None:
    """Refuse a publication that contradicts itself."""
    for b in p.balances:
        if b.rows_in != b.rows_out + b.rejected + b.dropped:
            raise StoreError(
                f"{p.task}, {b.frame}: {b.rows_in} rows in, but {b.rows_out} out,"
                f" {b.rejected} rejected and {b.dropped} dropped: rows are unaccounted"
                " for"
            )
    if p.postings and p.status != "COMPLETE":
        raise StoreError(f"{p.task}: a failed run posts nothing")
    roles = {i.role for i in p.inputs}
    if unknown := {r for m in p.artifacts for r in m.roles or ()} - roles:
        raise StoreError(f"{p.task}: roles {sorted(unknown)} are not among its inputs")


def _complete(c: Connection, key: str) -> Published | None:
    query = select(col(StageRun.hash), col(StageRun.body)).where(
        col(StageRun.key) == key, col(StageRun.status) == "COMPLETE"
    )
    if (row := c.execute(query).first()) is None:
        return None
    return Published(run=row.hash, reused=True, publication=read_body(row.body)[0])


def _without_erased(s: Store, failed: Publication) -> Publication:
    """Let a run that failed be recorded without what it must not bring back."""
    with reading(s.engine) as c:
        back = taken_back(c, failed.artifacts)
    left = tuple(m for m in failed.artifacts if m.ref.sha256 not in back)
    return failed.model_copy(update={"artifacts": left})


def _without_unseen(s: Store, failed: Publication) -> Publication:
    """Let a run be recorded that failed because its bucket does not answer."""
    try:
        _present(s, failed)
    except BucketError:
        return failed.model_copy(update={"artifacts": ()})
    except StoreError:
        pass  # to be said under the write lock
    return failed


def _refuse_erased(s: Store, c: Connection, publication: Publication) -> None:
    """Refuse what was erased, and leave nothing of it in the store."""
    back = taken_back(c, publication.artifacts)
    for sha256 in gone_hashes(c, [*back]) if back else ():
        remove(s, sha256)
    for sha256, why in back.items():
        raise refusal(sha256, why)


def _present(s: Store, publication: Publication) -> None:
    """Look at every file again: a row must never name bytes that are not there."""
    for made in publication.artifacts:
        by_reference = made.origin and made.origin.retained == "reference"
        size = held(s, made.ref.sha256) if not by_reference else None
        if by_reference and made.origin:
            size = locate(s, made.origin.path).stat().st_size
        if size != made.bytes:
            raise StoreError(
                f"{publication.task}, {made.frame}: its bytes are not in the store:"
                " place them first"
            )


def _append(c: Connection, p: Publication, text: str, at: datetime) -> Values:
    """Add the run to the chain; the write lock keeps it one line."""
    last = c.execute(
        select(col(StageRun.seq), col(StageRun.hash))
        .order_by(col(StageRun.seq).desc())
        .limit(1)
    ).first()
    seq, prev = (last.seq + 1, last.hash) if last else (1, GENESIS)
    run = link(prev, text)
    c.execute(
        insert(StageRun), run_row(p, text, at) | dict(seq=seq, prev=prev, hash=run)
    )
    failpoint("publish.run")
    return {"seq": seq, "head": run, "at": at.isoformat()}


def run_row(p: Publication, text: str, at: datetime) -> Values:
    """Repeat in columns what the body says."""
    same = p.model_dump(
        include={"key", "status", "stage", "task", "kind", "factor", "as_of"},
        mode="json",
    )
    return {**same, "body": text, "at": at}


def projections(p: Publication, run: str) -> dict[type[Row], list[Values]]:
    """Turn a body into the rows that repeat it: artifacts, edges, outputs, checks."""
    edges = {
        (made.ref.id, i.id, i.role)
        for made in p.artifacts
        for i in p.inputs
        if made.roles is None or i.role in made.roles
    }
    return {
        # The contract's digest may differ from run to run: it stands in the output.
        # Two files of a pattern may hold the same bytes: one artifact, two outputs.
        Artifact: list(
            {
                m.ref.id: {**m.ref.model_dump(exclude={"contract"}), "bytes": m.bytes}
                for m in p.artifacts
            }.values()
        ),
        Derivation: [{"child": c, "parent": f, "role": r} for c, f, r in sorted(edges)],
        RunOutput: [_output(made, run) for made in p.artifacts],
        CheckResult: [
            {
                **k.model_dump(exclude={"check"}),
                "run": run,
                "position": n,
                "rule": k.check,
            }
            for n, k in enumerate(p.checks)
        ],
    }


def _output(made: Made, run: str) -> Values:
    ref, origin = made.ref, made.origin
    mine = {"artifact": ref.id, "contract": ref.contract}
    found = {n: getattr(origin, n, None) for n in PLACE}
    return {"run": run, "frame": made.frame, **mine, **found}


def _project(c: Connection, p: Publication, run: str) -> None:
    for table, rows in projections(p, run).items():
        fresh = rows
        if table in (Artifact, Derivation):
            fresh = _unknown(c, table, rows)
        try:
            if fresh:
                c.execute(insert(table), fresh)
        except IntegrityError as error:
            raise StoreError(
                f"{p.task}: an input is not in the store, or a count is impossible:"
                f" {registers.why(error)}"
            ) from error
        failpoint(f"publish.{table.__name__.lower()}")


def _unknown(c: Connection, table: type[Row], rows: Iterable[Values]) -> list[Values]:
    """Leave out rows that stand already; refuse an id that stands for other content."""
    fresh = []
    for row in rows:
        key = {k: row[k] for k in (("id",) if table is Artifact else row)}
        found = c.execute(select(table).filter_by(**key)).mappings().first()
        if found is None:
            fresh.append(row)
        elif dict(found) != row:
            raise StoreError(
                f"artifact {row['id'][:12]} ({row['name']}) is already in the store"
                " with other content: its id does not name all it depends on"
            )
    return fresh
