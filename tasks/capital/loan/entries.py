"""Write a loan's events as entries of the borrower: debit above 0, credit below.

Drawdown 1002 / 2001, or 2501 where it runs for more than a year; interest and penalty
as they accrue 6603 / 2231; repayment 2001 or 2501, 2231 / 1002 (企业会计准则应用指南
附录 会计科目). Fees are charged when they are paid: 6603 / 1002. A payment clears what
was accrued up to its day: accrue first, else 2231 is left in debit. The pledge itself
is no entry. Lines are roles of the chart, in fen; their sum is 0, none is 0.

Drawdown of 5,000,000.00 over 12 months -> bank 500,000,000, short_term_loan
−500,000,000.
"""

from schemas.loan import LoanRole, LoanTerms
from schemas.money import exact_fen
from tasks.capital.loan.allocate import Allocation

Lines = list[tuple[LoanRole, int]]
YEAR = 12  # months


def loan_role(terms: LoanTerms) -> LoanRole:
    """Choose the account of the principal by its term: to a year 2001, else 2501."""
    return "short_term_loan" if terms.months <= YEAR else "long_term_loan"


def drawdown_entry(terms: LoanTerms) -> Lines:
    """Receive the money."""
    principal = exact_fen(terms.principal)
    return [("bank", principal), (loan_role(terms), -principal)]


def accrual_entry(interest: int) -> Lines:
    """Bear interest, or penalty, that is not paid yet; nothing of 0."""
    lines: Lines = [("interest_expense", interest), ("interest_payable", -interest)]
    return [line for line in lines if line[1]]


def repayment_entry(made: Allocation, terms: LoanTerms) -> Lines:
    """Pay what the payment was put to; what it left over is not this loan's."""
    interest = made.interest + made.penalty
    paid = made.fees + interest + made.principal
    lines: Lines = [
        (loan_role(terms), made.principal),
        ("interest_payable", interest),
        ("interest_expense", made.fees),
        ("bank", -paid),
    ]
    return [line for line in lines if line[1]]
