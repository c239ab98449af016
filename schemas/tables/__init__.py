"""Tables of the store, all in one metadata."""

from schemas.tables import ledger, lineage, market, pledge, rights

__all__ = ["ledger", "lineage", "market", "pledge", "rights"]
