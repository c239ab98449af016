"""${message}."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "${up_revision}"
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Move forward; there is no way back, restore a backup instead."""
    ${upgrades if upgrades else "pass"}
