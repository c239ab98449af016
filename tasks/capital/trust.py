"""Settle an asset in a trust, and distribute what it earns by the deed's shares.

A trust needs property that is certain and the settlor's own (Trust Law art. 7): the
right to operate, held to the last day of the trust, appraised and in no pledge.
Receipts are split to fen by largest remainder, so that the parts sum to the receipt.

100.00 over three equal beneficiaries (0.333334, 0.333333, 0.333333) -> 33.34, 33.33,
33.33.
"""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import Proposed, Valuation
from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.gates import Gates
from schemas.money import exact_fen
from schemas.registers import Dispute, Pledge, PledgeEvent, Right
from schemas.trust import (
    DistributionTerms,
    Interest,
    PassedOn,
    Receipt,
    Settled,
    TrustPayment,
    TrustTerms,
)
from tasks.capital.contribute import read_valuation, unpledged
from tasks.capital.coverage import ppm
from tasks.capital.eligibility import Answer, Valued, appraisal_stands
from tasks.capital.handover import HandedOver, Handover, hand_over
from tasks.finance import largest_remainder
from tasks.pledged import securing
from tasks.rights import UNDISPUTED, Standing, disputed

PROFIT = "4104"  # 利润分配, of the standard chart
SAID = {"collect": "received 收到信托收益", "distribute": "distributed 分配信托收益"}


def settle(
    valuation: Annotated[pl.LazyFrame, Valuation],
    rights: Annotated[pl.LazyFrame, Right],
    pledges: Annotated[pl.LazyFrame, Pledge],
    events: Annotated[pl.LazyFrame, PledgeEvent],
    terms: TrustTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, Dispute] = UNDISPUTED,
) -> Settled:
    """Settle an asset: say who benefits, and move the right to operate to the trustee.

    Args:
        valuation: The asset's book value and appraised value.
        rights: Right events over the asset.
        pledges: Pledges of the asset's entity.
        events: What happened to pledges; a released one holds nothing.
        terms: The deed.
        as_of: The day the stage speaks of.
        disputes: Disputes over the factor or its asset.

    Returns:
        Gates first; then the interests, and the transfers that move the right from
        the first day of the trust: after it the settlor has nothing to pledge.
    """
    valued = read_valuation(valuation)
    moved = hand_over(rights.collect(), handover(terms))
    gates = [settled_before(moved, terms)]
    if not moved.stands:
        gates = [
            begun(terms, as_of),
            charged(valued),
            appraisal_stands(valued, as_of),
            lasts(moved.held, terms),
            unpledged(securing(pledges.collect(), events.collect(), terms.asset)),
            disputed(disputes.collect(), (terms.factor, terms.asset), as_of),
        ]
    settled = all(passed for _, passed, _, _ in gates)
    rows = [
        (terms.trust, terms.asset, terms.version, one.name, ppm(one.share))
        for one in terms.beneficiaries
    ]
    transfers = moved.transfers if settled else moved.transfers.clear()
    return Settled(
        gates=frame_of(Gates, [(*gate, as_of) for gate in gates]).lazy(),
        interests=frame_of(Interest, rows if settled else []).lazy(),
        transfers=transfers.lazy(),
    )


def handover(terms: TrustTerms) -> Handover:
    """Say by what the settlor hands the right to operate to the trustee."""
    return Handover(
        giver=terms.settlor,
        taker=terms.trustee,
        on=terms.settled_on,
        basis=f"trust {terms.trust}",
        evidence=terms.evidence,
    )


def settled_before(moved: HandedOver, terms: TrustTerms) -> Answer:
    """Say that the trust stands by its transfers, which are posted."""
    said = f"settled on {terms.settled_on}, {terms.trustee} holds the right to operate"
    return "settled", moved.stands, said, terms.evidence


def begun(terms: TrustTerms, on: date) -> Answer:
    """Ask for a trust that has begun: nothing is handed over ahead."""
    said = f"the trust begins on {terms.settled_on}"
    return "begun", terms.settled_on <= on, said, terms.evidence


def charged(valued: Valued) -> Answer:
    """Ask for an asset that earns something."""
    said = "charged for or used inside" if valued.charged else "free to all"
    return "not_free", valued.charged, said, "the valuation"


