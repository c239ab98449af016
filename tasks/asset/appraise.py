"""Appraise by the income approach, with every input laid open (IVS 104, 中评协〔2023〕17号)."""

from schemas.asset import IncomeAppraisal
from schemas.money import fen
from tasks.finance import present_value

InputRow = tuple[str, str, int, str, str, str]  # contract AppraisalInputs


def appraise(appraisal: IncomeAppraisal) -> int:
    """Value in fen: P = Σ F_t/(1+i)^t at year ends, rounded once, half up.

    300,000, 320,000, 340,000 at 12 % -> 764,964.47 (VAL-06).
    """
    return fen(present_value(appraisal.cash_flows, appraisal.discount_rate))


def inputs_of(appraisal: IncomeAppraisal) -> list[InputRow]:
    """List what a stranger needs to recompute the value."""
    by = appraisal.appraiser
    flows = [
        ("income", "cash_flow", year, str(flow), "CNY", by)
        for year, flow in enumerate(appraisal.cash_flows, 1)
    ]
    rate = str(appraisal.discount_rate)
    return [
        ("income", "discount_rate", 0, rate, "fraction per year", by),
        ("income", "premises", 0, appraisal.premises, "text", by),
        ("income", "timing", 0, "year-end", "text", by),
        *flows,
    ]
