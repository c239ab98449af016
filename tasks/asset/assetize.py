"""Make an asset of a product: rights, cost, recognition, journal, appraisal."""

from datetime import date, timedelta
from typing import Annotated

import polars as pl

from schemas.asset import (
    AppraisalInputs,
    Asset,
    AssetTerms,
    IncomeAppraisal,
    Recognition,
    Valuation,
)
from schemas.contract import frame_of
from schemas.errors import FactorError
from schemas.gates import Gates
from schemas.policy import AssetRules
from schemas.registers import Cost, Right
from tasks.asset.amortize import amortize, no_schedule
from tasks.asset.appraise import appraise, inputs_of
from tasks.asset.cost import allocate
from tasks.asset.journal import capitalised, journal
from tasks.asset.recognize import Decision, recognize
from tasks.finance import months_later
from tasks.rights import live_right


def assetize(
    product: pl.LazyFrame,
    costs: pl.LazyFrame,
    rights: Annotated[pl.LazyFrame, Right],
    terms: AssetTerms,
    as_of: date,
) -> Asset:
    """Book what the product cost; appraise it beside the books, never into them.

    Args:
        product: The product; it must hold rows to be worth anything.
        costs: The vouchers, parsed (``schemas.asset.VOUCHER_COLUMNS``), fen.
        rights: Right events already posted for this asset.
        terms: The document's asset with entity, policy and product filled in.
        as_of: The day the stage speaks of.

    Returns:
        Gates first; then rights, costs and journal lines to post, the allocation, the
        recognition path, the amortisation schedule, the appraisal's inputs and the
        valuation.

    Raises:
        FactorError: The terms lack their policy.
        ContractError: A pool has no shares, or the chart lacks an account.

    Source: 财会〔2023〕11号; CAS 6 arts. 9, 12, 17. A voucher of 650,000.00 of
    development whose pool this product bears alone -> book value 650,000.00.
    """
    rules = terms.rules
    if rules is None:
        raise FactorError("asset: no policy was resolved; name one in the document")
    granted = grants(terms)
    events = pl.concat([rights.collect(), granted]).unique(["certificate", "right", "event"])
    vouchers = cost_rows(costs, terms)
    decision = recognize(terms, as_of)
    allocation = allocate(vouchers, terms)
    borne = borne_by(terms.product, vouchers, allocation, decision)
    book = int(borne.filter("capitalised")["amount_fen"].sum())
    ready = terms.recognition.available_from
    amortised = decision.outcome == "intangible" and ready and book
    appraisal = terms.appraisal[-1] if terms.appraisal else None
    return Asset(
        gates=gates(events, vouchers, borne, product, rules, as_of).lazy(),
        rights=granted.lazy(),
        costs=vouchers.lazy(),
        allocation=allocation.lazy(),
        recognition=frame_of(Recognition, decision.steps).lazy(),
        journal=journal(borne, decision, terms).lazy(),
        amortization=(
            amortize(book, terms.amortization.life_months, ready)
            if amortised and ready
            else no_schedule()
        ).lazy(),
        appraisal_inputs=frame_of(
            AppraisalInputs, inputs_of(appraisal) if appraisal else []
        ).lazy(),
        valuation=valuation(terms, rules, decision, book, appraisal).lazy(),
    )


def grants(terms: AssetTerms) -> pl.DataFrame:
    """Write the rights of the document as register rows. Contract: Right."""
    rows = [
        (
            *(terms.entity, terms.name, r.right, "grant", r.certificate, r.holder),
            *(r.basis, r.scope, r.evidence, r.valid_from, r.valid_from, r.valid_to),
        )
        for r in terms.rights
    ]
    return frame_of(Right, rows)


def cost_rows(costs: pl.LazyFrame, terms: AssetTerms) -> pl.DataFrame:
    """Turn parsed vouchers into register rows. Contract: Cost."""
    named = costs.rename({"amount": "amount_fen"}).with_columns(
        entity=pl.lit(terms.entity)
    )
    return named.select(list(Cost.to_schema().columns)).collect()


def borne_by(
    product: str, vouchers: pl.DataFrame, allocation: pl.DataFrame, decision: Decision
) -> pl.DataFrame:
    """Keep the voucher lines this product bears a part of, with that part."""
    own = allocation.filter(
        (pl.col("product") == product) & (pl.col("amount_fen") > 0)
    ).select("voucher", "line", "amount_fen")
    lines = vouchers.drop("amount_fen").join(own, on=["voucher", "line"])
    return lines.with_columns(capitalised=capitalised(lines, decision))


def gates(
    events: pl.DataFrame,
    vouchers: pl.DataFrame,
    borne: pl.DataFrame,
    product: pl.LazyFrame,
    rules: AssetRules,
    as_of: date,
) -> pl.DataFrame:
    """Answer whether the stage may go on; what lacks evidence does not pass."""
    rows = [right_gate(events, right, as_of) for right in ("process", "operate")]
    sold = int(product.select(pl.len()).collect().item())
    rows.append(("product", sold > 0, f"the product holds {sold:,} rows", "the product"))
    bare = vouchers.filter(pl.col("evidence").str.strip_chars() == "").height
    rows.append(
        ("vouchers", bare == 0, f"{bare} of {vouchers.height} lines lack evidence", "costs")
    )
    first = borne.filter("capitalised")["incurred_on"].min()
    late = not isinstance(first, date) or first >= rules.recognition_from
    said = f"capitalised cost begins {first}; the rules apply from {rules.recognition_from}"
    rows.append(("recognition_date", late, said, "policy rule recognition_from"))
    return frame_of(Gates, [(*row, as_of) for row in rows])


def right_gate(
    events: pl.DataFrame, right: str, as_of: date
) -> tuple[str, bool, str, str]:
    """Ask whether a right is live on a day."""
    held = live_right(events, right, as_of)
    if held is None:
        ground = f"no right to {right} is live on {as_of}: granted never, ended or revoked"
        return f"right_to_{right}", False, ground, "register Right"
    ground = f"right to {right} held by {held.holder} to {held.valid_to}"
    return f"right_to_{right}", True, ground, held.certificate


def valuation(
    terms: AssetTerms,
    rules: AssetRules,
    decision: Decision,
    book: int,
    appraisal: IncomeAppraisal | None,
) -> pl.DataFrame:
    """Put book value and appraised value side by side. Contract: Valuation."""
    known = (terms.entity, terms.name, terms.version, decision.outcome, book)
    if appraisal is None:
        return frame_of(Valuation, [(*known, 0, "none", "nobody", None, None)])
    last = months_later(appraisal.appraised_on, rules.appraisal_valid_months)
    dates = (appraisal.appraised_on, last - timedelta(days=1))
    by = (appraise(appraisal), appraisal.approach, appraisal.appraiser)
    return frame_of(Valuation, [(*known, *by, *dates)])
