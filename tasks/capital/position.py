"""Say where a loan stands on a day."""

import polars as pl

from schemas.capital import Position
from schemas.contract import frame_of
from tasks.capital.eligibility import Case
from tasks.finance import ratio


def position(case: Case) -> pl.DataFrame:
    """Set what is owed against the appraised value. Contract: Position.

    5,000,000.00 owed, 8,968,000.00 appraised -> LTV 0.557538, coverage 1.793600
    (COL-01). A line that pledges nothing has neither ratio.
    """
    terms, appraised = case.terms, case.valued.appraised_fen
    pledged = appraised if terms.pledged else 0
    row = (
        *(terms.agreement, terms.asset, terms.version, "live" if case.live else "new"),
        *(case.principal, case.outstanding, case.owed.by, appraised),
        ratio(case.outstanding, pledged),
        ratio(pledged, case.outstanding) if terms.pledged else "",
        *(case.valued.valid_to, case.maturity),
    )
    return frame_of(Position, [row])
