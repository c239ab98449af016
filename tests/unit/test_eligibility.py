"""What a lender asks beside value and right: data, disposal, others, and nothing shown.

The base case is COL-01's loan; each test takes one thing away, or makes it worse.
"""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.capital import Capital, CapitalTerms
from schemas.contract import frame_of
from schemas.registers import Pledge, PledgeEvent, Right
from tasks.capital.agree import agree
from tasks.capital.capitalize import capitalize
from tests.finance_case import (
    CARRIED,
    CODE,
    DRAWDOWN,
    HOLDER,
    around,
    capital_terms,
    failed,
    lender_rules,
    make_capital,
    offered,
    operating,
    pledged,
    renewed,
    right_event,
    rooted,
    scored,
    valued,
)
from tests.store.build import event, loan

PUBLIC = {
    "supply": "authorised-paid",
    "authority": "Bureau of weather",
    "operator": HOLDER,
    "agreement": "AGREEMENT-9",
    "valid_from": "2025-01-01",
    "valid_to": "2026-06-20",  # the day of LOAN-1's maturity
}


def public(**changed: Any) -> CapitalTerms:
    return capital_terms(public=[PUBLIC | changed])


def grounds(terms: CapitalTerms | None = None, **given_: Any) -> dict[str, str]:
    made = make_capital(terms=terms, **given_)
    shut = failed(made.gates)
    if shut:
        assert made.pledge.collect().is_empty()
        assert made.loan.collect().is_empty()
        assert made.roots.collect().is_empty()
    return shut


@pytest.mark.parametrize(
    ("gate", "terms", "said"),
    [
        (
            "authorisation",
            public(valid_to="2026-06-19"),
            "AGREEMENT-9 ends on 2026-06-19; the loan matures on 2026-06-20",
        ),
        ("authorisation", public(valid_to=None), "AGREEMENT-9 has no term"),
        ("authorisation", public(valid_from="2025-06-21"), "begins on 2025-06-21"),
        ("authorisation", public(operator="Another"), "is Another's, not the borrower"),
        ("authorisation", public(operator=""), "is nobody's, not the borrower's"),
        ("authorisation", public(raw_leaves=True), "raw rows leave the domain"),
        ("not_free", public(supply="open"), "public data supplied as open stays free"),
        ("not_free", public(supply="authorised-free"), "as authorised-free stays free"),
        (
            "grade",
            capital_terms(graded={"resource": "core", "product": "general"}),
            "resource holds core data, which carries no loan",
        ),
        (
            "issuer",
            capital_terms(rules=lender_rules(refused_issuers="11, 91")),
            "registered under 91, whose bodies may not pledge",
        ),
        (
            "quality_floor",
            capital_terms(rules=lender_rules(min_quality="0.900001")),
            "quality score 0.900000, at least 0.900001",
        ),
        (
            "quality_floor",
            capital_terms(covenants={"min_quality": "0.95"}),
            "quality score 0.900000, at least 0.95",
        ),
        (
            "debt_service",
            capital_terms(rules=lender_rules(dscr_above="1.00")),
            "no cash flow is stated; above 1.00 CNY it must be",
        ),
        (
            "borrower_limit",
            capital_terms(rules=lender_rules(borrower_limit="4999999.99")),
            "5,000,000.00 with 0.00 CNY of other loans, more than the limit of",
        ),
    ],
)
def test_a_loan_is_refused_for_what_its_terms_say(
    gate: str, terms: CapitalTerms, said: str
) -> None:
    shut = grounds(terms)

    assert [*shut] == [gate]
    assert said in shut[gate]


@pytest.mark.parametrize(
    "terms",
    [
        public(),
        public(operator=CODE),
        capital_terms(graded={"resource": "important"}),
        capital_terms(rules=lender_rules(min_quality="0.90")),
    ],
    ids=["authorised to the last day", "by credit code", "important", "at the floor"],
)
def test_what_only_just_suffices_is_allowed(terms: CapitalTerms) -> None:
    assert grounds(terms) == {}


