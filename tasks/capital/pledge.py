"""Write the pledge of an asset version for a loan."""

import polars as pl

from schemas.contract import frame_of
from schemas.registers import Pledge
from tasks.capital.coverage import ppm
from tasks.capital.eligibility import Case


def pledge(case: Case) -> pl.DataFrame:
    """Write the pledge as the terms describe it. Contract: Pledge.

    10,019,400.00 appraised, at most 0.50 of it -> cap 5,009,700.00.
    """
    terms = case.terms
    row = (
        *(terms.agreement, terms.entity, terms.asset, terms.version, terms.lenders),
        *(case.principal, case.cap, case.rules.exclusive_pledge),
        *(terms.drawdown, case.maturity, terms.rank),
        *(ppm(case.rules.root_overlap), ppm(case.rules.reference_share)),
    )
    return frame_of(Pledge, [row])
