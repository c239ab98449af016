"""Loans, what happened to them, roots and events of pledges, cover; wider pledges.

The statements stand in ``0004.sql``, frozen like those before. A pledge posted before
ranks first and met only what has the same bytes; journal lines may speak of loans.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"

BLOB = {"sqlite": "BLOB", "postgresql": "BYTEA"}


def upgrade() -> None:
    """Create and widen the tables; there is no way back but a backup."""
    if op.get_bind().dialect.name == "postgresql":
        # What 0003 copied waits for its foreign keys: no such table can be dropped.
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    script = Path(__file__).with_name("0004.sql").read_text()
    blob = BLOB[op.get_bind().dialect.name]
    for statement in script.format(blob=blob).split(";\n"):
        if statement.strip():
            op.execute(statement)