@pytest.mark.parametrize(
    ("gate", "rows"),
    [
        ("personal_information", ["classification", "consent", "disclosure"]),
        ("grade", ["grade"]),
        ("authorisation", ["lawful_source", "third_party_rights", "public_data"]),
    ],
)
@pytest.mark.parametrize("how", ["missing", "shut", "without evidence"])
def test_what_the_products_review_does_not_show_refuses_the_loan(
    gate: str, rows: list[str], how: str
) -> None:
    for row in rows:
        answers = {
            "missing": offered(row),
            "shut": offered(**{row: (False, "E-1")}),
            "without evidence": offered(**{row: (True, " ")}),
        }

        shut = grounds(offered=answers[how])

        assert [*shut] == [gate]
        assert row in shut[gate]


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        (renewed(DRAWDOWN, 0, 1), "0 of 1 rules of age kept"),
        (renewed(DRAWDOWN, 1, 2), "1 of 2 rules of age kept"),
        (renewed(DRAWDOWN, 0, 0), "0 of 0 rules of age kept"),
        (renewed(date(2025, 6, 19)), "assessed on 2025-06-19; declared: rain every"),
        (renewed(DRAWDOWN).filter(False), "nobody assessed how old the data are"),
    ],
    ids=["late", "one late", "nothing tells", "assessed before", "not assessed"],
)
def test_data_older_than_their_declared_frequency_refuse_the_loan(
    quality: pl.LazyFrame, said: str
) -> None:
    shut = grounds(quality=quality)

    assert [*shut] == ["freshness"]
    assert said in shut["freshness"]


def test_a_closed_archive_has_no_age() -> None:
    closed = capital_terms(renewed={"rain": "none"})

    assert grounds(closed, quality=renewed(DRAWDOWN, 0, 0)) == {}
    assert [*grounds(closed, quality=renewed(DRAWDOWN, 0, 1))] == ["freshness"]
    assert [*grounds(capital_terms(renewed={}))] == ["freshness"]


@pytest.mark.parametrize(
    "rights",
    [
        [right_event("operate")],
        [operating(holder="Another"), right_event("operate", certificate="C-2")],
        [
            operating(),
            right_event("operate", "change", effective_on=date(2025, 3, 1)),
        ],
    ],
    ids=["never", "another's", "no longer"],
)
def test_a_right_that_may_not_be_handed_over_cannot_be_pledged(
    rights: list[tuple[Any, ...]],
) -> None:
    shut = grounds(rights=rights)

    assert [*shut] == ["disposal"]
    assert "must be sublicensable, and it is not" in shut["disposal"]


def test_a_certificate_without_evidence_shows_neither_right_nor_disposal() -> None:
    shut = grounds(rights=[operating(evidence=" ")])

    assert shut.keys() == {"right_to_operate", "disposal"}


def test_an_asset_whose_source_bytes_nobody_knows_is_not_pledged() -> None:
    shut = grounds(roots=rooted().filter(False))

    assert [*shut] == ["collateral_roots"]


def test_where_nobody_looked_around_nothing_is_free_and_no_limit_is_kept() -> None:
    found = around(capital_terms(), DRAWDOWN)
    blind: dict[str, Any] = {n: frame.filter(False) for n, frame in found.items()}

    shut = grounds(**blind)

    assert shut.keys() == {
        *("borrower_limit", "free_to_pledge", "industry_limit", "lender_limit"),
    }


SENIOR = pledged(request="LOAN-0", principal_fen=1_000_000)


def test_a_second_pledge_is_refused_in_one_sentence() -> None:
    said = grounds(beside=[SENIOR])["free_to_pledge"]

    assert said.startswith(
        "the same data is already pledged under LOAN-0, and one of the pledges is"
        " exclusive: release it first, or rank this one behind it with its lender's"
        " consent"
    )
    assert "LOAN-0 (index-asset, rank 1) joins it by the asset itself" in said


def test_a_junior_pledge_needs_the_recorded_consent_of_the_senior() -> None:
    junior = capital_terms(rank=2)
    found = make_capital(terms=junior, beside=[SENIOR])
    met = around(junior, DRAWDOWN, [SENIOR])["met"]
    consented = met.with_columns(
        consent_fen=pl.when(request="LOAN-0").then(500_000_000).otherwise(0)
    )

    assert (
        "consent to 5,000,000.00 CNY behind it is not recorded"
        in (failed(found.gates)["free_to_pledge"])
    )
    granted = make_capital(terms=junior, beside=[SENIOR], met=consented)
    assert failed(granted.gates) == {}
    assert granted.pledge.collect()["rank"].to_list() == [2]


def test_a_pledge_that_was_released_secures_the_loan_no_more() -> None:
    told = frame_of(PledgeEvent, [tuple(event("release", request="LOAN-1").values())])

    shut = grounds(pledges=[pledged()], events=told.lazy())

    assert shut == {"as_pledged": "LOAN-1 is released: nothing is secured by it"}


def test_a_document_that_departs_from_the_written_loan_is_refused() -> None:
    written = agree(capital_terms())
    changed = capital_terms(lender="Another bank")

    shut = grounds(changed, pledges=[pledged()], agreed=written.lazy())

    assert shut["as_agreed"] == "differs from the loan in ['lender']"
    assert grounds(pledges=[pledged()], agreed=written.lazy()) == {}


