"""Say how many bytes artifacts have."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlmodel import col

from schemas.tables.lineage import Artifact
from tasks.store.database import reading
from tasks.store.lineage import among
from tasks.store.place import Store

ID, BYTES = col(Artifact.id), col(Artifact.bytes)


def sizes(s: Store, ids: Iterable[str]) -> dict[str, int]:
    """Look up the bytes of artifacts, by their ids."""
    with reading(s.engine) as c:
        rows = among(c, select(ID, BYTES), ID, sorted(set(ids)))
    return {row["id"]: row["bytes"] for row in rows}
