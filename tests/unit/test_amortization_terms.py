"""A document says how a cost is spread, and gives the grounds the standard asks for."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.asset import AmortizationTerms

STATED = {"method": "straight_line", "life_months": 60, "life_basis": "peers"}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"method": "sum_of_years"},
        {"method": "declining_balance", "serves": "management"},
        {"method": "units_of_use", "units": 1_000},
        {"residual": "1.00", "residual_basis": "promise to buy"},
        {"contract_ends": "2028-12-31"},
    ],
)
def test_each_method_of_the_standard_can_be_stated(changed: dict[str, Any]) -> None:
    terms = AmortizationTerms.model_validate(STATED | changed)

    assert terms.life_months == 60
    assert AmortizationTerms.model_validate(terms.identity()) == terms


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"method": "units_of_use"}, "units go with method units_of_use"),
        ({"units": 1_000}, "units go with method units_of_use"),
        ({"residual": "1.00"}, "a residual needs residual_basis"),
        ({"residual": "1.00", "residual_basis": " "}, "a residual needs"),
        ({"residual": "-0.01"}, "greater than or equal to 0"),
        ({"residual": "0.001"}, "at most two decimals"),
        ({"residual": 0.5}, "write the number in quotes"),
        ({"life_months": 0}, "greater than 0"),
        ({"method": "when_it_suits"}, "straight_line"),
    ],
)
def test_what_the_standard_does_not_allow_is_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        AmortizationTerms.model_validate(STATED | changed)
