"""Remember which bytes were removed for good, and never take them back.

A name, its hash and what is made of it stay; whoever asks for the bytes reads when, why
and by whom they were erased.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Engine, select

from schemas.errors import StoreError
from schemas.tables.columns import table_of
from schemas.tables.lineage import ErasureRow
from tasks.store.database import reading

BATCH = 500
row = table_of(ErasureRow).c


def erased(c: Connection, sha256: str) -> str:
    """Say when, why and by whom bytes were erased; of others nothing."""
    asked = select(row.erased_on, row.reason, row.person).where(row.sha256 == sha256)
    found = c.execute(asked).first()
    return told(*found) if found else ""


def told(erased_on: object, reason: object, person: object) -> str:
    """Tell of an erasure, whichever database its cells come from."""
    return f"were erased on {erased_on} because {reason}, by {person}"


def why_gone(engine: Engine, sha256: str) -> str:
    """Ask in a moment of its own what ``erased`` says."""
    with reading(engine) as c:
        return erased(c, sha256)


def refuse_erased(c: Connection, hashes: Sequence[str]) -> None:
    """Refuse to keep again what was erased.

    Raises:
        StoreError: One of the hashes is of erased bytes.
    """
    for some in batched(hashes):
        found = c.scalars(select(row.sha256).where(row.sha256.in_(some))).first()
        if found:
            raise StoreError(
                f"bytes sha256:{found[:12]} {erased(c, found)}, and do not come back:"
                " take out of the source what was erased, and run again"
            )


def batched(hashes: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut a list to what either database takes as parameters."""
    return (hashes[at : at + BATCH] for at in range(0, len(hashes), BATCH))
