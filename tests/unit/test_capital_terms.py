"""What a document may write of a loan: kinds, tranches, rates, conditions, escrow."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.capital import CapitalTerms, Financing
from schemas.document import json_schema, load
from schemas.errors import FactorError
from schemas.factor import Factor
from schemas.loan import TierRules
from schemas.policy import Policy
from schemas.pool import PoolRules
from schemas.portfolio import ConcentrationRules, CoverageRules
from schemas.terms import Terms
from schemas.trust import ContributionTerms, TrustTerms
from tests.finance_case import CODE, capital_terms, make_capital

POLICY = Path(__file__).resolve().parents[2] / "deployments" / "policies"
TRANCHES = [
    {"tranche": "a", "lender": "Bank A", "amount": "150000000.00"},
    {"tranche": "b", "lender": "Bank B", "amount": "60000000.00"},
    {"tranche": "c", "lender": "Bank A", "amount": "30000000.00"},
]


class Financed(Terms):
    """A document of nothing but a financing."""

    capital: Financing


def facility(**changed: Any) -> CapitalTerms:
    """240,000,000.00 of two banks in three tranches."""
    stated = {"kind": "facility", "lender": "", "tranches": TRANCHES}
    terms = capital_terms().model_dump() | stated
    return CapitalTerms.model_validate({**without(terms, "principal"), **changed})


def without(terms: dict[str, Any], name: str) -> dict[str, Any]:
    return {n: v for n, v in terms.items() if n != name}


def test_a_facility_lends_the_sum_of_its_tranches() -> None:
    terms = facility()

    assert terms.principal == Decimal("240000000.00")
    assert terms.lenders == "Bank A, Bank B"
    assert [(one.loan, one.principal) for one in terms.loans()] == [
        ("LOAN-1/a", Decimal("150000000.00")),
        ("LOAN-1/b", Decimal("60000000.00")),
        ("LOAN-1/c", Decimal("30000000.00")),
    ]


def test_a_loan_of_one_lender_is_one_tranche_under_its_own_number() -> None:
    terms = capital_terms(grace_days=3, penalty_multiple="1.3", basis="ACT/360")

    (loan,) = terms.loans()

    assert [one.tranche for one in terms.parts] == ["1"]
    assert (loan.loan, loan.principal) == ("LOAN-1", Decimal("5000000.00"))
    assert (loan.drawdown, loan.months) == (date(2025, 6, 20), 12)
    assert (loan.grace_days, loan.penalty_multiple) == (3, Decimal("1.3"))
    assert loan.basis == "ACT/360"
    assert loan.rate.kind == "fixed"


def test_what_is_pledged_is_told_by_the_kind() -> None:
    assert capital_terms().pledged
    assert facility().pledged
    assert not capital_terms(kind="unsecured_line").pledged


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lender": "Bank C"}, "names its lenders by tranche"),
        ({"tranches": [], "principal": "1.00"}, "names its lenders by tranche"),
        ({"tranches": [TRANCHES[0]] * 2}, "a tranche is named twice"),
        ({"principal": "239999999.99"}, "not the sum of the tranches"),
        ({"kind": "pledge_loan"}, "one lender and no tranches"),
        ({"tranches": [{**TRANCHES[0], "amount": "0.001"}]}, "two decimals"),
    ],
)
def test_a_facility_that_does_not_add_up_is_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        facility(**changed)


LPR = {"kind": "lpr", "tenor": "1Y", "basis_points": -20, "reset_months": 12}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lender": ""}, "one lender and no tranches"),
        ({"annual_rate": None}, "annual_rate .* or rate, one of them"),
        ({"rate": LPR}, "annual_rate .* or rate, one of them"),
        (
            {"annual_rate": None, "rate": {**LPR, "first_reset": "2025-06-20"}},
            "first_reset must be after the drawdown",
        ),
        ({"annual_rate": "0.1234567891"}, "at most eight decimals"),
        ({"conditions": [{"name": "opinion", "text": "x"}] * 2}, "named twice"),
        ({"kind": "unsecured_line", "rank": 2}, "pledges nothing"),
        ({"escrow": {"bank": "Bank", "account": "12 34"}}, "escrow.account"),
        ({"grace_days": -1}, "grace_days"),
        ({"penalty_multiple": "0.9"}, "penalty_multiple"),
        ({"rank": 0}, "rank"),
    ],
)
def test_terms_that_contradict_each_other_are_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        capital_terms(**changed)


def test_a_year_of_cash_flow_is_stated_once() -> None:
    flow = {"year": 2026, "amount": "1.00", "evidence": "Forecast"}
    borrower = {"name": "B", "credit_code": CODE, "cash_flows": [flow, flow]}

    with pytest.raises(ValidationError, match="a year is stated twice"):
        capital_terms(borrower=borrower)


def test_the_number_of_an_escrow_account_is_told_by_its_last_four_signs() -> None:
    terms = capital_terms(escrow={"bank": "Bank", "account": "6222020200112233"})

    assert terms.escrow is not None
    assert terms.escrow.masked == "····2233"
    assert "6222020200112233" not in repr(terms) + str(terms.identity())
    read = CapitalTerms.model_validate(terms.identity())
    assert read.escrow is not None
    assert (read.escrow.masked, read.identity()) == ("····2233", terms.identity())


@pytest.mark.parametrize("method", ["bullet", "interest_only"])
def test_every_method_repays_all(method: str) -> None:
    plan = make_capital(terms=capital_terms(method=method)).repayment.collect()

    assert plan["principal_fen"].sum() == 500_000_000
    assert plan["balance_fen"].to_list()[-1] == 0


def test_the_tranches_of_a_facility_are_repaid_together() -> None:
    # Equal principal: 240,000,000.00 / 12; 0.3 % of all in the first month.
    first = make_capital(terms=facility()).repayment.collect().row(0, named=True)

    assert first["principal_fen"] == 2_000_000_000
    assert first["interest_fen"] == 72_000_000
    assert first["balance_fen"] == 22_000_000_000


@pytest.mark.parametrize(
    ("document", "model"),
    [
        (capital_terms().model_dump(), CapitalTerms),
        (
            {
                "kind": "contribution",
                "decision": "R-1",
                "contributor": "A",
                "investee": "B",
                "investee_code": CODE,
                "value": "1.00",
                "tax": "0.06",
                "evidence": "R-1",
            },
            ContributionTerms,
        ),
        (
            {
                "kind": "trust",
                "trust": "T-1",
                "settlor": "A",
                "trustee": "B",
                "evidence": "T-1",
                "books": "trustee-books",
                "beneficiaries": [{"name": "C", "share": "1"}],
                "settled_on": "2026-01-01",
                "ends_on": "2027-01-01",
            },
            TrustTerms,
        ),
    ],
    ids=["loan", "contribution", "trust"],
)
def test_the_kind_says_what_is_done_with_the_asset(
    document: dict[str, Any], model: type[Any]
) -> None:
    made: Any = TypeAdapter[Any](Financing).validate_python(document)

    assert type(made) is model


@pytest.mark.parametrize(
    "rules", [CoverageRules, ConcentrationRules, PoolRules, TierRules]
)
@pytest.mark.parametrize("path", sorted(POLICY.glob("*.yaml")), ids=lambda p: p.stem)
def test_each_policy_of_the_house_serves_the_lenders_other_rooms(
    path: Path, rules: type[Any]
) -> None:
    assert load(path, Policy).resolve(rules).policy == path.stem


def test_an_error_in_a_financing_is_told_at_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "loan.yaml"
    path.write_text(
        "capital:\n  kind: unsecured_line\n  months: 0\n  agrement: A-1\n"
        "  lender: TODO  # who lends?\n",
        "utf-8",
    )

    with pytest.raises(FactorError) as told:
        load(path, Financed)

    said = str(told.value).splitlines()
    assert "loan.yaml line 5, capital.lender: TODO who lends?" in said
    assert "loan.yaml line 3, capital.months: Input should be greater than 0" in said
    assert (
        "loan.yaml line 4, capital.agrement: unknown key; did you mean agreement?"
        in said
    )
    assert not any("capital.lender: Field" in line for line in said)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("  agreement: A-1\n", "line 1, capital: write kind: one of its kinds"),
        (
            "  kind: gift\n",
            "line 1, capital: write kind: 'pledge_loan', 'unsecured_line', 'facility',"
            " 'contribution', 'trust'",
        ),
        (
            "  kind: unsecured_line\n  agreement: A-1\n  lender: B\n  months: 12\n"
            f"  borrower: {{name: A, credit_code: {CODE}}}\n  method: bullet\n"
            '  principal: "1.00"\n  drawdown: 2026-06-30\n',
            "line 1, capital: write annual_rate (fixed) or rate, one of them",
        ),
    ],
)
def test_a_financing_of_no_kind_is_told_without_its_values(
    written: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "loan.yaml"
    path.write_text(f"capital:\n{written}", "utf-8")

    with pytest.raises(FactorError) as told:
        load(path, Financed)

    assert str(told.value) == f"loan.yaml {said}"


def test_editors_are_told_every_kind_of_financing() -> None:
    told = json_schema(Factor)

    capital = told["properties"]["capital"]["anyOf"][0]["discriminator"]["mapping"]
    assert capital.keys() == {
        *("pledge_loan", "unsecured_line", "facility", "contribution", "trust")
    }
    written = told["$defs"]["CapitalTerms"]["properties"]
    assert {"borrower", "tranches", "conditions", "escrow"} <= written.keys()
    assert not written.keys() & {"rules", "graded", "public", "renewed", "factor"}
