"""Enter proposed entries into the journal: target minus already posted.

Nothing else writes the journal. What was posted stays: a proposal under a posted key is
nothing new if it says the same, and shuts a gate if it says something else. A line
whose month is closed is booked on the first day that is open (CAS 28; a late invoice
belongs to the period in which the books learn of it).
"""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import Posted, PostTerms, Proposed
from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.registers import Approval, JournalLine, PeriodClose
from tasks.asset.approval import ENTRY, Answer, approved, asked
from tasks.asset.balance import balance_sha256, trial_balance
from tasks.finance import months_later

REVERSES = "reverse/"  # and the entry that is taken back


def post(
    journal: Annotated[pl.LazyFrame, Proposed],
    booked: Annotated[pl.LazyFrame, JournalLine],
    closed: Annotated[pl.LazyFrame, PeriodClose],
    approvals: Annotated[pl.LazyFrame, Approval],
    terms: PostTerms,
    as_of: date,
) -> Posted:
    """Post what is proposed and not posted yet, if the books continue.

    Args:
        journal: All entries that the facts support, posted before or not.
        booked: Lines of the entity that stand.
        closed: Months of the entity that are closed.
        approvals: What was approved and rejected for the entity.
        terms: Whose books, and from which amount another person must approve.
        as_of: The day of which the proposals speak.

    Returns:
        Gates first; then the lines to post and, where they close a month, its close: in
        one transaction, so that no month is closed without them.

    Of 650,000.00 proposed, posted before -> no line. The same incurred on 2026-06-15
    when 2026-06 is closed -> booked on 2026-07-01, and its memo says so.
    """
    proposed, known = journal.collect(), booked.collect()
    done = closed.collect()
    fresh = dated(unposted(proposed, known), done)
    if terms.closes in done["period"]:
        fresh = fresh.clear()
    needs = asked(fresh, terms)
    answers = [
        books_continue(proposed, known, terms, as_of),
        approved(needs, approvals.collect(), terms),
    ]
    above = needs.lines.select("entry", "line", marked=pl.lit(needs.subject))
    lines = fresh.join(above, on=["entry", "line"], how="left").with_columns(
        approval=pl.col("marked").fill_null("")
    )
    posted = lines.drop("marked")
    return Posted(
        gates=frame_of(Gates, [(*answer, as_of) for answer in answers]).lazy(),
        posted=posted.lazy(),
        period=closing(pl.concat([known, posted]), done, terms).lazy(),
    )


def closing(
    journal: Annotated[pl.DataFrame, JournalLine],
    closed: Annotated[pl.DataFrame, PeriodClose],
    terms: PostTerms,
) -> Annotated[pl.DataFrame, PeriodClose]:
    """Write the close of the month that is closed with the posting, if one is.

    It counts the month's entries and names its trial balance by a digest.
    """
    if not terms.closes or terms.closes in closed["period"]:
        return frame_of(PeriodClose, [])
    balance = trial_balance(journal.lazy(), terms.closes).collect()
    count = journal.filter(period=terms.closes)["entry"].n_unique()
    row = (terms.entity, terms.closes, terms.closed_on, count, balance_sha256(balance))
    return frame_of(PeriodClose, [row])


def unposted(proposed: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Keep the entries whose key was never posted. Contract: JournalLine."""
    return proposed.join(known, on=ENTRY, how="anti").sort(*ENTRY, "line")


def dated(
    fresh: Annotated[pl.DataFrame, JournalLine],
    closed: Annotated[pl.DataFrame, PeriodClose],
) -> Annotated[pl.DataFrame, JournalLine]:
    """Date what falls into a closed month on the first open day, and say so.

    Incurred on 2026-06-15, closed to 2026-06 -> 2026-07-01.
    """
    if closed.is_empty():
        return fresh
    last = str(closed["period"].max())
    first = months_later(date.fromisoformat(f"{last}-01"), 1)
    late = pl.col("period") <= last
    was = pl.format("{}; of {}, booked in the open period", "memo", "booked_on")
    return fresh.with_columns(
        memo=pl.when(late).then(was).otherwise("memo"),
        booked_on=pl.when(late).then(pl.lit(first)).otherwise("booked_on"),
        period=pl.when(late).then(pl.lit(f"{first:%Y-%m}")).otherwise("period"),
    )


def books_continue(
    proposed: pl.DataFrame, known: pl.DataFrame, terms: PostTerms, as_of: date
) -> Answer:
    """Ask that what is posted still follows from the facts, to the fen.

    Posted entries stay; a voucher that vanishes would shrink the book value while the
    journal keeps it. An entry that was reversed is left out.
    """
    taken = known["entry"].filter(known["entry"].str.starts_with(REVERSES))
    reversed_ = taken.str.strip_prefix(REVERSES).implode()
    standing = known.filter(~pl.col("entry").is_in(reversed_))
    own = standing.filter(
        pl.col("entry").str.split("/").list.get(1, null_on_oob=True) == terms.asset,
        pl.col("event").is_in(terms.complete),
        pl.col("booked_on") <= as_of,
    )
    gone = own.join(proposed, on=ENTRY, how="anti")["entry"].n_unique()
    other = differing(proposed, standing)
    again = recapitalised(proposed, standing)
    ground = (
        f"{gone} of {own['entry'].n_unique()} posted entries have lost their voucher or"
        f" share, {other} say something else now"
    )
    remedy = "; put the line back, or book a reversal first" if gone + other else ""
    if again:
        remedy = (
            f"; {again} of them would capitalise what was expensed, which is never done"
            " (财会〔2023〕11号): put the facts back as they were"
        )
    return "books_continue", gone + other == 0, ground + remedy, "register JournalLine"


def recapitalised(proposed: pl.DataFrame, standing: pl.DataFrame) -> int:
    """Count the entries of expensed cost that are proposed as cost of an asset now."""
    asset = proposed.filter(event="incur")
    expensed = standing.filter(event="expense").join(asset, on=ENTRY, how="semi")
    return expensed["entry"].n_unique()


def differing(proposed: pl.DataFrame, standing: pl.DataFrame) -> int:
    """Count the posted entries under whose key something else is proposed."""
    said = [*ENTRY, "line", "account", "amount_fen"]
    now = proposed.join(standing, on=ENTRY, how="semi").select(said)
    was = standing.join(proposed, on=ENTRY, how="semi").select(said)
    other = pl.concat(
        [now.join(was, on=said, how="anti"), was.join(now, on=said, how="anti")]
    )
    return other["entry"].n_unique()
