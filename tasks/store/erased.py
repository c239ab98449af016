"""Remember what was removed for good, and do not take it back.

A name, its hash and what is made of it stay; whoever asks for the bytes reads when, why
and by whom they were erased. Raw bytes are refused by their hash, whoever brings them;
a frame by its id, since the same rows of other inputs are another artifact: rows that
are left when a person is taken out of a source may well be rows that were erased.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine, select

from schemas.artifact import Made
from schemas.errors import StoreError
from schemas.tables.columns import table_of
from schemas.tables.lineage import Artifact, ErasureRow
from tasks.store.database import reading

BATCH = 500
T = TypeVar("T")
row, made = table_of(ErasureRow).c, table_of(Artifact).c
SAID = (row.erased_on, row.reason, row.person)


def told(erased_on: object, reason: object, person: object) -> str:
    """Tell of an erasure, whichever database its cells come from."""
    return f"were erased on {erased_on} because {reason}, by {person}"


def why_gone(engine: Engine, sha256: str) -> str:
    """Say when, why and by whom bytes were erased; of others nothing."""
    with reading(engine) as c:
        said = c.execute(select(*SAID).where(row.sha256 == sha256)).first()
        return told(*said) if said and sha256 in gone_hashes(c, [sha256]) else ""


def whys_gone(c: Connection) -> dict[str, str]:
    """Say of all bytes that no artifact has any more when and why: by hash."""
    gone = gone_hashes(c)
    asked = c.execute(select(row.sha256, *SAID)) if gone else ()
    return {said.sha256: told(*said[1:]) for said in asked if said.sha256 in gone}


def gone_hashes(c: Connection, hashes: Sequence[str] | None = None) -> set[str]:
    """List the hashes, all or of some, of bytes that no artifact has any more.

    Bytes that an artifact has which was not erased are to be there.
    """
    asked = select(row.sha256, row.subject)
    asked = asked if hashes is None else asked.where(row.sha256.in_(hashes))
    erased: dict[str, set[str]] = {}
    for sha256, subject in c.execute(asked):
        erased.setdefault(sha256, set()).add(subject)
    for some in batched([*erased]):
        named = select(made.sha256, made.id).where(made.sha256.in_(some))
        for sha256, id in c.execute(named).all():
            if id not in erased.get(sha256, {id}):
                del erased[sha256]
    return set(erased)


def refuse_raw(c: Connection, sha256: str) -> None:
    """Refuse to keep raw bytes again that were erased.

    Raises:
        StoreError: They were.
    """
    asked = select(*SAID).where(row.sha256 == sha256, row.kind == "raw")
    if said := c.execute(asked).first():
        raise refusal(sha256, told(*said))


def taken_back(c: Connection, artifacts: Sequence[Made]) -> dict[str, str]:
    """Say of artifacts that were erased, or are raw bytes that were, why: by hash."""
    found: dict[str, str] = {}
    for some in batched(artifacts):
        known = row.subject.in_([m.ref.id for m in some])
        raw = [m.ref.sha256 for m in some if m.ref.kind == "raw"]
        same = (row.kind == "raw") & row.sha256.in_(raw)
        for said in c.execute(select(row.sha256, *SAID).where(known | same)):
            found[said.sha256] = told(*said[1:])
    return found


def refusal(sha256: str, why: str) -> StoreError:
    """Say that what was erased stays so."""
    return StoreError(
        f"bytes sha256:{sha256[:12]} {why}, and do not come back: take out of the"
        " source what was erased, and run again"
    )


def batched(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut a list to what either database takes as parameters."""
    return (items[at : at + BATCH] for at in range(0, len(items), BATCH))
