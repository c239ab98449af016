"""Say who entered an entry and who approved it: the chain knows, and no register.

The preparer 制单人 is who published the run that posted the entry; of an approved one
who proposed it, whoever posts it then. The reviewer 审核人 approved its subject with a
key of their own.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any

import polars as pl
from sqlalchemy import Connection, func, select

from schemas.books import Entered
from schemas.contract import frame_of
from schemas.tables.columns import table_of
from schemas.tables.ledger import ApprovalRow, JournalEntry, JournalLineRow
from schemas.tables.lineage import RunOutput, StageRun
from tasks.store.database import reading
from tasks.store.place import Store
from tasks.store.publish import read_body
from tasks.store.registers import recorded_before

entry, line = table_of(JournalEntry).c, table_of(JournalLineRow).c
run, out = table_of(StageRun).c, table_of(RunOutput).c
approval = table_of(ApprovalRow).c
BATCH = 500


def entered(
    s: Store, entities: Sequence[str], known_before: datetime | None = None
) -> Annotated[pl.DataFrame, Entered]:
    """List the entries of entities with their artifact, preparer and reviewer.

    Args:
        s: The store.
        entities: Whose books.
        known_before: Only what was recorded before this moment; all if not said.

    Returns:
        One row an entry, by entity and key; the reviewer is empty where nobody had to
        approve.
    """
    with reading(s.engine) as c:
        mine = select(entry.entity, entry.entry, entry.artifact)
        mine = mine.where(entry.entity.in_(entities))
        if known_before:
            mine = mine.where(entry.artifact.in_(recorded_before(known_before)))
        found = c.execute(mine).all()
        preparers = prepared(c, sorted({row.artifact for row in found}))
        reviewers = reviewed(c, entities, known_before)
        proposed = signers(c, {key for _, key in reviewers.values()})
    rows = []
    for row in found:
        names, key = reviewers.get((row.entity, row.entry), ("", ""))
        rows.append((*row, proposed.get(key, preparers[row.artifact]), names))
    return frame_of(Entered, sorted(rows))


def signers(c: Connection, keys: Collection[str]) -> dict[str, str]:
    """Name who acted with each key, by the last run that it signed."""
    found: dict[str, str] = {}
    for key in sorted(keys):
        mine = select(run.body).where(run.body.contains(f'"signer":"{key}"'))
        body = c.scalars(mine.order_by(run.seq.desc()).limit(1)).first()
        found |= {key: read_body(body)[1]} if body else {}
    return found


def prepared(c: Connection, artifacts: Sequence[str]) -> dict[str, str]:
    """Name who published each artifact first: the run that posted what it holds."""
    who: dict[str, str] = {}
    bodies: dict[int, str] = {}
    for start in range(0, len(artifacts), BATCH):
        some = artifacts[start : start + BATCH]
        first = (
            select(out.artifact, func.min(run.seq).label("seq"))
            .join(StageRun, run.hash == out.run)
            .where(out.artifact.in_(some), run.status == "COMPLETE")
            .group_by(out.artifact)
        )
        posted = {row.artifact: row.seq for row in c.execute(first)}
        asked = select(run.seq, run.body).where(run.seq.in_(set(posted.values())))
        bodies |= {row.seq: read_body(row.body)[1] for row in c.execute(asked)}
        who |= {artifact: bodies[seq] for artifact, seq in posted.items()}
    return who


def reviewed(
    c: Connection, entities: Sequence[str], known_before: datetime | None
) -> dict[tuple[str, str], tuple[str, str]]:
    """Name who approved each entry, several by their names, and who prepared it."""
    columns = (line.entity, line.entry, approval.approver, approval.preparer_key)
    said: Any = select(*columns).distinct()  # SQL
    said = said.join(ApprovalRow, approval.subject == line.approval).where(
        line.entity.in_(entities), line.approval != "", approval.decision == "approve"
    )
    if known_before:
        said = said.where(approval.artifact.in_(recorded_before(known_before)))
    names: dict[tuple[str, str], dict[str, str]] = {}
    for row in c.execute(said):
        names.setdefault((row.entity, row.entry), {})[row.approver] = row.preparer_key
    return {
        key: (", ".join(sorted(found)), next(iter(found.values())))
        for key, found in names.items()
    }
