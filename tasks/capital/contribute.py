"""Give an asset for equity: refused without an appraisal, booked by the close.

Property other than money must be appraised, and be valued neither too high nor too low
(Company Law 2023 art. 48). Too high is refused; how low is too low no rule says, so the
gate shows both figures. The contributor must be able to transfer it: it holds the right
to operate, and no lender holds the asset in pledge. The stage writes the decision
``contribute``; the close of the month derecognises by it: 1511, 1702, 1703 / 1701,
2221, ±6115 (domain.md §3.3). A decision that stands is watched, never made twice.

Agreed at 400,000.00 and 24,000.00 of tax, appraised at 8,968,000.00 -> a decision with
these; agreed at 8,968,000.01 -> refused.
"""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import Valuation
from schemas.contract import frame_of
from schemas.gates import Gates
from schemas.money import exact_fen, shown
from schemas.registers import (
    LEAVING,
    AssetEvent,
    Dispute,
    JournalLine,
    PeriodClose,
    Pledge,
    PledgeEvent,
    Right,
)
from schemas.trust import Contributed, ContributionTerms
from tasks.capital.eligibility import (
    Valued,
    appraisal_stands,
    carrying,
    in_the_ledger,
)
from tasks.pledged import securing
from tasks.rights import UNDISPUTED, disputed, standing

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence


def contribute(
    valuation: Annotated[pl.LazyFrame, Valuation],
    rights: Annotated[pl.LazyFrame, Right],
    pledges: Annotated[pl.LazyFrame, Pledge],
    events: Annotated[pl.LazyFrame, PledgeEvent],
    journal: Annotated[pl.LazyFrame, JournalLine],
    decided: Annotated[pl.LazyFrame, AssetEvent],
    closed: Annotated[pl.LazyFrame, PeriodClose],
    terms: ContributionTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, Dispute] = UNDISPUTED,
) -> Contributed:
    """Decide whether an asset may be given for equity, and write the decision.

    Args:
        valuation: The asset's appraised value.
        rights: Right events over the asset.
        pledges: Pledges of the asset's entity.
        events: What happened to pledges; a released one holds nothing.
        journal: What is posted of the asset: its carrying amount leaves the books.
        decided: What was decided of the asset before.
        closed: Closed months of the entity, in which nothing is booked any more.
        terms: What is given to whom, at which agreed value.
        as_of: The day on which it is given.
        disputes: Disputes over the factor or its asset.

    Returns:
        Gates first; then the decision, none where it stands already.
    """
    before = decided.collect()
    own = before.filter(decision=terms.decision)
    made = frame_of(AssetEvent, [decision(terms, as_of)])
    if own.height:
        gates = [as_decided(own, made)]
    else:
        valued = read_valuation(valuation)
        right = standing(rights.collect(), "operate", as_of, terms.contributor)
        names = (terms.factor, terms.asset)
        gates = [
            carried_as_intangible(valued, journal.collect(), before, terms),
            appraisal_stands(valued, as_of),
            not_above_appraisal(valued, terms),
            ("right_to_operate", right.live, right.ground, right.evidence),
            unpledged(securing(pledges.collect(), events.collect(), terms.asset)),
            disputed(disputes.collect(), names, as_of),
            in_an_open_month(closed.collect(), as_of),
        ]
    given = not own.height and all(passed for _, passed, _, _ in gates)
    return Contributed(
        gates=frame_of(Gates, [(*gate, as_of) for gate in gates]).lazy(),
        decision=(made if given else made.clear()).lazy(),
    )


def decision(terms: ContributionTerms, on: date) -> tuple[object, ...]:
    """Write the decision. Contract: AssetEvent."""
    measured = (None, None, None, exact_fen(terms.value), exact_fen(terms.tax))
    return (
        *(terms.entity, terms.asset, terms.decision, "contribute", on, *measured),
        *(terms.investee, terms.evidence, f"equity in {terms.investee_code}"),
    )


def as_decided(own: pl.DataFrame, made: pl.DataFrame) -> Answer:
    """Ask whether the document still says what was decided; its day stands."""
    said = [c for c in made.columns if c != "decided_on"]
    other = [c for c in said if own[c].to_list() != made[c].to_list()]
    ground = f"decided on {own['decided_on'].item()}"
    if other:
        ground += f", with another {', '.join(other)}: put the document back"
    return "as_decided", not other, ground, "register AssetEvent"


def read_valuation(valuation: pl.LazyFrame) -> Valued:
    """Read the one valuation of an asset. Contract: Valuation."""
    return Valued._make(valuation.select(Valued._fields).collect().row(0))


def carried_as_intangible(
    valued: Valued,
    journal: Annotated[pl.DataFrame, JournalLine],
    decided: Annotated[pl.DataFrame, AssetEvent],
    terms: ContributionTerms,
) -> Answer:
    """Ask for an intangible asset that the ledger carries: that is derecognised.

    What was decided to leave stays in the ledger until its month is closed.
    """
    fen = carrying(journal, terms.accounts)
    gone = decided.filter(pl.col("event").is_in(LEAVING))["decision"].to_list()
    passed = valued.outcome == "intangible" and (fen or 0) > 0 and not gone
    said = f"{valued.outcome}, {in_the_ledger(fen)}"
    if gone:
        said += f"; it leaves by decision {', '.join(gone)}"
    return "recognised_asset", passed, said, "register JournalLine"


def not_above_appraisal(valued: Valued, terms: ContributionTerms) -> Answer:
    """Ask for an agreed value that the appraisal bears out."""
    agreed, most = exact_fen(terms.value), valued.appraised_fen
    said = f"agreed at {shown(agreed)} CNY, appraised at {shown(most)}"
    return "agreed_value", agreed <= most, said, terms.evidence


def unpledged(held: list[str]) -> Answer:
    """Ask for an asset that no agreement holds in pledge (Civil Code art. 445)."""
    named = ", ".join(held)
    said = f"pledged under {named}: have it released" if named else "no live pledge"
    return "free_of_pledge", not held, said, "register Pledge"


def in_an_open_month(closed: pl.DataFrame, on: date) -> Answer:
    """Ask for a month whose close is to come, for it books what is decided."""
    last = max(closed["period"].to_list(), default="")
    said = f"closed to {last}" if last else "no month is closed"
    return "open_month", last < f"{on:%Y-%m}", said, "register PeriodClose"
