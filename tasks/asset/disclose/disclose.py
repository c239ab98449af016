"""Make the statement of an entity on its data resources, and lay it out."""

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated

import polars as pl
import rfc8785

from schemas.contract import frame_of
from schemas.disclosure import (
    Appraised,
    DiscloseTerms,
    Disclosure,
    Given,
    Statement,
    Tables,
)
from schemas.money import exact_fen
from schemas.registers import (
    AssetCard,
    AssetEvent,
    Dispute,
    JournalLine,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from tasks.asset.balance import trial_balance
from tasks.asset.disclose.lines import (
    carried_of,
    of_which,
    over_assets,
    research,
    restricted,
)
from tasks.asset.disclose.movements import movements
from tasks.asset.disclose.notes import notes
from tasks.asset.disclose.roll import roll_forward
from tasks.asset.disclose.ties import ties
from tasks.finance import months_later
from tasks.page.statement import page_of
from tasks.page.workbook import workbook_of


def disclose(
    booked: Annotated[pl.LazyFrame, JournalLine],
    cards: Annotated[pl.LazyFrame, AssetCard],
    events: Annotated[pl.LazyFrame, AssetEvent],
    pledges: Annotated[pl.LazyFrame, Pledge],
    pledged: Annotated[pl.LazyFrame, PledgeEvent],
    disputes: Annotated[pl.LazyFrame, Dispute],
    closed: Annotated[pl.LazyFrame, PeriodClose],
    terms: DiscloseTerms,
) -> Disclosure:
    """State what the entity's books hold of data resources, and tie it to them.

    Args:
        booked: Lines of the entity; what is posted after the periods does not count.
        cards: Cards of its assets.
        events: What was decided of them.
        pledges: On its assets.
        pledged: What happened to these pledges, and to others.
        disputes: All; those over other entities' assets are left out.
        closed: Months of it that are closed.
        terms: Whose statement, of which periods.

    Returns:
        The tables, their ties, the notes, and the whole as a workbook and as a page.

    Raises:
        ContractError: The chart gives one account two meanings.

    Source: 财会〔2023〕11号; CAS 1, 6, 8.
    """
    registers = (booked, cards, events, pledges, pledged, disputes, closed)
    made = statement_of(Given._make(r.collect() for r in registers), terms)
    return Disclosure(
        roll=made.roll.lazy(),
        lines=made.lines.lazy(),
        carried=made.carried.lazy(),
        research=made.research.lazy(),
        restricted=made.restricted.lazy(),
        notes=made.notes.lazy(),
        appraised=made.appraised.lazy(),
        ties=made.ties.lazy(),
        statement=made.statement.lazy(),
        workbook=iter((workbook_of(made),)),
        page=iter((page_of(made),)),
    )


def statement_of(given: Given, terms: DiscloseTerms) -> Tables:
    """Make every table of the statement, and name what it says by a digest."""
    span, accounts, journal = terms.span, terms.accounts, given.journal
    closing = months_later(date.fromisoformat(f"{span.last}-01"), 1) - timedelta(days=1)
    moved = movements(journal, given.cards, accounts, span)
    roll = roll_forward(moved)
    carried = carried_of(moved, given.cards, span, terms.rules.material_share)
    first, last = (trial_balance(journal.lazy(), p).collect() for p in span)
    over = over_assets(given.disputes, given.cards)
    bound = restricted(carried, given.pledges, given.pledged, over, terms, closing)
    said = {
        "roll": roll,
        "lines": of_which(roll, terms.total),
        "carried": carried,
        "research": research(journal, accounts, span),
        "restricted": bound,
        "notes": notes(given.cards, given.decisions, carried, terms),
        "appraised": appraised(terms),
        "ties": ties(roll, carried, first, last, accounts),
    }
    return Tables(**said, statement=headed(given, said, terms))


def headed(
    given: Given, said: Mapping[str, pl.DataFrame], terms: DiscloseTerms
) -> Annotated[pl.DataFrame, Statement]:
    """Say which statement this is, what it says by a digest, and what it replaces."""
    known = given.journal.filter(pl.col("period") <= terms.last)["entry"].n_unique()
    is_closed = given.closes.filter(pl.col("period") >= terms.last).height > 0
    head = (
        *(terms.entity, terms.name, terms.credit_code, terms.first, terms.last),
        *(is_closed, terms.illustrative, known, terms.rules.policy),
        f"{terms.rules.material_share}",
    )
    replaced = terms.supersedes or "", terms.reason
    return frame_of(Statement, [(*head, content_of(said, head), *replaced)])


def content_of(said: Mapping[str, pl.DataFrame], head: tuple[object, ...]) -> str:
    """Name what a statement says: sha256 over canonical JSON (RFC 8785) of its rows."""
    rows = {
        name: [
            [None if v is None else str(v) for v in row] for row in frame.iter_rows()
        ]
        for name, frame in said.items()
    }
    text = rfc8785.dumps({"statement": [str(v) for v in head], **rows})
    return hashlib.sha256(text).hexdigest()


def appraised(terms: DiscloseTerms) -> Annotated[pl.DataFrame, Appraised]:
    """Tell the appraised values apart from the books."""
    rows = [
        (
            r.asset,
            r.report,
            r.appraiser,
            r.valuation_date,
            r.valid_to,
            exact_fen(r.value),
        )
        for r in terms.reports
    ]
    return frame_of(Appraised, sorted(rows))
