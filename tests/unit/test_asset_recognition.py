"""The recognition tree: one case per outcome and per missing condition."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.asset import RecognitionTerms
from tasks.asset.recognize import recognize
from tests.finance_case import AS_OF, CONDITIONS, NO, facts

MET = facts()["conditions"]


def decide(as_of: date = AS_OF, **changed: Any) -> tuple[str, list[Any]]:
    decision = recognize(RecognitionTerms.model_validate(facts(**changed)), as_of)
    return decision.outcome, list(decision.steps)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, "intangible"),
        ({"available_from": None}, "development expenditure"),
        ({"available_from": "2025-05-01"}, "development expenditure"),
        ({"origin": "purchase"}, "intangible"),
        ({"origin": "purchase", "conditions": []}, "intangible"),
        ({"purpose": "sale"}, "inventory"),
        ({"purpose": "sale", "identifiable": NO}, "inventory"),
        ({"identifiable": NO}, "not recognised"),
        ({"identifiable": NO, "origin": "purchase"}, "not recognised"),
        ({"conditions": []}, "not recognised"),
    ],
)
def test_the_tree_ends_where_the_standard_says(
    changed: dict[str, Any], outcome: str
) -> None:
    assert decide(**changed)[0] == outcome


@pytest.mark.parametrize("purpose", ["use", "sale"])
@pytest.mark.parametrize("origin", ["internal", "purchase"])
@pytest.mark.parametrize(
    "question",
    ["controlled", "past_transaction", "probable_benefit", "measurable", "charged"],
)
def test_one_no_to_the_definition_and_nothing_is_recognised(
    question: str, purpose: str, origin: str
) -> None:
    told: dict[str, Any] = {question: NO, "purpose": purpose, "origin": origin}
    outcome, steps = decide(**told)

    assert outcome == "not recognised"
    assert [(s[2], s[4]) for s in steps if s[2] == "no"] == [("no", "E-2")]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_without_one_of_the_five_conditions_development_is_expensed(
    condition: str,
) -> None:
    rest = [met for met in MET if met["condition"] != condition]

    outcome, steps = decide(conditions=rest)

    assert outcome == "not recognised"
    asked = [step for step in steps if step[3] == "CAS 6 art. 9"]
    assert len(asked) == 5
    assert [(s[1], s[4]) for s in asked if s[2] == "no"] == [
        (condition.replace("_", " ") + "?", "none")
    ]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_met_later_does_not_count_yet(condition: str) -> None:
    late = [
        met | {"met_on": "2025-05-01"} if met["condition"] == condition else met
        for met in MET
    ]

    assert decide(conditions=late)[0] == "not recognised"
    assert decide(conditions=late, as_of=date(2025, 5, 1))[0] == "intangible"


def test_cost_counts_from_the_last_condition_until_the_asset_is_ready() -> None:
    decision = recognize(RecognitionTerms.model_validate(facts()), AS_OF)

    assert (decision.since, decision.until) == (date(2025, 1, 15), date(2025, 4, 18))


def test_the_path_gives_question_answer_paragraph_and_evidence_of_each_step() -> None:
    _, steps = decide()

    assert [step[0] for step in steps] == list(range(1, len(steps) + 1))
    assert all(all(step[1:5]) for step in steps)
    assert [step[5] for step in steps] == [""] * (len(steps) - 1) + ["intangible"]


@pytest.mark.parametrize("fact", [k for k in facts() if k not in ("conditions",)])
def test_an_unanswered_question_is_no_answer(fact: str) -> None:
    told = {name: value for name, value in facts().items() if name != fact}
    if fact == "available_from":
        found = recognize(RecognitionTerms.model_validate(told), AS_OF)
        assert found.outcome == "development expenditure"
        return

    with pytest.raises(ValidationError, match=f"{fact}\n  Field required"):
        RecognitionTerms.model_validate(told)


@pytest.mark.parametrize("evidence", ["", " ", "\t\n"])
def test_an_answer_without_evidence_is_refused(evidence: str) -> None:
    blank = {"answer": True, "evidence": evidence}

    with pytest.raises(ValidationError, match=r"controlled\.evidence"):
        RecognitionTerms.model_validate(facts(controlled=blank))


def test_the_day_an_asset_is_ready_it_is_an_intangible_asset() -> None:
    assert decide(as_of=date(2025, 4, 17))[0] == "development expenditure"
    assert decide(as_of=date(2025, 4, 18))[0] == "intangible"


@pytest.mark.parametrize(
    ("changed", "question", "answer"),
    [
        ({"purpose": "sale"}, "held for sale?", "yes"),
        ({}, "held for sale?", "no"),
        ({"origin": "purchase"}, "purchased?", "yes"),
        ({}, "purchased?", "no"),
        ({}, "ready for use?", "yes, from 2025-04-18"),
        ({"available_from": None}, "ready for use?", "no"),
        ({}, "way to benefit?", "yes, from 2025-01-15, signed by CFO"),
    ],
)
def test_the_path_says_what_was_answered(
    changed: dict[str, Any], question: str, answer: str
) -> None:
    _, steps = decide(**changed)

    assert {step[1]: step[2] for step in steps}[question] == answer


def test_a_condition_stated_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="stated twice"):
        RecognitionTerms.model_validate(facts(conditions=[*MET, MET[0]]))


def test_a_condition_counts_from_the_day_of_its_evidence_and_the_path_says_so() -> None:
    backdated = [MET[0] | {"evidence_on": "2025-03-01"}, *MET[1:]]

    told = RecognitionTerms.model_validate(facts(conditions=backdated))

    assert recognize(told, AS_OF).since == date(2025, 3, 1)
    assert recognize(told, date(2025, 2, 28)).outcome == "not recognised"
    answers = {step[1]: step[2] for step in recognize(told, AS_OF).steps}
    assert answers["technical feasibility?"] == (
        "yes, from 2025-01-10, but its evidence is of 2025-03-01, signed by CFO"
    )


def test_evidence_from_before_the_day_moves_no_condition_forward() -> None:
    early = [met | {"evidence_on": "2024-06-01"} for met in MET]

    told = RecognitionTerms.model_validate(facts(conditions=early))

    assert recognize(told, AS_OF).since == date(2025, 1, 15)


@pytest.mark.parametrize("missing", ["evidence_sha256", "signer", "met_on"])
def test_a_condition_without_digest_signer_or_day_is_refused(missing: str) -> None:
    bare = {name: value for name, value in MET[0].items() if name != missing}

    with pytest.raises(ValidationError, match=rf"{missing}\n  Field required"):
        RecognitionTerms.model_validate(facts(conditions=[bare, *MET[1:]]))


def test_the_path_names_the_digest_of_each_condition() -> None:
    _, steps = decide()

    found = {step[1]: step[4] for step in steps}
    assert found["way to benefit?"] == f"E-3 sha256:{'e3' * 32}"


@pytest.mark.parametrize("digest", ["e3", "E3" * 32, "g3" * 32])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ValidationError, match="evidence_sha256"):
        RecognitionTerms.model_validate(
            facts(conditions=[MET[0] | {"evidence_sha256": digest}])
        )
