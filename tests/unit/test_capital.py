"""The fourth stage: eligibility, pledge, repayment, position, monitoring."""

from datetime import date
from typing import Any, get_args

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.capital import Capital
from schemas.collateral import Fingerprint
from schemas.contract import frame_of
from schemas.entity import CHART
from schemas.errors import FactorError
from schemas.registers import CollateralRoot
from tests.finance_case import (
    CODE,
    DRAWDOWN,
    HOLDER,
    capital_terms,
    failed,
    lender_rules,
    make_capital,
    operating,
    pledged,
    posted,
    right_event,
    rooted,
    valued,
)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"pledges": [pledged()], "as_of": date(2025, 8, 1)},
        {"valuation": valued(appraised_fen=0, appraised_on=None, valid_to=None)},
    ],
    ids=["new", "live", "refused"],
)
def test_every_frame_has_exactly_the_columns_and_types_of_its_contract(
    given: dict[str, Any],
) -> None:
    made = make_capital(**given)

    for name, annotation in Capital.__annotations__.items():
        contract, frame = get_args(annotation)[1], getattr(made, name)
        assert frame.collect_schema() == frame_of(contract, []).schema, name
        contract.to_schema().validate(frame.collect())


def test_every_gate_is_open_in_the_base_case_and_names_its_evidence() -> None:
    gates = make_capital().gates.collect()

    assert gates["passed"].all()
    assert not (gates["evidence"] == "").any()
    assert set(gates["decided_on"]) == {DRAWDOWN}


def test_the_pledge_names_asset_version_cap_and_maturity() -> None:
    assert make_capital().pledge.collect().rows() == [pledged()]


def test_the_loan_is_written_down_with_its_borrower_and_maturity() -> None:
    agreed = make_capital().loan.collect().row(0, named=True)

    assert (agreed["loan"], agreed["tranche"]) == ("LOAN-1", "1")
    assert (agreed["factor"], agreed["asset"]) == ("index", "index-asset")
    assert (agreed["borrower"], agreed["borrower_code"]) == (HOLDER, CODE)
    assert agreed["amount_fen"] == 500_000_000
    assert (agreed["signed_on"], agreed["matures_on"]) == (
        DRAWDOWN,
        date(2026, 6, 20),
    )
    live = make_capital(pledges=[pledged()], as_of=date(2025, 8, 1))
    assert live.loan.collect().is_empty()


def test_data_that_changed_under_a_live_pledge_posts_its_root_and_known_data_none() -> (
    None
):
    new = frame_of(Fingerprint, [("b" * 64, "index/snow!s.csv", 1_000, 1_000_000, "")])
    new = new.vstack(rooted().collect())
    of_pledge = ("LOAN-1", "jiangbei", "index-asset", "1.0.0", "a" * 64)
    known = frame_of(CollateralRoot, [(*of_pledge, "rain", 1_000, 1_000_000, "")])
    live: dict[str, Any] = {"pledges": [pledged()], "as_of": date(2025, 8, 1)}

    changed = make_capital(**live, roots=new.lazy(), recorded=known.lazy())
    same = make_capital(**live, recorded=known.lazy())

    assert changed.gates.collect()["passed"].all()
    assert changed.roots.collect()["root"].to_list() == ["b" * 64]
    assert same.roots.collect().is_empty()


def test_the_cap_is_rounded_down() -> None:
    # 0.60 × 8,968,000.01 = 5,380,800.006
    made = make_capital(valued(appraised_fen=896_800_001)).pledge.collect()

    assert made["cap_fen"].item() == 538_080_000


@pytest.mark.parametrize(
    ("appraised", "ltv", "coverage"),
    [
        pytest.param(896_800_000, "0.557538", "1.793600", id="COL-01"),
        pytest.param(1_001_940_000, "0.499032", "2.003880", id="COL-02"),
    ],
)
def test_a_new_loan_stands_where_the_published_case_stood(
    appraised: int, ltv: str, coverage: str
) -> None:
    made = make_capital(valued(appraised_fen=appraised))

    row = made.position.collect().row(0, named=True)
    assert (row["status"], row["ltv"], row["coverage"]) == ("new", ltv, coverage)
    assert row["outstanding_fen"] == 500_000_000


