"""Make an asset of a product: rights, cost, recognition, journal, appraisal."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import polars as pl

from schemas.appraisal import Appraisal, AppraisalInputs
from schemas.asset import Asset, AssetTerms, Recognition, Valuation
from schemas.contract import frame_of
from schemas.cost import DriverCount
from schemas.errors import FactorError
from schemas.money import exact_fen
from schemas.quality import Score
from schemas.registers import AssetCard, Cost, PeriodClose, Right
from tasks.asset.amortize import amortize
from tasks.asset.appraise.case import case_of
from tasks.asset.appraise.figures import rows
from tasks.asset.appraise.life import income_within
from tasks.asset.appraise.value import appraised, in_force, valid_to
from tasks.asset.card import next_card
from tasks.asset.cost import allocate, borne, incurred
from tasks.asset.gates import Case, gates
from tasks.asset.grants import grants, known_rights
from tasks.asset.journal import journal
from tasks.asset.national import national_value
from tasks.asset.recognize import recognize, weighed
from tasks.rights import UNDISPUTED

NONE: Mapping[str, pl.LazyFrame] = {}
OPEN = frame_of(PeriodClose, []).lazy()
UNSPENT = frame_of(Cost, []).lazy()


def assetize(
    product: pl.LazyFrame,
    costs: pl.LazyFrame,
    rights: Annotated[pl.LazyFrame, Right],
    cards: Annotated[pl.LazyFrame, AssetCard],
    score: Annotated[pl.LazyFrame, Score],
    terms: AssetTerms,
    as_of: date,
    drivers: Mapping[str, Annotated[pl.LazyFrame, DriverCount]] = NONE,
    disputes: Annotated[pl.LazyFrame, "compared"] = UNDISPUTED,
    closed: Annotated[pl.LazyFrame, PeriodClose] = OPEN,
    spent: Annotated[pl.LazyFrame, Cost] = UNSPENT,
) -> Asset:
    """Book what the product cost; appraise it beside the books, never into them.

    Args:
        product: The product; it must hold rows to be worth anything.
        costs: The vouchers, parsed (``schemas.asset.VOUCHER_COLUMNS``), fen.
        rights: Right events already posted for this asset.
        cards: Cards of the asset so far.
        score: The quality of the resource on the day, and before.
        terms: The document's asset with entity, policy and product filled in.
        as_of: The day the stage speaks of; later vouchers are left out.
        drivers: What was measured of the products that share a pool, if any do by use.
        disputes: Disputes over the factor or its asset, contract Dispute.
        closed: Closed months of the entity: another estimate works after them.
        spent: Voucher lines of the entity that are posted, whatever asset they made.

    Returns:
        Gates first; then rights and costs to post, the allocation, the recognition
        path, the journal lines to propose, the next card to post, the amortisation
        schedule, the appraisal's inputs and the valuation.

    Raises:
        FactorError: The terms lack their policy.
        ContractError: A pool has no shares, or the chart lacks an account.

    Source: 财会〔2023〕11号; CAS 6 arts. 9, 12, 17. A voucher of 650,000.00 of
    development whose pool this product bears alone -> book value 650,000.00.
    """
    if terms.rules is None:
        raise FactorError("asset: no policy was resolved; name one in the document")
    granted = grants(terms, rights.collect())
    vouchers = incurred(costs, terms.entity, as_of)
    counted = pl.concat([frame_of(DriverCount, []).lazy(), *drivers.values()])
    allocation = allocate(vouchers, counted.collect(), terms, as_of)
    decision = recognize(terms.recognition, as_of)
    costed = borne(terms.product, vouchers, allocation, decision)
    case = Case(
        terms=terms,
        rules=terms.rules,
        as_of=as_of,
        rights=known_rights(rights.collect(), granted),
        disputes=disputes.collect(),
        vouchers=vouchers,
        spent=spent.collect(),
        borne=costed,
        score=score.collect(),
        decision=decision,
    )
    appraisal = in_force(terms.appraisal, as_of)
    inputs = rows(case_of(terms, appraisal)) if appraisal else ()
    return Asset(
        gates=gates(case, product.select(pl.len()).collect().item()).lazy(),
        rights=granted.lazy(),
        costs=vouchers.drop("tax_fen").lazy(),
        allocation=allocation.lazy(),
        recognition=frame_of(Recognition, weighed(decision, costed)).lazy(),
        journal=journal(costed, decision, terms).lazy(),
        cards=card_of(case, cards.collect(), closed.collect()).lazy(),
        amortization=schedule(case).lazy(),
        appraisal_inputs=frame_of(AppraisalInputs, inputs).lazy(),
        valuation=valuation(case, appraisal).lazy(),
        national=national_value(
            terms.national_accounts, terms.entity, terms.name
        ).lazy(),
    )


def schedule(case: Case) -> pl.DataFrame:
    """Plan the amortisation over the life that is used. Contract: Amortization."""
    spread, life = case.terms.amortization, case.life
    months = life.months if life else 0
    residual = exact_fen(spread.residual)
    return amortize(case.book, months, case.amortised_from, spread.method, residual)


def card_of(case: Case, known: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """Write the card that follows from the day's decision. Contract: AssetCard."""
    found = case.held("operate")
    ends = found.last if found.live else None
    last = str(closed["period"].max() or "")
    return next_card(known, case.decision, ends, case.terms, case.as_of, last)


def valuation(case: Case, appraisal: Appraisal | None) -> pl.DataFrame:
    """Put book value and appraised value side by side. Contract: Valuation.

    An appraisal whose income lasts beyond the right to operate, as it is registered on
    the day, does not stand: it is named, but has no value and no day.
    """
    terms, right = case.terms, case.held("operate")
    charged = terms.recognition.charged.answer
    known = (terms.entity, terms.name, terms.version, case.decision.outcome, charged)
    if appraisal is None:
        nothing = (case.book, 0, "none", "nobody", "none", None, None)
        return frame_of(Valuation, [(*known, *nothing)])
    stated = case_of(terms, appraisal)
    if not income_within(stated, right.last if right.live else None):
        unfounded = (0, "none", appraisal.appraiser, appraisal.report, None, None)
        return frame_of(Valuation, [(*known, case.book, *unfounded)])
    by = (approaches(appraisal), appraisal.appraiser, appraisal.report)
    last = valid_to(appraisal, case.rules.appraisal_valid_months)
    row = (*known, case.book, appraised(stated), *by, appraisal.valuation_date, last)
    return frame_of(Valuation, [row])


def approaches(appraisal: Appraisal) -> str:
    """Name each method's approach with its weight: ``income 0.7, market 0.3``."""
    return ", ".join(f"{m.approach} {m.weight}" for m in appraisal.methods)
