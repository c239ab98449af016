"""The compliance review: each question opens on an answer with evidence, else is shut.

The cases are those of the law and rules that the policy names: PIPL arts. 13, 23, 28-29
and 55-56, GB/T 43697-2024, the rules on authorised operation of public data of 2025.
"""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas.document import load
from schemas.policy import Policy
from schemas.product import ProductRules, ProductTerms
from tasks.product.case import Answer, Case
from tasks.product.compliance import QUESTIONS, compliance
from tasks.product.gates import answered
from tasks.rights import covers, within

DAY = date(2026, 6, 30)
ROOT = Path(__file__).resolve().parents[2]
RULES = load(ROOT / "deployments/policies/cn-2025.yaml", Policy).resolve(ProductRules)
YES = {"answer": True, "evidence": "CONTRACT-1"}
NO = {"answer": False, "evidence": "LETTER-2"}
NONE = {"basis": "none-personal", "evidence": "frame classify"}
CONSENT = {"basis": "consent", "evidence": "FORM-3"}
REVIEW: dict[str, Any] = {
    "lawful_source": YES,
    "undisputed": YES,
    "third_party_rights": YES,
    "consent": NONE,
}
AGREEMENT: dict[str, Any] = {
    "supply": "authorised-free",
    "authority": "Water bureau",
    "implementing_body": "Data bureau",
    "fee_rule": "ORDER-1",
    "operator": "Jiangbei Data",
    "agreement": "AGREEMENT-9",
    "fields": ["N76 water management"],
    "territory": "320000",
    "valid_from": "2024-01-01",
    "valid_to": "2028-12-31",
}
Gate = tuple[bool, str, str]  # passed, ground, evidence


def column(name: str, classification: str = "public", **more: object) -> dict[str, Any]:
    told = {"name": name, "logicalType": "integer", "classification": classification}
    return told | more


def case(review: dict[str, Any] | None = REVIEW, **more: Any) -> Case:
    terms = ProductTerms.model_validate(
        {
            "name": "made",
            "version": "1.0.0",
            "query": "SELECT flow FROM resource",
            "columns": [column("flow")],
            "licence": {"name": "house", "permissions": ["use"], "territory": "320400"},
            "scenario": {
                "user": "Basin office",
                "decision": "When to open a sluice",
                "benefit": "Earlier warning",
                "metric": "hours",
                "uses": {"sluices": "Scheduling sluices"},
                "prohibited_uses": {"blame": "Blaming a single operator."},
                "industry": "N76 water management",
                "region": "320400",
            },
            "provider": {
                "entity": "jiangbei-data",
                "name": "Jiangbei Data",
                "credit_code": "91320400MA0JB0001E",
            },
            "classified": {"resource": {"flow": "public", "age": "personal"}},
            "keyed": {"resource": ("flow",)},  # gauges, not persons
            "rules": RULES,
            "compliance": review,
            **more,
        }
    )
    return Case(terms, pl.DataFrame(), DAY)


def gates(review: dict[str, Any] | None = REVIEW, **more: Any) -> dict[str, Gate]:
    rows = answered(case(review, **more), [compliance]).rows()
    return {gate: (passed, ground, shown) for gate, passed, ground, shown, _ in rows}


def shut(found: dict[str, Gate]) -> dict[str, str]:
    return {gate: ground for gate, (passed, ground, _) in found.items() if not passed}


def test_a_full_review_opens_every_question_with_evidence() -> None:
    found = gates()

    assert list(found) == ["policy_in_force", *QUESTIONS]
    assert shut(found) == {}
    assert all(evidence for _, _, evidence in found.values())


def test_without_a_review_every_question_is_shut_with_one_remedy() -> None:
    found = shut(gates(None))

    assert list(found) == list(QUESTIONS)
    (remedy,) = set(found.values())
    assert "write product.compliance" in remedy


def test_a_yes_with_nothing_to_show_is_a_no() -> None:
    def bold(of: Case) -> list[Answer]:
        return [("bold", of.as_of == DAY, "it is so", " ")]

    (row,) = answered(case(), [bold]).rows()

    told = "it is so, but nothing shows it; name the evidence"
    assert row[:3] == ("bold", False, told)


