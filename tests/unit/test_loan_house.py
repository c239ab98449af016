"""The house's bank calendar and LPR table, and a loan paid out on another day."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.document import load
from schemas.loan import BankCalendar, LprTable
from tasks.capital.loan.rates import last_publication, rate_steps
from tasks.capital.loan.schedule import plan
from tests.loan_case import CHINA, flat, loan_terms, lpr_rate

HOUSE = Path(__file__).resolve().parents[2] / "deployments"
CALENDAR = load(HOUSE / "calendars" / "cn.yaml", BankCalendar)
LPR = load(HOUSE / "lpr.yaml", LprTable)


def test_the_calendar_of_the_house_has_the_days_of_both_notices() -> None:
    for known, noticed in zip(CALENDAR.years, CHINA.years, strict=True):
        assert known.year == noticed.year
        assert known.source.startswith(noticed.source)
        assert set(known.rest) == set(noticed.rest)
        assert set(known.work) == set(noticed.work)


def test_every_value_of_the_lpr_names_its_report_and_is_of_a_day_of_publication() -> (
    None
):
    for value in LPR.values:
        assert value.published_on == last_publication(value.published_on, CALENDAR)
        assert value.source.strip()


def test_a_reset_reads_the_table_of_the_house() -> None:
    terms = loan_terms(drawdown="2025-03-03", rate=lpr_rate(basis_points=-10))

    steps = rate_steps(terms, LPR.fixings, CALENDAR, date(2025, 6, 3))

    # 3.10 % of 2025-02-20 and 3.00 % of 2025-05-20, less 10 basis points
    assert steps == ((date(2025, 3, 3), 3_000_000), (date(2025, 6, 3), 2_900_000))


def test_a_day_of_publication_stands_once() -> None:
    value = {"published_on": "2025-01-20", "source": "made up for this test"}
    value |= {"one_year": "0.03", "five_years": "0.04"}

    with pytest.raises(ValidationError, match="twice"):
        LprTable.model_validate({"values": [value, value]})


def test_a_loan_paid_out_later_is_due_on_the_days_that_were_agreed() -> None:
    terms = loan_terms(method="equal_principal", basis="ACT/360", paid_out="2025-08-01")

    rows = plan(terms, flat(start=date(2025, 8, 1)))

    # agreed: 2025-07-20 … 2026-06-20; the first of the 11 that follow is 2025-08-20
    assert [rows[0].from_on, rows[0].due_on] == [date(2025, 8, 1), date(2025, 8, 20)]
    assert (len(rows), rows[-1].due_on) == (11, date(2026, 6, 20))
    # 5,000,000.00 / 11 = 454,545.45…; 19 days at 3.6 % of 360 = 9,500.00
    assert (rows[0].principal, rows[0].interest) == (45_454_545, 950_000)
    assert sum(row.principal for row in rows) == 500_000_000


def test_a_floating_loan_paid_out_later_takes_the_value_of_that_day() -> None:
    terms = loan_terms(
        drawdown="2025-04-01", paid_out="2025-05-21", rate=lpr_rate(basis_points=0)
    )

    steps = rate_steps(terms, LPR.fixings, CALENDAR, date(2025, 7, 1))

    assert [step.from_on for step in steps] == [date(2025, 5, 21), date(2025, 7, 1)]
    assert {step.units for step in steps} == {int(Decimal("0.03") * 10**8)}
