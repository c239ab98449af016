"""Lineage, rights, ledger and pledges.

The statements stand in ``0001.sql``, frozen: a revision keeps what the tables looked
like on its day, so that a new store and an old one arrive at the same place. Only the
names of two types differ between the databases.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

TYPES = {
    "sqlite": {"blob": "BLOB", "stamp": "DATETIME"},
    "postgresql": {"blob": "BYTEA", "stamp": "TIMESTAMP WITH TIME ZONE"},
}


def upgrade() -> None:
    """Create every table of the foundation; there is no way back but a backup."""
    script = Path(__file__).with_name("0001.sql").read_text()
    for statement in script.format(**TYPES[op.get_bind().dialect.name]).split(";\n"):
        if statement.strip():
            op.execute(statement)