def test_without_a_policy_nothing_is_offered() -> None:
    assert list(shut(gates(rules=None))) == ["policy_in_force"]


def test_a_policy_of_a_later_day_is_not_in_force() -> None:
    later = RULES.model_copy(update={"applies_from": date(2026, 7, 1)})

    assert list(shut(gates(rules=later))) == ["policy_in_force"]


@pytest.mark.parametrize("field", ["lawful_source", "undisputed", "third_party_rights"])
@pytest.mark.parametrize(
    "reply", [NO, {"answer": True, "evidence": " "}, {"answer": True, "evidence": "-"}]
)
def test_a_no_and_a_yes_without_evidence_shut_their_question(
    field: str, reply: dict[str, Any]
) -> None:
    assert list(shut(gates(REVIEW | {field: reply}))) == [field]


def affecting(of: str, harm: str) -> list[dict[str, Any]]:
    return [column("flow", affects={"object": of, "harm": harm})]


# Matrix of GB/T 43697-2024: core, important, important, general.
@pytest.mark.parametrize(
    ("columns", "graded", "assessed", "passed"),
    [
        (affecting("national_security", "serious"), {}, YES, False),
        (affecting("economy", "serious"), {}, YES, True),
        (affecting("economy", "serious"), {}, None, False),
        (affecting("economy", "serious"), {}, NO, False),
        (affecting("economy", "serious"), {}, {"answer": True, "evidence": "?"}, False),
        (affecting("individual", "especially_serious"), {}, None, True),
        ([column("flow")], {"resource": "core"}, YES, False),
        ([column("flow")], {"resource": "important"}, None, False),
        (affecting("economy", "ordinary"), {"resource": "important"}, None, False),
    ],
)
def test_core_is_refused_and_important_needs_its_assessment(
    columns: list[Any], graded: dict[str, str], assessed: Any, passed: bool
) -> None:
    review = REVIEW | {"important_assessed": assessed}

    found = gates(review, columns=columns, graded=graded)

    assert found["grade"][0] is passed, found["grade"]
    assert len(shut(found)) == (not passed)


AGE = "SELECT flow FROM resource WHERE age > 60"
ROUNDED = {"steps": [{"round": "flow", "to": "10"}]}
SHOWN = "SELECT age AS flow FROM resource"
CLASSED = {"quasi_identifiers": ["flow"]}


@pytest.mark.parametrize(
    ("basis", "more", "told"),
    [
        (NONE, {"query": AGE}, "the query reads resource.age, classified personal"),
        (
            NONE,
            {"query": AGE, "deidentification": ROUNDED},
            "resource.age, classified personal or sensitive, and nothing measures",
        ),
        (
            NONE,
            {"query": SHOWN, "deidentification": {"diversity": 2}},
            "flow shows resource.age, classified personal",
        ),
        (NONE, {"columns": [column("flow", "sensitive")]}, "the product offers flow"),
        (
            {"basis": "contract", "evidence": "n/a"},
            {"query": AGE},
            "consent.evidence names no document",
        ),
        (
            CONSENT | {"assessment": "PIA-4"},
            {"columns": [column("flow", "personal")]},
            "flow needs a separate consent",
        ),
        (
            {"basis": "contract", "evidence": "CONTRACT-5"},
            {"columns": [column("flow", "personal")]},
            "flow needs an impact assessment",
        ),
        # no personal column is read, but whose rows would these be?
        (NONE, {"keyed": {}}, "nothing measures whom it tells of"),
        (NONE, {"keyed": {"resource": ("age",)}}, "reads the rows of resource"),
        (
            {"basis": "law", "evidence": "LAW-6", "assessment": "PIA-4"},
            {"classified": {"resource": {"flow": "sensitive"}}},
            "resource.flow needs a separate consent",
        ),
        (
            {"basis": "law", "evidence": "LAW-6", "separate": True},
            {"classified": {"resource": {"flow": "sensitive"}}},
            "resource.flow needs an impact assessment",
        ),
    ],
)
def test_personal_columns_need_their_ground(
    basis: dict[str, Any], more: dict[str, Any], told: str
) -> None:
    refused = shut(gates(REVIEW | {"consent": basis}, **more))

    assert list(refused) == ["consent"]
    assert told in refused["consent"]


