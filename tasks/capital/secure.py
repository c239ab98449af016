"""Let another asset secure a loan: a top-up 补充担保, or a substitution 置换."""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import Valuation
from schemas.collateral import Fingerprint
from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.money import exact_fen, shown, yuan
from schemas.pledging import Secured, SecureTerms
from schemas.registers import (
    Dispute,
    JournalLine,
    Pledge,
    PledgeEvent,
    Right,
)
from tasks.capital.eligibility import (
    Answer,
    Valued,
    appraisal_stands,
    carrying,
    in_the_ledger,
)
from tasks.capital.evidence import roots_are_known
from tasks.capital.pledging import register_pledge
from tasks.capital.roots import rooted
from tasks.pledged import UNTOUCHED
from tasks.rights import UNDISPUTED, disputed, standing


def secure(
    valuation: Annotated[pl.LazyFrame, Valuation],
    rights: Annotated[pl.LazyFrame, Right],
    journal: Annotated[pl.LazyFrame, JournalLine],
    roots: Annotated[pl.LazyFrame, Fingerprint],
    pledges: Annotated[pl.LazyFrame, Pledge],
    events: Annotated[pl.LazyFrame, PledgeEvent],
    terms: SecureTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, Dispute] = UNDISPUTED,
) -> Secured:
    """Let some or all of a pledge be secured by another asset, if its gates are open.

    What else rests on the data of that asset is asked while the event is posted.

    Args:
        valuation: Of the asset that comes.
        rights: Events of the rights over it.
        journal: What is posted of it.
        roots: The source tables that it rests on.
        pledges: The pledge.
        events: What happened to the pledge so far.
        terms: Which asset, how much, under which policy.
        as_of: The day.
        disputes: Over the asset and its factor.

    Returns:
        Gates first; then its roots and the event.

    Raises:
        RegisterError: The event does not follow what happened to the pledge.

    At most 0.50 of 4,000,000.00: 2,000,000.00 may be secured by it, and no fen more.
    """
    valued = Valued._make(valuation.select(Valued._fields).collect().row(0))
    most = int(valued.appraised_fen * terms.rules.max_ltv)
    right = standing(rights.collect(), "operate", as_of, terms.pledgor)
    lasts = right.live and right.last >= terms.matures_on
    said = f"{right.ground}; the loan matures on {terms.matures_on}"
    answers = [
        charged(valued),
        booked(valued, journal.collect(), terms),
        appraisal_stands(valued, as_of),
        ("right_to_operate", lasts, said, right.evidence),
        within(most, terms),
        roots_are_known(roots.collect()),
        disputed(disputes.collect(), (terms.factor, terms.asset), as_of),
    ]
    open_ = all(passed for _, passed, _, _ in answers)
    act = terms.act.model_copy(update={"cap": yuan(most) if most else None})
    event = register_pledge(pledges, events, act) if open_ else UNTOUCHED
    return Secured(
        gates=frame_of(Gates, [(*answer, as_of) for answer in answers]).lazy(),
        roots=rooted(
            roots, terms.request, terms.entity, terms.asset, terms.act.version
        ).lazy(),
        event=event,
    )


def charged(valued: Valued) -> Answer:
    """Ask for an asset that earns something: what is free to all secures nothing."""
    said = "charged for or used inside" if valued.charged else "free to all"
    return "not_free", valued.charged, said, "the valuation"


def booked(valued: Valued, journal: pl.DataFrame, terms: SecureTerms) -> Answer:
    """Ask for an asset that the ledger carries, where the policy wants one."""
    fen, only = carrying(journal, terms.accounts), terms.rules.recognised_only
    passed = not only or (fen or 0) > 0
    ground = f"{valued.outcome}, {in_the_ledger(fen)}"
    return "recognised_asset", passed, ground, f"{terms.rules.policy}/recognised_only"


def within(most: int, terms: SecureTerms) -> Answer:
    """Ask that the asset bears what it shall secure."""
    asked = exact_fen(terms.act.amount) if terms.act.amount else 0
    ground = f"secures {shown(asked)} CNY, at most {shown(most)}"
    return "loan_to_value", 0 < asked <= most, ground, f"{terms.rules.policy}/max_ltv"
