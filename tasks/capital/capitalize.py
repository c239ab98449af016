"""Make capital of an asset: gates, pledge, repayment, position."""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import Valuation
from schemas.capital import Capital, CapitalTerms
from schemas.collateral import Fingerprint
from schemas.errors import FactorError
from schemas.quality import Score
from schemas.registers import JournalLine, Pledge, Right
from tasks.capital.agree import agree
from tasks.capital.eligibility import Case, Valued, eligibility
from tasks.capital.pledge import pledge
from tasks.capital.position import position
from tasks.capital.repay import repay
from tasks.capital.roots import UNROOTED, rooted
from tasks.rights import UNDISPUTED


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
) -> Capital:
    """Pledge the asset and plan the repayment, if every gate is open.

    Args:
        valuation: The asset's book value and appraised value.
        rights: Right events over the asset.
        pledges: Pledges of the asset so far; when the agreement is among them, the loan
            is monitored and nothing new is pledged.
        journal: What is posted of the asset, with the postings of this run.
        score: The quality of the resource on the day, and before.
        terms: The document's financing with asset, chart and policy filled in.
        as_of: The day the stage speaks of.
        disputes: Disputes over the factor or its asset, contract Dispute.
        roots: The source tables that the asset rests on.

    Returns:
        Gates first; then the roots, the pledge and the loan to post, the schedule, and
        where the loan stands.

    Raises:
        FactorError: The terms lack their policy.

    5,000,000.00 on 10,019,400.00 appraised -> LTV 0.499032 (COL-02).
    """
    if terms.rules is None:
        raise FactorError("capital: no policy was resolved; name one in the document")
    held, own = pledges.collect(), pl.col("request") == terms.agreement
    case = Case(
        valued=Valued._make(valuation.select(Valued._fields).collect().row(0)),
        rights=rights.collect(),
        disputes=disputes.collect(),
        own=held.filter(own),
        others=held.filter(~own),
        journal=journal.collect(),
        repayment=repay(terms),
        score=score.collect(),
        terms=terms,
        rules=terms.rules,
        as_of=as_of,
    )
    described = pledge(case)
    gates = eligibility(case, described)
    posted = gates["passed"].all() and not case.live
    rests, agreed = rooted(roots, terms), agree(terms)
    return Capital(
        gates=gates.lazy(),
        roots=(rests if posted else rests.clear()).lazy(),
        pledge=(described if posted else described.clear()).lazy(),
        loan=(agreed if posted else agreed.clear()).lazy(),
        repayment=case.repayment.lazy(),
        position=position(case).lazy(),
    )