@pytest.mark.parametrize(
    ("basis", "more"),
    [
        (NONE, {}),  # a row is a gauge, and the query does not read age
        (NONE, {"query": AGE, "deidentification": CLASSED}),
        (NONE, {"query": SHOWN, "deidentification": CLASSED | {"diversity": 2}}),
        (NONE, {"query": SHOWN, "deidentification": ROUNDED | CLASSED}),
        ({"basis": "contract", "evidence": "CONTRACT-5"}, {"query": AGE}),
        (
            CONSENT | {"separate": True, "assessment": "PIA-4"},
            {"columns": [column("flow", "sensitive")]},
        ),
    ],
)
def test_a_ground_that_fits_the_columns_opens_the_gate(
    basis: dict[str, Any], more: dict[str, Any]
) -> None:
    assert shut(gates(REVIEW | {"consent": basis}, **more)) == {}


def test_every_column_that_shows_a_person_untreated_is_named() -> None:
    more: dict[str, Any] = {
        "query": "SELECT age AS a, age AS b, age AS flow FROM resource",
        "columns": [column("a"), column("b"), column("flow")],
        "deidentification": CLASSED,
    }

    told = shut(gates(**more))["consent"]

    assert "a shows resource.age, b shows resource.age, classified" in told


def test_a_column_that_is_dropped_shows_nothing() -> None:
    more: dict[str, Any] = {
        "query": "SELECT flow, age AS gone FROM resource",
        "deidentification": CLASSED | {"steps": [{"drop": ["gone"]}]},
    }

    assert shut(gates(**more)) == {}


def test_what_a_product_reads_of_persons_is_found_once() -> None:
    asked = case(query=AGE)
    assert [(e.output, e.held.name, e.how) for e in asked.taken] == [
        ("*", "resource.age", "filter")
    ]

    assert asked.taken is asked.taken


def test_a_task_may_read_every_column() -> None:
    made: dict[str, Any] = {"query": "", "task": "mixed"}

    assert "resource.age" in shut(gates(**made))["consent"]


@pytest.mark.parametrize(
    ("ground", "proof", "graded", "passed"),
    [
        ("none", "", {}, True),
        ("contract", "FILING-7", {}, True),
        ("contract", "", {}, False),
        ("certified", "tbd", {}, False),
        ("contract", "FILING-7", {"resource": "important"}, False),
        ("assessed", "CAC-8", {"resource": "important"}, True),
    ],
)
def test_what_leaves_the_country_needs_a_ground(
    ground: str, proof: str, graded: dict[str, str], passed: bool
) -> None:
    review = REVIEW | {"cross_border": ground, "cross_border_evidence": proof}

    found = gates(review | {"important_assessed": YES}, graded=graded)

    assert found["cross_border"][0] is passed
    assert len(shut(found)) == (not passed)


def test_a_limit_on_use_must_reach_the_customer() -> None:
    limits = ["Blaming a single operator", "No resale"]
    told = {"name": "house", "permissions": ["use"], "clauses": ["No resale, ever"]}

    refused = shut(gates(REVIEW | {"use_limits": limits}))

    assert list(refused) == ["use_limits"]
    assert "'No resale' reaches no customer" in refused["use_limits"]
    assert "Blaming" not in refused["use_limits"]
    assert shut(gates(REVIEW | {"use_limits": limits}, licence=told)) == {}


FLAT = {"mode": "flat", "amount": "10"}


@pytest.mark.parametrize(
    ("changed", "price", "told"),
    [
        ({"raw_leaves": True}, None, "raw rows of authorised-free public data stay in"),
        ({"supply": "shared", "raw_leaves": True}, None, "raw rows of shared"),
        ({}, FLAT, "authorised-free public data are offered free of charge"),
        ({"supply": "open"}, FLAT, "open public data are offered free of charge"),
        ({"agreement": "待定"}, None, "public_data.agreement names no document"),
        ({"implementing_body": ""}, None, "implementing_body names no document"),
        (
            {"supply": "authorised-paid", "fee_rule": ""},
            FLAT | {"ceiling": {"amount": "10", "source": "ORDER-1"}},
            "public_data.fee_rule names no document",
        ),
        ({"operator": "Another Ltd"}, None, "authorises Another Ltd, not the provider"),
        ({"fields": ["G transport"]}, None, "covers G transport, not N76"),
        ({"fields": []}, None, "covers no field, not N76"),
        ({"territory": "330000"}, None, "covers 330000, the licence 320400"),
        ({"territory": ""}, None, "covers no territory"),
        ({"valid_from": "2026-07-01"}, None, "which 2026-06-30 is not in"),
        ({"valid_to": "2026-06-29"}, None, "which 2026-06-30 is not in"),
        ({"valid_to": "2029-01-01"}, None, "longer than 5 years"),
        ({"valid_to": None}, None, "has no term"),
    ],
)
def test_public_data_are_held_to_their_supply(
    changed: dict[str, Any], price: dict[str, Any] | None, told: str
) -> None:
    review = REVIEW | {"public_data": AGREEMENT | changed}

    refused = shut(gates(review, **({"price": price} if price else {})))

    assert list(refused) == ["public_data"]
    assert told in refused["public_data"]