@pytest.mark.parametrize(
    ("method", "first", "last", "interest"),
    [
        pytest.param(
            "equal_principal",
            (41_666_667, 1_500_000, 43_166_667, 458_333_333),
            (41_666_663, 125_000, 41_791_663, 0),
            9_750_000,
            id="LOAN-03",
        ),
        pytest.param(
            "equal_instalments",
            (40_983_629, 1_500_000, 42_483_629, 459_016_371),
            (42_356_555, 127_070, 42_483_625, 0),
            9_803_544,
            id="LOAN-04",
        ),
    ],
)
def test_the_loan_is_repaid_by_its_method(
    method: str, first: tuple[int, ...], last: tuple[int, ...], interest: int
) -> None:
    plan = make_capital(terms=capital_terms(method=method)).repayment.collect()

    assert plan.row(0)[2:-1] == first
    assert plan.row(-1)[2:-1] == last
    assert plan["interest_fen"].sum() == interest


def test_instalments_fall_due_month_by_month_and_keep_the_months_end() -> None:
    terms = capital_terms(drawdown="2025-08-31", months=7)

    due = make_capital(terms=terms).repayment.collect()["due_on"].to_list()

    assert [d.isoformat()[5:] for d in due] == [
        *("09-30", "10-31", "11-30", "12-31", "01-31", "02-28", "03-31")
    ]


def loan(**changed: Any) -> dict[str, Any]:
    return {"terms": capital_terms(**changed)}


def lender(**changed: Any) -> dict[str, Any]:
    return loan(rules=lender_rules(**changed))


@pytest.mark.parametrize(
    ("gate", "given", "said"),
    [
        ("policy_in_force", lender(applies_from="2025-06-21"), "from 2025-06-21"),
        ("not_free", {"valuation": valued(charged=False)}, "free to all"),
        (
            "recognised_asset",
            {"valuation": valued(outcome="not recognised"), "journal": posted()},
            "not recognised, not carried: the ledger has no line of it as an asset; it"
            " must be carried as an asset",
        ),
        (
            "recognised_asset",
            {"valuation": valued(outcome="development expenditure")},
            "development expenditure",
        ),
        # Its cost is spent on development and not ready: 1701 has no line of it.
        (
            "recognised_asset",
            {"journal": posted(("530102", 60_000_000))},
            "the ledger has no line of it as an asset",
        ),
        (
            "recognised_asset",
            {"journal": posted(("1701", 6_000), ("1702", -2_000), ("1703", -4_000))},
            "intangible, carried at 0.00 CNY in the ledger, for it left the books or is"
            " written off; it must be carried as an asset",
        ),
        (
            "appraisal",
            {"valuation": valued(appraised_on=None, valid_to=None)},
            "no appraisal",
        ),
        ("appraisal", {"valuation": valued(report=" ")}, "no appraisal"),
        (
            "appraisal",
            {"valuation": valued(valid_to=date(2025, 6, 19))},
            "valid 2025-06-01 to 2025-06-19, asked on 2025-06-20",
        ),
        (
            "appraisal",
            {"valuation": valued(appraised_on=date(2025, 6, 21))},
            "valid 2025-06-21",
        ),
        ("right_to_operate", {"rights": []}, "was granted"),
        ("right_to_operate", {"rights": [right_event("hold")]}, "was granted"),
        (
            "right_to_operate",
            {"rights": [operating(holder="Somebody else")]},
            f"no right to operate of {HOLDER}",
        ),
        (
            "right_to_operate",
            {"rights": [operating(valid_to=date(2026, 6, 19))]},
            "to 2026-06-19; the loan matures on 2026-06-20",
        ),
        (
            "right_to_operate",
            {"rights": [operating(evidence=" ")]},
            "held from",
        ),
        (
            "right_to_operate",
            {
                "rights": [
                    operating(),
                    right_event("operate", "revoke", effective_on=DRAWDOWN),
                ]
            },
            "revoked from 2025-06-20",
        ),
        (
            "right_to_operate",
            {
                "rights": [
                    operating(),
                    right_event("operate", "revoke", effective_on=date(2026, 6, 20)),
                ]
            },
            "to 2026-06-19",
        ),
        ("loan_to_value", loan(principal="5380800.01"), "0.600000, at most 0.60"),
        (
            "free_to_pledge",
            {"beside": [pledged(request="LOAN-0")]},
            "pledged under LOAN-0",
        ),
        (
            "free_to_pledge",
            {"beside": [pledged(request="LOAN-0", principal_fen=1)]}
            | lender(exclusive_pledge=False),
            "pledged under LOAN-0",
        ),
        (
            "free_to_pledge",
            {"as_of": date(2026, 6, 20)}
            | {"valuation": valued(valid_to=date(2027, 1, 1))},
            "matures on 2026-06-20",
        ),
    ],
)
def test_each_gate_closes_alone_when_its_evidence_is_missing(
    gate: str, given: dict[str, Any], said: str
) -> None:
    made = make_capital(**given)
    grounds = failed(made.gates)

    assert gate in grounds
    assert said in grounds[gate]
    # A second full pledge exceeds the value as well, and a right that nobody has can
    # be sold by nobody: two grounds, both told.
    assert set(grounds) <= {gate, "loan_to_value", "disposal"}
    assert made.pledge.collect().is_empty()