def test_all_grounds_are_told_at_once() -> None:
    terms = public(valid_to="2025-12-31").model_copy(update={"graded": {"r": "core"}})

    shut = grounds(terms, rights=[], score=scored(now=590_000))

    assert shut.keys() == {
        *("authorisation", "disposal", "grade", "quality", "quality_floor"),
        "right_to_operate",
    }


# A line without pledge: data as evidence.


def line(**changed: Any) -> CapitalTerms:
    return capital_terms(kind="unsecured_line", **changed)


def test_an_unsecured_line_pledges_nothing_and_says_what_the_data_show() -> None:
    made = make_capital(terms=line(), rights=[], valuation=valued(appraised_fen=0))

    assert failed(made.gates) == {}
    assert made.pledge.collect().is_empty()
    assert made.roots.collect().is_empty()
    assert made.loan.collect()["kind"].to_list() == ["unsecured_line"]
    row = made.position.collect().row(0, named=True)
    assert (row["ltv"], row["coverage"], row["outstanding_fen"]) == (
        "",
        "",
        500_000_000,
    )
    gates = {r["gate"]: r["ground"] for r in made.gates.collect().to_dicts()}
    assert (
        "speaks for the borrower with quality score 0.900000"
        in (gates["data_evidence"])
    )
    assert "7 of 7 product gates open; nothing is pledged" in gates["data_evidence"]
    assert not gates.keys() & {"right_to_operate", "loan_to_value", "free_to_pledge"}


@pytest.mark.parametrize(
    ("given_", "gates"),
    [
        ({"score": scored(now=None)}, ["data_evidence", "quality", "quality_floor"]),
        (
            {"offered": offered().filter(False)},
            ["authorisation", "data_evidence", "grade", "personal_information"],
        ),
        ({"quality": renewed(DRAWDOWN, 0, 1)}, ["freshness"]),
        ({"as_of": date(2026, 6, 20)}, ["term"]),
    ],
)
def test_a_line_is_refused_where_the_data_show_nothing(
    given_: dict[str, Any], gates: list[str]
) -> None:
    assert sorted(grounds(line(), **given_)) == gates


def test_a_live_line_is_monitored_and_written_down_once() -> None:
    written = agree(line())
    made = make_capital(terms=line(), agreed=written.lazy(), as_of=date(2025, 8, 20))

    assert failed(made.gates) == {}
    assert made.loan.collect().is_empty()
    assert made.position.collect()["status"].to_list() == ["live"]


# The seed's case: public data of Changzhou, 2025-03, all figures illustrative.

CHANGZHOU: dict[str, Any] = {
    "kind": "facility",
    "agreement": "CHANGZHOU-2025-03",
    "lender": "",
    "tranches": [
        {"tranche": "a", "lender": "Bank A", "amount": "120000000.00"},
        {"tranche": "b", "lender": "Bank B", "amount": "80000000.00"},
        {"tranche": "c", "lender": "Bank C", "amount": "40000000.00"},
    ],
    "borrower": {
        "name": HOLDER,
        "credit_code": CODE,
        "industry": "I65 software",
        "cash_flows": [
            {"year": year, "amount": "130000000.00", "evidence": f"FORECAST-{year}"}
            for year in (2025, 2026, 2027, 2028)
        ],
    },
    "months": 36,
    "public": [PUBLIC | {"valid_to": "2029-12-31"}],
    "rules": lender_rules(max_ltv="0.50"),
}


def changzhou(**changed: Any) -> Capital:
    stated = capital_terms().model_dump(exclude={"principal"}) | CHANGZHOU
    terms = CapitalTerms.model_validate(stated | changed)
    worth = valued(appraised_fen=48_000_000_000)
    return make_capital(worth, terms=terms)