@pytest.mark.parametrize(
    ("changed", "more"),
    [
        ({}, {}),
        ({"operator": "91320400MA0JB0001E", "valid_to": "2026-06-30"}, {}),
        ({"supply": "open", "raw_leaves": True, "operator": "", "fields": []}, {}),
        (
            {"supply": "authorised-paid"},
            {"price": FLAT | {"ceiling": {"amount": "10", "source": "ORDER-1"}}},
        ),
    ],
)
def test_public_data_within_their_agreement_are_let_through(
    changed: dict[str, Any], more: dict[str, Any]
) -> None:
    assert shut(gates(REVIEW | {"public_data": AGREEMENT | changed}, **more)) == {}


def test_a_licence_for_any_place_exceeds_an_authorised_territory() -> None:
    anywhere = {"name": "house", "permissions": ["use"]}

    refused = shut(gates(REVIEW | {"public_data": AGREEMENT}, licence=anywhere))

    assert "the licence any place" in refused["public_data"]


@pytest.mark.parametrize(
    ("rule", "value", "changed", "more"),
    [
        ("authorisation_max_years", 3, {}, {}),
        ("free_supplies", ("authorised-paid",), {}, {"price": FLAT}),
        ("raw_supplies", (), {"supply": "open", "raw_leaves": True}, {}),
    ],
)
def test_another_policy_decides_otherwise(
    rule: str, value: object, changed: dict[str, Any], more: dict[str, Any]
) -> None:
    given = REVIEW | {
        "public_data": AGREEMENT | {"supply": "authorised-paid"} | changed
    }
    rules = RULES.model_copy(update={rule: value})

    assert shut(gates(given, **more)) == {}
    assert list(shut(gates(given, rules=rules, **more))) == ["public_data"]


def test_all_reasons_are_told_at_once() -> None:
    review = REVIEW | {
        "lawful_source": NO,
        "undisputed": NO,
        "third_party_rights": NO,
        "cross_border": "contract",
        "use_limits": ["No resale"],
        "public_data": AGREEMENT | {"raw_leaves": True, "operator": ""},
    }

    found = shut(gates(review, query=AGE, graded={"resource": "core"}))

    assert list(found) == list(QUESTIONS)
    assert "raw rows" in found["public_data"]
    assert "authorises nobody" in found["public_data"]


@pytest.mark.parametrize(
    ("field", "industry", "covered"),
    [
        ("G", "G54 road transport", True),
        ("G54", "G54 road transport", True),
        ("G55", "G54 road transport", False),
        ("G541", "G54 road transport", False),
        ("road transport", "G54 road transport", True),
        ("Government", "G54 road transport", False),
        ("", "G54 road transport", False),
    ],
)
def test_a_field_covers_the_industries_below_its_code(
    field: str, industry: str, covered: bool
) -> None:
    assert covers(field, industry) is covered


@pytest.mark.parametrize(
    ("inner", "outer", "inside"),
    [
        ("320400", "320000", True),
        ("320000", "320400", False),
        ("320404", "320400", True),
        ("Yellow River basin", "yellow river  basin", True),
        ("Henan", "Yellow River basin", False),
        ("", "320000", False),
        ("320400", "", False),
    ],
)
def test_a_place_lies_in_another_by_its_code(
    inner: str, outer: str, inside: bool
) -> None:
    assert within(inner, outer) is inside
