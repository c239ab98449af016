"""Tables of the store, all in one metadata."""

from schemas.tables import ledger, lineage, pledge, rights

__all__ = ["ledger", "lineage", "pledge", "rights"]