def lasts(held: Standing, terms: TrustTerms) -> Answer:
    """Ask for the settlor's right to operate to the last day of the trust."""
    said = f"{held.ground}; the trust ends on {terms.ends_on}"
    passed = held.live and held.last >= terms.ends_on
    return "right_to_operate", passed, said, held.evidence


def distribute(
    rights: Annotated[pl.LazyFrame, Right], terms: DistributionTerms, as_of: date
) -> PassedOn:
    """Pass a receipt of a trust on, and propose the entries of its books.

    A trustee keeps each trust's property and books apart (Trust Law arts. 16, 29), so
    the trust is an entity of its own: bank / income when it receives, distribution of
    profit 利润分配 / bank when it pays, a line each beneficiary (as 财会〔2005〕1号 has
    it; recalled, not read).

    Args:
        rights: Right events over the asset: the trustee must hold it.
        terms: The deed, what was received, by which voucher.
        as_of: Day of the receipt.

    Returns:
        Gates first; then a payment each beneficiary, and two entries.
    """
    deed = terms.deed
    moved = hand_over(rights.collect(), handover(deed))
    gates = [settled_before(moved, deed), within_the_trust(deed, as_of)]
    open_ = all(passed for _, passed, _, _ in gates)
    row = (terms.receipt, as_of, exact_fen(terms.amount))
    receipts = frame_of(Receipt, [row] if open_ else []).lazy()
    payments = distribute_receipts(receipts, deed).collect()
    return PassedOn(
        gates=frame_of(Gates, [(*gate, as_of) for gate in gates]).lazy(),
        payments=payments.lazy(),
        journal=frame_of(Proposed, entries(payments, terms, as_of)).lazy(),
    )


def within_the_trust(deed: TrustTerms, on: date) -> Answer:
    """Ask for a day of the trust: what came before or after it is not the trust's."""
    said = f"the trust runs from {deed.settled_on} to {deed.ends_on}, received on {on}"
    passed = deed.settled_on <= on <= deed.ends_on
    return "within_the_trust", passed, said, deed.evidence


def entries(
    payments: Annotated[pl.DataFrame, TrustPayment], terms: DistributionTerms, on: date
) -> Iterator[tuple[object, ...]]:
    """Write receipt and distribution; a beneficiary of no fen has no line."""
    rows = payments.select("beneficiary", "amount_fen").iter_rows()
    paid = [(name, fen) for name, fen in rows if fen]
    total, chart = sum(fen for _, fen in paid), terms.accounts
    if not total:
        return
    received = [(chart["bank"], total, ""), (chart["revenue"], -total, "")]
    shared = [(PROFIT, fen, f", {name}") for name, fen in paid]
    shared += [(chart["bank"], -total, "")]
    for event, lines in (("collect", received), ("distribute", shared)):
        for line, (account, amount, whom) in enumerate(lines, 1):
            yield (
                *(terms.deed.books, f"{event}/{terms.deed.trust}/{terms.receipt}"),
                *(line, on, f"{on:%Y-%m}", account, amount),
                f"{SAID[event]}, {terms.deed.trust}{whom}",
                *("", event, terms.receipt, ""),
            )


def distribute_receipts(
    receipts: Annotated[pl.LazyFrame, Receipt], terms: TrustTerms
) -> Annotated[pl.LazyFrame, TrustPayment]:
    """Split each receipt among the beneficiaries, in the order of the deed.

    Raises:
        ContractError: Something was received before the trust began.
    """
    received = receipts.sort("received_on", "receipt").collect()
    early = received.filter(pl.col("received_on") < terms.settled_on).height
    if early:
        raise ContractError(
            f"{early} receipts lie before the trust begins on {terms.settled_on}: they"
            " are the settlor's"
        )
    shares = {one.name: ppm(one.share) for one in terms.beneficiaries}
    rows = [
        (receipt, on, name, part)
        for receipt, on, amount in received.iter_rows()
        for name, part in largest_remainder(amount, shares).items()
    ]
    return frame_of(TrustPayment, rows).lazy()
