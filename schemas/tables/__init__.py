"""Tables of the store, all in one metadata."""

from schemas.tables.columns import Digest, Fen, Row, table_of
from schemas.tables.ledger import CostLine, JournalEntry, JournalLineRow
from schemas.tables.lineage import (
    Artifact,
    CheckResult,
    Derivation,
    Identity,
    RunOutput,
    StageRun,
)
from schemas.tables.pledge import Collateral, PledgeRow
from schemas.tables.rights import RightEvent

__all__ = [
    "Artifact",
    "CheckResult",
    "Collateral",
    "CostLine",
    "Derivation",
    "Digest",
    "Fen",
    "Identity",
    "JournalEntry",
    "JournalLineRow",
    "PledgeRow",
    "RightEvent",
    "Row",
    "RunOutput",
    "StageRun",
    "table_of",
]
