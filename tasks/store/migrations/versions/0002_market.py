"""Orders, entitlements, quotas, usage, invoices and withdrawn products.

The statements stand in ``0002.sql``, frozen like those before; only new tables, so that
an old store keeps every row and every guard it has.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

BLOB = {"sqlite": "BLOB", "postgresql": "BYTEA"}


def upgrade() -> None:
    """Create the tables of the market; there is no way back but a backup."""
    script = Path(__file__).with_name("0002.sql").read_text()
    for statement in script.format(blob=BLOB[op.get_bind().dialect.name]).split(";\n"):
        if statement.strip():
            op.execute(statement)