def test_the_operator_of_public_data_borrows_240_million_of_three_banks() -> None:
    made = changzhou()

    assert failed(made.gates) == {}
    loans = made.loan.collect()
    assert loans.select("tranche", "lender", "amount_fen").rows() == [
        ("a", "Bank A", 12_000_000_000),
        ("b", "Bank B", 8_000_000_000),
        ("c", "Bank C", 4_000_000_000),
    ]
    pledge = made.pledge.collect().row(0, named=True)
    assert pledge["lender"] == "Bank A, Bank B, Bank C"
    assert pledge["principal_fen"] == pledge["cap_fen"] == 24_000_000_000
    assert made.repayment.collect()["principal_fen"].sum() == 24_000_000_000
    assert made.position.collect()["ltv"].to_list() == ["0.500000"]


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"public": [PUBLIC | {"raw_leaves": True}]}, "authorisation"),
        ({"public": [PUBLIC | {"operator": "Bureau of weather"}]}, "authorisation"),
        ({"public": [PUBLIC | {"valid_to": "2028-06-19"}]}, "authorisation"),
        ({"public": [PUBLIC | {"supply": "shared"}]}, "not_free"),
        ({"rules": lender_rules(max_ltv="0.4999")}, "loan_to_value"),
        ({"rules": lender_rules(max_ltv="0.50", lender_limit="1.00")}, "lender_limit"),
        ({"rules": lender_rules(max_ltv="0.50", min_dscr="2")}, "debt_service"),
    ],
)
def test_the_facility_is_refused_where_law_or_policy_says_so(
    changed: dict[str, Any], gate: str
) -> None:
    assert gate in failed(changzhou(**changed).gates)


# What nobody shows never helps.

EVIDENCE: dict[str, Any] = {
    "rights": [],
    "journal": CARRIED.clear(),
    "score": scored().filter(False),
    "roots": rooted().filter(False),
    "quality": renewed(DRAWDOWN).filter(False),
    "offered": offered().filter(False),
    **{f"offered.{name}": name for name in ("consent", "grade", "public_data")},
    "met": None,
    "lent": None,
    "report": " ",
    "appraised_on": None,
    "valid_to": None,
    "cash_flows": (),
    "renewed": {},
    "term": None,
}


def opened(removed: frozenset[str], **terms_: Any) -> set[str]:
    """Name the gates that pass when some evidence is taken away."""
    terms = public(**({"valid_to": None} if "term" in removed else {}))
    flows = CHANGZHOU["borrower"]["cash_flows"]
    borrower = terms.borrower.model_dump() | {
        "cash_flows": () if "cash_flows" in removed else flows
    }
    stated = terms.model_dump() | {"borrower": borrower} | terms_
    if "renewed" in removed:
        stated["renewed"] = {}
    asked = CapitalTerms.model_validate(stated)
    worth = {n: EVIDENCE[n] for n in ("report", "appraised_on", "valid_to")}
    given_ = {n: EVIDENCE[n] for n in ("rights", "journal", "score")}
    shown = {n: EVIDENCE[n] for n in ("roots", "quality", "offered")}
    kept = [n.partition(".")[2] for n in removed if n.startswith("offered.")]
    frames = {n: v for n, v in shown.items() if n in removed}
    found = around(asked, DRAWDOWN)
    frames |= {n: f.filter(False) for n, f in found.items() if n in removed}
    if "offered" not in removed:
        frames["offered"] = offered(*kept)
    made = make_capital(
        valued(**{n: v for n, v in worth.items() if n in removed}),
        terms=asked,
        **{n: v for n, v in given_.items() if n in removed},
        **frames,
    )
    gates = made.gates.collect()
    return set(gates.filter("passed")["gate"])


@settings(max_examples=60)
@given(
    less=st.frozensets(st.sampled_from(sorted(EVIDENCE))),
    more=st.frozensets(st.sampled_from(sorted(EVIDENCE))),
    kind=st.sampled_from(["pledge_loan", "unsecured_line"]),
    strict=st.booleans(),
)
def test_taking_evidence_away_never_opens_a_gate(
    less: frozenset[str], more: frozenset[str], kind: str, strict: bool
) -> None:
    rules = lender_rules(dscr_above="1.00") if strict else lender_rules()
    changed = {"kind": kind, "rules": rules}

    before, after = opened(less, **changed), opened(less | more, **changed)

    assert after <= before


def test_without_any_evidence_only_words_of_the_document_pass() -> None:
    asked = capital_terms(renewed={})
    made = capitalize(
        valued(appraised_on=None, valid_to=None, appraised_fen=0),
        frame_of(Right, []).lazy(),
        frame_of(Pledge, []).lazy(),
        CARRIED.clear().lazy(),
        scored().filter(False),
        asked,
        DRAWDOWN,
    )

    passed = set(made.gates.collect().filter("passed")["gate"])
    assert passed == {
        *("policy_in_force", "not_free", "borrower", "issuer"),
        *("debt_service", "dispute"),
    }


def test_another_companys_loans_count_by_lender() -> None:
    # 495,000,000.01 and 5,000,000.00 are a fen more than 500,000,000.00.
    named = {"borrower_code": "X", "lender": "Bank (illustrative)"}
    other = loan(loan="L-9", amount_fen=49_500_000_001, **named)

    assert [*grounds(owing=[tuple(other.values())])] == ["lender_limit"]
