"""Settle an asset in a trust, and distribute what it earns by the deed's shares.

A trust needs property that is certain and the settlor's own (Trust Law art. 7): the
right to operate, held to the last day of the trust, appraised and in no pledge.
Receipts are split to fen by largest remainder, so that the parts sum to the receipt.

100.00 over three equal beneficiaries (0.333334, 0.333333, 0.333333) -> 33.34, 33.33,
33.33.
"""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.asset import Valuation
from schemas.contract import frame_of
from schemas.errors import ContractError
from schemas.gates import Gates
from schemas.registers import Dispute, Pledge, Right
from schemas.trust import Interest, Receipt, Settled, TrustPayment, TrustTerms
from tasks.capital.contribute import read_valuation, unpledged
from tasks.capital.coverage import ppm
from tasks.capital.eligibility import appraisal_stands
from tasks.finance import largest_remainder
from tasks.rights import UNDISPUTED, disputed, standing


def settle(
    valuation: Annotated[pl.LazyFrame, Valuation],
    rights: Annotated[pl.LazyFrame, Right],
    pledges: Annotated[pl.LazyFrame, Pledge],
    terms: TrustTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, Dispute] = UNDISPUTED,
) -> Settled:
    """Decide whether an asset may be settled, and say who benefits.

    Args:
        valuation: The asset's book value and appraised value.
        rights: Right events over the asset.
        pledges: Pledges that hold the asset on the day.
        terms: The deed.
        as_of: The day the stage speaks of.
        disputes: Disputes over the factor or its asset.
    """
    valued = read_valuation(valuation)
    right = standing(rights.collect(), "operate", as_of, terms.settlor)
    lasts = right.live and right.last >= terms.ends_on
    said = f"{right.ground}; the trust ends on {terms.ends_on}"
    paid = "charged for or used inside" if valued.charged else "free to all"
    gates = [
        ("not_free", valued.charged, paid, "the valuation"),
        appraisal_stands(valued, as_of),
        ("right_to_operate", lasts, said, right.evidence),
        unpledged(pledges.collect()),
        disputed(disputes.collect(), (terms.factor, terms.asset), as_of),
    ]
    settled = all(passed for _, passed, _, _ in gates)
    rows = [
        (terms.trust, terms.asset, terms.version, one.name, ppm(one.share))
        for one in terms.beneficiaries
    ]
    return Settled(
        gates=frame_of(Gates, [(*gate, as_of) for gate in gates]).lazy(),
        interests=frame_of(Interest, rows if settled else []).lazy(),
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
