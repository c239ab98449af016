"""Ask the store what rests on something: products, assets, loans, how much money."""

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from schemas.artifact import Stage
from schemas.tables.columns import table_of
from schemas.tables.ledger import JournalLineRow
from schemas.tables.market import OrderRow
from schemas.tables.pledge import PledgeRow
from tasks.store.database import reading
from tasks.store.lineage import Loan, Node, among, closure, described
from tasks.store.place import Store

pledge, line = table_of(PledgeRow).c, table_of(JournalLineRow).c
order = table_of(OrderRow).c


class Impact(BaseModel):
    """All that rests on artifacts.

    ``booked_fen`` sums the debits that were posted from them, ``ordered_fen`` what
    customers ordered of them.
    """

    model_config = ConfigDict(frozen=True)

    nodes: tuple[Node, ...]
    products: tuple[str, ...]
    assets: tuple[str, ...]
    pledges: tuple[Loan, ...]
    booked_fen: int
    ordered_fen: int = 0

    @property
    def pledged_fen(self) -> int:
        """Principal of all loans that rest on it."""
        return sum(loan.principal_fen for loan in self.pledges)


def impact(s: Store, *starts: str) -> Impact:
    """List artifacts, all that is made of them, and the money that rests on them.

    Args:
        s: The store.
        starts: Ids, as ``every`` lists them for a name.
    """
    with reading(s.engine) as c:
        depth, edges = closure(c, starts, down=True)
        ids = list(depth)
        pledges = among(c, select(*pledge), pledge.artifact, ids)
        debits = select(line.amount_fen).where(line.amount_fen > 0)
        booked = [r["amount_fen"] for r in among(c, debits, line.artifact, ids)]
        ordered = among(c, select(order.amount_fen), order.artifact, ids)
        nodes = described(c, depth, edges)
    frames = [n for n in nodes if n.kind != "raw" and not n.frame.endswith(".rejects")]
    loans = sorted((Loan(**row) for row in pledges), key=lambda loan: loan.request)
    return Impact(
        nodes=tuple(nodes),
        products=tuple(sorted({n.name for n in frames if n.stage is Stage.PRODUCT})),
        assets=tuple(sorted({n.name for n in frames if n.stage is Stage.ASSET})),
        pledges=tuple(loans),
        booked_fen=sum(booked),
        ordered_fen=sum(row["amount_fen"] for row in ordered),
    )