def test_a_loan_of_exactly_the_cap_is_allowed() -> None:
    assert failed(make_capital(terms=capital_terms(principal="5380800.00")).gates) == {}


def test_an_asset_without_value_carries_no_loan() -> None:
    grounds = failed(make_capital(valued(appraised_fen=0)).gates)

    assert set(grounds) == {"appraisal", "loan_to_value"}
    assert "undefined" in grounds["loan_to_value"]


@pytest.mark.parametrize(
    "given",
    [
        {"valuation": valued(appraised_on=DRAWDOWN)},
        {"valuation": valued(valid_to=DRAWDOWN)},
        lender(applies_from=DRAWDOWN),
        {"valuation": valued(valid_to=date(2027, 1, 1)), "as_of": date(2026, 6, 19)},
    ],
    ids=["appraised today", "last day of appraisal", "first day of policy", "late"],
)
def test_the_first_and_the_last_day_count(given: dict[str, Any]) -> None:
    assert failed(make_capital(**given).gates) == {}


@pytest.mark.parametrize("missing", ["appraised_on", "valid_to"])
def test_an_appraisal_without_one_of_its_days_closes_the_gate(missing: str) -> None:
    made = make_capital(valued(**{missing: None}))

    assert "no appraisal" in failed(made.gates)["appraisal"]


def test_a_right_that_ends_on_the_day_of_maturity_covers_the_loan() -> None:
    right = operating(valid_to=date(2026, 6, 20))

    assert failed(make_capital(rights=[right]).gates) == {}


def test_where_the_policy_allows_it_an_asset_need_not_stand_in_the_books() -> None:
    terms = capital_terms(rules=lender_rules(recognised_only=False))

    made = make_capital(valued(outcome="not recognised"), journal=posted(), terms=terms)

    assert failed(made.gates) == {}


# By hand: 80,000.00 of cost, less 20,000.00 amortised and 10,000.00 impaired.
WORN = (("1701", 8_000_000), ("1702", -2_000_000), ("1703", -1_000_000))


@pytest.mark.parametrize(
    ("sides", "carried"),
    [
        (WORN, "50,000.00"),
        ((*WORN, ("1002", 6_800_000), ("6115", -1_000_000)), "50,000.00"),
        ((("1405", 9_000_000), ("1471", -500_000)), "85,000.00"),
        ((("1701", 1),), "0.01"),
    ],
    ids=["worn intangible", "accounts of others", "written down stock", "a fen"],
)
def test_the_gate_says_what_the_ledger_carries_whatever_it_cost(
    sides: tuple[tuple[str, int], ...], carried: str
) -> None:
    gates = make_capital(journal=posted(*sides)).gates.collect()

    row = gates.row(by_predicate=pl.col("gate") == "recognised_asset", named=True)
    assert row["passed"]
    assert f"carried at {carried} CNY in the ledger;" in row["ground"]


def test_an_asset_that_was_disposed_of_carries_no_loan() -> None:
    gone = (("1701", -8_000_000), ("1702", 2_000_000), ("1703", 1_000_000))

    made = make_capital(journal=posted(*WORN, *gone))

    assert [*failed(made.gates)] == ["recognised_asset"]
    assert made.pledge.collect().is_empty()


