"""Give an asset for equity: refused without an appraisal, booked by the close.

Property other than money must be appraised, and be valued neither too high nor too low
(Company Law 2023 art. 48). Too high is refused; how low is too low no rule says, so the
gate shows both figures. The contributor must be able to transfer it: it holds the right
to operate, and no lender holds the asset in pledge. The stage writes the decision
``contribute``; the close of the month derecognises by it: 1511, 1702, 1703 / 1701,
2221, ±6115.

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
from schemas.registers import AssetEvent, Dispute, Pledge, Right
from schemas.trust import Contributed, ContributionTerms
from tasks.capital.eligibility import Valued, appraisal_stands
from tasks.rights import UNDISPUTED, disputed, standing

Answer = tuple[str, bool, str, str]  # gate, passed, ground, evidence


def contribute(
    valuation: Annotated[pl.LazyFrame, Valuation],
    rights: Annotated[pl.LazyFrame, Right],
    pledges: Annotated[pl.LazyFrame, Pledge],
    terms: ContributionTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, Dispute] = UNDISPUTED,
) -> Contributed:
    """Decide whether an asset may be given for equity, and write the decision.

    Args:
        valuation: The asset's book value and appraised value.
        rights: Right events over the asset.
        pledges: Pledges that hold the asset on the day.
        terms: What is given to whom, at which agreed value.
        as_of: The day on which it is given.
        disputes: Disputes over the factor or its asset.
    """
    valued = read_valuation(valuation)
    right = standing(rights.collect(), "operate", as_of, terms.contributor)
    names = (terms.factor, terms.asset)
    gates = [
        carried_as_intangible(valued),
        appraisal_stands(valued, as_of),
        not_above_appraisal(valued, terms),
        ("right_to_operate", right.live, right.ground, right.evidence),
        unpledged(pledges.collect()),
        disputed(disputes.collect(), names, as_of),
    ]
    given = all(passed for _, passed, _, _ in gates)
    return Contributed(
        gates=frame_of(Gates, [(*gate, as_of) for gate in gates]).lazy(),
        decision=frame_of(AssetEvent, [decision(terms, as_of)] * given).lazy(),
    )


def decision(terms: ContributionTerms, on: date) -> tuple[object, ...]:
    """Write the decision. Contract: AssetEvent."""
    measured = (None, None, None, exact_fen(terms.value), exact_fen(terms.tax))
    return (
        *(terms.entity, terms.asset, terms.decision, "contribute", on, *measured),
        *(terms.investee, terms.evidence, f"equity in {terms.investee_code}"),
    )


def read_valuation(valuation: pl.LazyFrame) -> Valued:
    """Read the one valuation of an asset. Contract: Valuation."""
    return Valued._make(valuation.select(Valued._fields).collect().row(0))


def carried_as_intangible(valued: Valued) -> Answer:
    """Ask for an intangible asset in the books: that is what is derecognised."""
    passed = valued.outcome == "intangible" and valued.book_fen > 0
    said = f"{valued.outcome}, book {shown(valued.book_fen)} CNY"
    return "recognised_asset", passed, said, "the valuation"


def not_above_appraisal(valued: Valued, terms: ContributionTerms) -> Answer:
    """Ask for an agreed value that the appraisal bears out."""
    agreed, most = exact_fen(terms.value), valued.appraised_fen
    said = f"agreed at {shown(agreed)} CNY, appraised at {shown(most)}"
    return "agreed_value", agreed <= most, said, terms.evidence


def unpledged(pledges: pl.DataFrame) -> Answer:
    """Ask for an asset that no agreement holds in pledge (Civil Code art. 445)."""
    held = ", ".join(sorted(pledges["request"]))
    said = f"pledged under {held}: have it released" if held else "no pledge"
    return "free_of_pledge", not held, said, "register Pledge"
