"""Disputes, asset cards, decisions, approvals and closed periods; wider registers.

The statements stand in ``0003.sql``, frozen like those before. Three registers gain
columns and are copied whole: what was posted before says nothing in them, but that a
journal line's asset and event stand in the key of its entry.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"

WORDS = {
    "sqlite": {"blob": "BLOB", "position": "instr"},
    "postgresql": {"blob": "BYTEA", "position": "strpos"},
}


def upgrade() -> None:
    """Create and widen the tables; there is no way back but a backup."""
    script = Path(__file__).with_name("0003.sql").read_text()
    words = WORDS[op.get_bind().dialect.name]
    for statement in script.format(**words).split(";\n"):
        if statement.strip():
            op.execute(statement)
