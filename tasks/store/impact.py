"""Ask the store what rests on something: products, assets, loans, how much money.

The totals come first, added up by the database; the rows are the nearest ones, as many
as are asked for: a table of reference may have a hundred thousand descendants.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, func, select

from schemas.artifact import Stage
from schemas.errors import StoreError
from schemas.tables.columns import table_of
from schemas.tables.ledger import JournalLineRow
from schemas.tables.market import OrderRow
from schemas.tables.pledge import LoanRow, PledgeRow
from tasks.store.database import reading
from tasks.store.lineage import (
    STARTS,
    Loan,
    Node,
    among,
    closure,
    described,
    nearest,
    out,
    reached,
    run,
    yielded,
)
from tasks.store.place import Store, scan
from tasks.store.refs import resolve

pledge, loan = table_of(PledgeRow).c, table_of(LoanRow).c
line, order = table_of(JournalLineRow).c, table_of(OrderRow).c
POSITION = "position"  # the frame that says where a loan stands by its schedule
KNOWN = 50  # loans whose position is read: each is a file


class Weight(BaseModel):
    """How much rests on artifacts, themselves among ``artifacts``.

    ``booked_fen`` sums the debits that were posted from them, ``ordered_fen`` what
    customers ordered of them, ``pledged_fen`` the principal of loans against a pledge,
    ``unsecured_fen`` that of loans without one.
    """

    model_config = ConfigDict(frozen=True)

    artifacts: int
    products: int
    assets: int
    loans: int
    booked_fen: int
    ordered_fen: int
    pledged_fen: int
    unsecured_fen: int


class Impact(BaseModel):
    """All that rests on artifacts: the weight of all, the first rows of each kind."""

    model_config = ConfigDict(frozen=True)

    weight: Weight
    nodes: tuple[Node, ...]
    products: tuple[str, ...]
    assets: tuple[str, ...]
    pledges: tuple[Loan, ...]

    @property
    def pledged_fen(self) -> int:
        """Principal of all loans against a pledge that rests on it."""
        return self.weight.pledged_fen

    @property
    def booked_fen(self) -> int:
        """Debits that were posted from it."""
        return self.weight.booked_fen


class Reached(NamedTuple):
    """What the database finds on all artifacts that were reached."""

    artifacts: int
    products: list[str]
    assets: list[str]
    loans: list[Loan]
    booked_fen: int
    ordered_fen: int

    @property
    def weight(self) -> Weight:
        """Add it up."""
        secured = [one.principal_fen for one in self.loans if one.secured]
        return Weight(
            artifacts=self.artifacts,
            products=len(self.products),
            assets=len(self.assets),
            loans=len(self.loans),
            booked_fen=self.booked_fen,
            ordered_fen=self.ordered_fen,
            pledged_fen=sum(secured),
            unsecured_fen=sum(one.principal_fen for one in self.loans) - sum(secured),
        )


def weigh(s: Store, *starts: str) -> Weight:
    """Add up what rests on artifacts, without listing it."""
    with reading(s.engine) as c:
        return _found(c, reached(c, starts, down=True)).weight


def impact(s: Store, *starts: str, limit: int | None = None) -> Impact:
    """List artifacts, all that is made of them, and the money that rests on them.

    Args:
        s: The store.
        starts: Ids, as ``every`` lists them for a name.
        limit: How many of each kind to list, of artifacts the nearest; the weight
            counts all.
    """
    with reading(s.engine) as c:
        ids = reached(c, starts, down=True)
        found = _found(c, ids)
        whole = limit is None or len(ids) <= limit
        near = (
            closure(c, starts, down=True) if whole else nearest(c, starts, limit or 0)
        )
        nodes = described(c, *near)
    return Impact(
        weight=found.weight,
        nodes=tuple(nodes),
        products=tuple(found.products[:limit]),
        assets=tuple(found.assets[:limit]),
        pledges=tuple(found.loans[:limit]),
    )


def _found(c: Connection, ids: Sequence[str]) -> Reached:
    debits = select(func.sum(line.amount_fen).label("fen")).where(line.amount_fen > 0)
    booked = among(c, debits, line.artifact, ids, STARTS)
    costs = select(func.sum(order.amount_fen).label("fen"))
    ordered = among(c, costs, order.artifact, ids, STARTS)
    names = _names(c, ids)
    return Reached(
        artifacts=len(ids),
        products=names[Stage.PRODUCT],
        assets=names[Stage.ASSET],
        loans=_loans(c, ids),
        booked_fen=sum(int(row["fen"] or 0) for row in booked),
        ordered_fen=sum(int(row["fen"] or 0) for row in ordered),
    )


def _names(c: Connection, ids: Sequence[str]) -> dict[Stage, list[str]]:
    """Name the products and assets among artifacts: ``factor/stage/frame``."""
    named: dict[Stage, set[str]] = {Stage.PRODUCT: set(), Stage.ASSET: set()}
    frames = yielded(run.factor, run.stage, out.frame).order_by(None).distinct()
    frames = frames.where(run.stage.in_([*named]), run.kind != "snapshot")
    for row in among(c, frames, out.artifact, ids, STARTS):
        if not row["frame"].endswith(".rejects"):
            named[Stage(row["stage"])].add("/".join(row.values()))
    return {stage: sorted(found) for stage, found in named.items()}


def _loans(c: Connection, ids: Sequence[str]) -> list[Loan]:
    """List the loans among artifacts: against a pledge, or else by their tranches."""
    found = {
        row["request"]: Loan(**row)
        for row in among(c, select(*pledge), pledge.artifact, ids, STARTS)
    }
    for row in among(c, select(*loan), loan.artifact, ids, STARTS):
        known = found.get(row["loan"])
        if known and known.secured:
            continue
        fen = row["amount_fen"] + (known.principal_fen if known else 0)
        said = {"request": row["loan"], "principal_fen": fen, "secured": False}
        found[row["loan"]] = Loan(**row, **said)
    return [found[number] for number in sorted(found)]


def outstanding(s: Store, loans: Sequence[Loan]) -> dict[str, int]:
    """Read what is still owed of loans by schedule, where a run has said it.

    The newest position of each loan's factor counts; of more than 50 loans none is
    read. A loan that is missing here is not known.
    """
    if len(loans) > KNOWN:
        return {}
    return {one.request: fen for one in loans for fen in _owed(s, one)[:1]}


def _owed(s: Store, one: Loan) -> list[int]:
    with reading(s.engine) as c:
        held = [pledge.artifact] if one.secured else [loan.artifact]
        number = pledge.request if one.secured else loan.loan
        ids = c.scalars(select(*held).where(number == one.request)).all()
        factor = c.scalars(yielded(run.factor).where(out.artifact.in_(ids))).first()
        said = yielded(out.artifact).where(run.factor == factor, out.frame == POSITION)
        newest = c.scalars(said.where(run.status == "COMPLETE").limit(1)).first()
    if newest is None:
        return []
    try:
        rows = scan(s, resolve(s, newest)).filter(pl.col("agreement") == one.request)
        owed: list[int] = rows.collect()["outstanding_fen"].to_list()
    except (StoreError, pl.exceptions.PolarsError):  # `verify` says why
        return []
    return owed
