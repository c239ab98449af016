"""A policy is a dated set of rules; a stage takes what it reads, or stops."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from schemas.document import load
from schemas.errors import FactorError
from schemas.policy import AssetRules, CapitalRules, Policy, Rule

POLICIES = Path(__file__).resolve().parents[2] / "deployments" / "policies"


def policy(**values: str) -> Policy:
    rules = {
        name: Rule(value=value, unit="any", source="test", status="house")
        for name, value in values.items()
    }
    return Policy(id="test", effective_from=date(2025, 1, 1), rules=rules)


LENDER = {
    "max_ltv": "0.50",
    "exclusive_pledge": "true",
    "recognised_only": "false",
    "root_overlap": "0.30",
    "reference_share": "0.05",
    "refused_grades": "core",
    "free_supplies": "open, shared",
    "refused_issuers": "11",
    "disposal_needs": "sublicensable",
    "min_quality": "0.60",
    "min_dscr": "1.20",
    "dscr_above": "10000000.00",
    "borrower_limit": "1.00",
    "industry_limit": "1.00",
    "lender_limit": "1.00",
}


def test_a_stage_takes_the_rules_it_reads_and_knows_whose_they_are() -> None:
    rules = policy(**LENDER, other="7").resolve(CapitalRules)

    assert rules.max_ltv == Decimal("0.50")
    assert (rules.exclusive_pledge, rules.recognised_only) == (True, False)
    assert (rules.policy, rules.applies_from) == ("test", date(2025, 1, 1))


@pytest.mark.parametrize("missing", LENDER)
def test_a_policy_that_lacks_a_rule_is_refused_by_its_name(missing: str) -> None:
    rest = {name: value for name, value in LENDER.items() if name != missing}

    with pytest.raises(FactorError, match=f"policy test lacks .*{missing}.*: add them"):
        policy(**rest).resolve(CapitalRules)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_ltv", "0"),
        ("max_ltv", "1.01"),
        ("max_ltv", "half"),
        ("max_ltv", "NaN"),
        ("exclusive_pledge", "maybe"),
        ("min_quality", "1.1"),
        ("min_dscr", "0"),
        ("borrower_limit", "0.001"),
    ],
)
def test_a_rule_whose_value_does_not_fit_is_refused(name: str, value: str) -> None:
    with pytest.raises(FactorError, match=f"policy test, {name}: "):
        policy(**LENDER | {name: value}).resolve(CapitalRules)


def test_rules_that_no_policy_filled_in_are_never_in_force() -> None:
    rules = CapitalRules.model_validate(LENDER)

    assert rules.applies_from == date.max


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.yaml")), ids=lambda p: p.stem)
def test_each_policy_of_the_house_serves_both_stages(path: Path) -> None:
    found = load(path, Policy)

    assert found.id == path.stem
    assert found.resolve(AssetRules).policy == found.resolve(CapitalRules).policy
