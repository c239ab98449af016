"""Count the days past due of many loans at once, and put each in one of five tiers.

Days count from the day to pay of the oldest row that is unpaid; within the days of
grace a row is not overdue, after them all days count. The tier follows from the days
alone, by the policy's limits: 商业银行金融资产风险分类办法 (2023, No. 1) has special
mention once overdue, substandard above 90 days, doubtful above 270, loss above 360
(arts. 10 to 13). Other grounds of that rule (impairment, the borrower's state, a
restructured loan, months of observation before an upgrade) are not judged here.

Payable on 2025-09-22, unpaid on 2025-12-22 -> 91 days, substandard 次级.
"""

from datetime import date
from typing import Annotated

import polars as pl

from schemas.loan import TIERS, Arrears, LoanDue, LoanTier, TierRules


def arrears(
    dues: Annotated[pl.DataFrame, LoanDue], as_of: date
) -> Annotated[pl.DataFrame, Arrears]:
    """Sum up what is overdue of each loan on a day, 0 where nothing is."""
    day = pl.lit(as_of, pl.Date)
    owed = pl.col("principal_fen") + pl.col("interest_fen") > 0
    days = (day - pl.col("payable_on")).dt.total_days()
    late = owed & (days > pl.col("grace_days"))
    amounts = "principal_fen", "interest_fen"
    return dues.group_by("loan", maintain_order=True).agg(
        pl.when(late).then(days).otherwise(0).max().alias("days_past_due"),
        *(pl.when(late).then(name).otherwise(0).sum().alias(name) for name in amounts),
    )


def classify(
    found: Annotated[pl.DataFrame, Arrears], rules: TierRules
) -> Annotated[pl.DataFrame, LoanTier]:
    """Put each loan in the worst tier whose limit its days past due exceed."""
    days, tier = pl.col("days_past_due"), pl.lit(TIERS[0])
    for limit, name in zip(rules.limits, TIERS[1:], strict=True):
        tier = pl.when(days > limit).then(pl.lit(name)).otherwise(tier)
    return found.select("loan", "days_past_due", tier=tier)
