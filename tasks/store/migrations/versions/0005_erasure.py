"""Bytes that were removed for good.

The statements stand in ``0005.sql``, frozen like those before; only a new table.
"""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"

BLOB = {"sqlite": "BLOB", "postgresql": "BYTEA"}


def upgrade() -> None:
    """Create the table; there is no way back but a backup."""
    script = Path(__file__).with_name("0005.sql").read_text()
    for statement in script.format(blob=BLOB[op.get_bind().dialect.name]).split(";\n"):
        if statement.strip():
            op.execute(statement)
