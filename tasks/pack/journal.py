"""Tell an asset's and a loan's journal from the frames of a pack alone.

Who entered an entry is who published the run that posted it; of an approved one who
proposed it. The chain says both, so no store is asked.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import polars as pl

from schemas.books import Entered
from schemas.contract import frame_of
from schemas.registers import JournalLine
from tasks.asset.ledger import beancount
from tasks.pack.chain import Link
from tasks.pack.chosen import Loan, concerns
from tasks.pack.frames import Held, register_frame, register_rows


def journal_of(
    held: Sequence[Held], loan: Loan
) -> Annotated[pl.DataFrame, JournalLine]:
    """List the lines of every entry that speaks of the asset or the loan, whole."""
    lines = register_frame(held, "JournalLine")
    mine = [
        (row["entity"], row["entry"])
        for row in lines.iter_rows(named=True)
        if concerns(row, loan) or loan.number in row["entry"].split("/")
    ]
    chosen = pl.DataFrame(mine, {"entity": pl.String, "entry": pl.String}, orient="row")
    order = ["booked_on", "entry", "line"]
    return lines.join(chosen.unique(), on=["entity", "entry"], how="semi").sort(order)


def entered_in(
    held: Sequence[Held], links: Sequence[Link], journal: pl.DataFrame
) -> Annotated[pl.DataFrame, Entered]:
    """Say of each entry who entered and who approved it."""
    last = {one.signer: one.who for one in links}
    approved: dict[str, list[Mapping[str, Any]]] = {}
    for row in register_rows(held, "Approval"):
        if row["decision"] == "approve":
            approved.setdefault(row["subject"], []).append(row)
    rows: dict[tuple[str, str], tuple[str, ...]] = {}
    for one in held:
        if one.kept.register != "JournalLine":
            continue
        by = one.kept.output.link.who
        for line in one.frame.iter_rows(named=True):
            given = approved.get(line.get("approval", ""), [])
            who = last.get(given[0]["preparer_key"], by) if given else by
            names = ", ".join(sorted({row["approver"] for row in given}))
            key = (line["entity"], line["entry"])
            rows.setdefault(key, (*key, one.id, who, names))
    known = set(journal.select("entity", "entry").iter_rows())
    return frame_of(Entered, sorted(row for key, row in rows.items() if key in known))


def ledger_text(
    held: Sequence[Held], links: Sequence[Link], loan: Loan, title: str
) -> bytes:
    """Write that journal as Beancount reads it; nothing where nothing is posted."""
    journal = journal_of(held, loan)
    if journal.is_empty():
        return b""
    entered = entered_in(held, links, journal)
    accounts = loan.grant.said.terms.get("accounts", {})
    return "".join(beancount(journal, entered, accounts, title)).encode()


def unbalanced(held: Sequence[Held]) -> list[str]:
    """Name the entries whose debits are not their credits."""
    lines = register_frame(held, "JournalLine")
    sums = lines.group_by("entity", "entry").agg(pl.col("amount_fen").sum())
    return sorted(sums.filter(pl.col("amount_fen") != 0)["entry"])
