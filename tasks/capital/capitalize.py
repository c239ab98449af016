"""Make capital of an asset: gates, pledge, repayment, position."""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import Valuation
from schemas.capital import Capital, CapitalTerms
from schemas.collateral import Fingerprint
from schemas.contract import frame_of
from schemas.errors import FactorError
from schemas.gates import Gates
from schemas.quality import Indicator, Score
from schemas.registers import (
    CollateralRoot,
    JournalLine,
    Loan,
    LoanFact,
    Pledge,
    PledgeEvent,
    Right,
)
from schemas.survey import Lent, Met
from tasks.capital.agree import agree
from tasks.capital.coverage import ppm
from tasks.capital.eligibility import Case, Valued, eligibility
from tasks.capital.pledge import pledge
from tasks.capital.position import position
from tasks.capital.repay import UNDRAWN, owed, repay
from tasks.capital.roots import UNRECORDED, UNROOTED, added, rooted_by
from tasks.pledged import ENDED, UNTOUCHED
from tasks.rights import UNDISPUTED

# What nobody has handed over: each shuts the gates that ask for it.
UNREVIEWED = frame_of(Gates, []).lazy()
UNASSESSED = frame_of(Indicator, []).lazy()
UNMET, UNLENT = frame_of(Met, []).lazy(), frame_of(Lent, []).lazy()
UNWRITTEN = frame_of(Loan, []).lazy()


def capitalize(
    valuation: Annotated[pl.LazyFrame, Valuation],
    rights: Annotated[pl.LazyFrame, Right],
    pledges: Annotated[pl.LazyFrame, Pledge],
    journal: Annotated[pl.LazyFrame, JournalLine],
    score: Annotated[pl.LazyFrame, Score],
    terms: CapitalTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, "compared"] = UNDISPUTED,
    roots: Annotated[pl.LazyFrame, Fingerprint] = UNROOTED,
    quality: Annotated[pl.LazyFrame, Indicator] = UNASSESSED,
    offered: Annotated[pl.LazyFrame, Gates] = UNREVIEWED,
    met: Annotated[pl.LazyFrame, Met] = UNMET,
    lent: Annotated[pl.LazyFrame, Lent] = UNLENT,
    agreed: Annotated[pl.LazyFrame, Loan] = UNWRITTEN,
    events: Annotated[pl.LazyFrame, PledgeEvent] = UNTOUCHED,
    facts: Annotated[pl.LazyFrame, LoanFact] = UNDRAWN,
    recorded: Annotated[pl.LazyFrame, CollateralRoot] = UNRECORDED,
) -> Capital:
    """Lend on an asset and plan the repayment, if every gate is open.

    Args:
        valuation: The asset's book value and appraised value.
        rights: Right events over the asset.
        pledges: The pledge of the agreement, once it is posted: the loan is monitored
            then, and nothing new is pledged.
        journal: What is posted of the asset, with the postings of this run.
        score: The quality of the resource on the day, and before.
        terms: The document's financing with asset, chart and policy filled in.
        as_of: The day the stage speaks of.
        disputes: Disputes over the factor or its asset, contract Dispute.
        roots: The source tables that the asset rests on.
        quality: The 20 indicators of the resource on the day.
        offered: The gates with which the product was offered.
        met: What rests on the same data, as ``survey`` found it.
        lent: What is lent beside it, as ``survey`` found it.
        agreed: The loan as it was written down, once it is.
        events: What happened to its pledge.
        facts: What happened to the loan: drawdowns, payments.
        recorded: The roots of its pledge so far.

    Returns:
        Gates first; then the roots, the pledge and the loan to post, the schedule, and
        where the loan stands. A line without pledge has neither roots nor pledge.

    Raises:
        FactorError: The terms lack their policy.

    5,000,000.00 on 10,019,400.00 appraised -> LTV 0.499032 (COL-02).
    """
    if terms.rules is None:
        raise FactorError("capital: no policy was resolved; name one in the document")
    case = Case(
        valued=Valued._make(valuation.select(Valued._fields).collect().row(0)),
        rights=rights.collect(),
        disputes=disputes.collect(),
        own=pledges.collect().filter(request=terms.agreement),
        agreed=agreed.collect(),
        ended=not events.collect()
        .filter(request=terms.agreement, event=ENDED)
        .is_empty(),
        met=met.collect(),
        lent=lent.collect(),
        journal=journal.collect(),
        repayment=(planned := repay(terms, as_of)),
        owed=owed(terms, facts.collect(), planned, as_of),
        score=score.collect(),
        quality=quality.collect(),
        offered=offered.collect(),
        roots=roots.collect(),
        terms=terms,
        rules=terms.rules,
        as_of=as_of,
    )
    described = pledge(case)
    gates = eligibility(case, described)
    opened = bool(gates["passed"].all())
    posted = opened and not case.live
    rests, written = rooted_by(roots, terms), agree(terms)
    pledged = posted and terms.pledged
    return Capital(
        gates=gates.lazy(),
        roots=resting(case, rests, recorded.collect()).filter(opened).lazy(),
        pledge=(described if pledged else described.clear()).lazy(),
        loan=(written if posted else written.clear()).lazy(),
        repayment=case.repayment.lazy(),
        position=position(case).lazy(),
    )


def resting(
    case: Case, rests: pl.DataFrame, recorded: pl.DataFrame
) -> Annotated[pl.DataFrame, CollateralRoot]:
    """List the roots to post: all of a new pledge, of a live one what is new."""
    if not case.terms.pledged or case.ended:
        return rests.clear()
    if not case.live:
        return rests
    return added(rests, recorded, ppm(case.rules.root_overlap))