def test_the_ledger_is_read_by_the_entitys_own_chart() -> None:
    own = capital_terms(accounts={**CHART, "intangible": "170105"})

    refused = make_capital(terms=own, journal=posted(("1701", 8_000_000)))
    granted = make_capital(terms=own, journal=posted(("170105", 8_000_000)))

    assert [*failed(refused.gates)] == ["recognised_asset"]
    assert failed(granted.gates) == {}


def test_pledges_that_share_an_asset_share_its_value() -> None:
    shared = lender(exclusive_pledge=False)
    small = pledged(request="LOAN-0", principal_fen=38_080_000, exclusive=False)
    large = pledged(request="LOAN-0", principal_fen=38_080_001, exclusive=False)

    assert failed(make_capital(beside=[small], **shared).gates) == {}
    assert set(failed(make_capital(beside=[large], **shared).gates)) == {
        *("loan_to_value", "free_to_pledge")
    }


def test_a_live_loan_is_monitored_and_pledges_nothing_new() -> None:
    made = make_capital(pledges=[pledged()], as_of=date(2025, 8, 20))

    row = made.position.collect().row(0, named=True)
    assert failed(made.gates) == {}
    assert made.pledge.collect().is_empty()
    # LOAN-03: 4,166,666.66 is owed after the second instalment
    assert (row["status"], row["outstanding_fen"]) == ("live", 416_666_666)


@pytest.mark.parametrize(
    ("day", "owed"),
    [
        (date(2025, 7, 19), 500_000_000),
        (date(2025, 7, 20), 458_333_333),
        (date(2026, 5, 20), 41_666_663),
        (date(2026, 6, 20), 0),
    ],
)
def test_what_is_owed_falls_on_the_due_days_of_loan_03(day: date, owed: int) -> None:
    made = make_capital(pledges=[pledged()], as_of=day)

    row = made.position.collect().row(0, named=True)
    assert row["outstanding_fen"] == owed
    assert row["coverage"] == "" if owed == 0 else float(row["coverage"]) > 1


def test_a_live_loan_is_judged_by_what_is_still_owed() -> None:
    # 5,000,000.00 would exceed 0.60 of 7,000,000.00; 4,166,666.66 does not
    fallen = valued(appraised_fen=700_000_000)

    def grounds(day: date) -> set[str]:
        return set(failed(make_capital(fallen, pledges=[pledged()], as_of=day).gates))

    assert grounds(date(2025, 7, 1)) == {"loan_to_value"}
    assert grounds(date(2025, 8, 20)) == set()


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"principal": "4999999.99"}, "principal_fen"),
        ({"lender": "Another bank"}, "lender"),
        ({"version": "1.1.0"}, "version"),
        ({"months": 11}, "matures_on"),
    ],
)
def test_a_document_that_departs_from_the_pledge_closes_the_gate(
    changed: dict[str, Any], column: str
) -> None:
    made = make_capital(pledges=[pledged()], terms=capital_terms(**changed))

    assert column in failed(made.gates)["as_pledged"]


def test_a_new_appraisal_does_not_depart_from_the_pledge() -> None:
    higher = valued(appraised_fen=1_001_940_000)

    assert failed(make_capital(higher, pledges=[pledged()]).gates) == {}


def test_terms_without_a_policy_are_refused() -> None:
    with pytest.raises(FactorError, match="no policy"):
        make_capital(terms=capital_terms(rules=None))


def test_the_gate_itself_checks_the_borrowers_code() -> None:
    terms = capital_terms()
    forged = terms.borrower.model_copy(update={"credit_code": "91110000600037341N"})

    made = make_capital(terms=terms.model_copy(update={"borrower": forged}))

    assert list(failed(made.gates)) == ["borrower"]


@pytest.mark.parametrize(
    "changed",
    [
        {"principal": "0"},
        {"principal": "-1"},
        {"principal": "0.001"},
        {"principal": 0.5},
        {"annual_rate": "-0.01"},
        {"annual_rate": "3.6%"},
        {"months": 0},
        {"method": "balloon"},
        {"kind": "gift"},
        {"borrower": {"name": HOLDER, "credit_code": "12345"}},
    ],
)
def test_terms_that_are_no_loan_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        capital_terms(**changed)
