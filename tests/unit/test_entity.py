"""An entity is named by a sound credit code; values are ID-02 of the oracles."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.document import load
from schemas.entity import ALPHABET, Entity, Role, credit_code_is_sound

VALID = [
    "91110000600037341L",
    "121200004013590816",
    "91310115MA1K3BTP2B",
    "91340600MA2PBM9HXD",
    "91620105L015101280",
    "92340602MA2PBQAH7E",
    "9144030071526726XG",
]
INVALID = ["91110000600037341N", "9111000060003IOZSV", "12345"]
ENTITIES = Path(__file__).resolve().parents[2] / "deployments" / "entities"


def entity(**changed: Any) -> dict[str, Any]:
    return {
        "entity": "test",
        "name": "Test",
        "credit_code": VALID[0],
        "accounts": {"bank": "1002"},
    } | changed


@pytest.mark.parametrize("code", VALID)
def test_a_real_credit_code_is_sound(code: str) -> None:
    assert credit_code_is_sound(code)


@pytest.mark.parametrize("code", INVALID)
def test_a_wrong_credit_code_is_not_sound(code: str) -> None:
    assert not credit_code_is_sound(code)


@pytest.mark.parametrize("code", VALID)
def test_every_single_wrong_character_is_noticed(code: str) -> None:
    wrong = [
        code[:i] + other + code[i + 1 :]
        for i in range(18)
        for other in ALPHABET
        if other != code[i]
    ]

    assert not any(map(credit_code_is_sound, wrong))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"credit_code": INVALID[0]}, "GB 32100"),
        ({"zone": "Mars/Olympus"}, "use a name like Asia/Shanghai"),
        ({"accounts": {"treasure": "1002"}}, "Input should be 'bank'"),
        ({"accounts": {"bank": "cash"}}, "should match pattern"),
    ],
)
def test_an_entity_that_cannot_keep_books_is_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        Entity.model_validate(entity(**changed))


@pytest.mark.parametrize("path", sorted(ENTITIES.glob("*.yaml")), ids=lambda p: p.stem)
def test_each_entity_of_the_house_loads_and_says_it_is_made_up(path: Path) -> None:
    found = load(path, Entity)

    assert found.entity == path.stem
    assert "illustrative" in found.name


def test_an_entity_that_says_nothing_keeps_the_chinese_standard_chart() -> None:
    # domain.md 3.3, journal entries: debit and credit of every event
    chart = Entity.model_validate(entity(accounts={})).accounts

    assert (chart["intangible"], chart["amortisation"], chart["impairment"]) == (
        "1701",
        "1702",
        "1703",
    )
    assert (chart["bank"], chart["receivable"], chart["payroll"]) == (
        "1002",
        "1122",
        "2211",
    )
    assert (chart["research"], chart["development"]) == ("530101", "530102")
    assert (chart["input_vat"], chart["output_vat"]) == ("22210101", "22210107")
    loans: list[Role] = ["short_term_loan", "long_term_loan", "interest_payable"]
    assert [chart[role] for role in loans] == ["2001", "2501", "2231"]
    assert chart["interest_expense"] == "6603"
    assert len(chart) == len(set(chart.values())) == 24


def test_an_account_of_the_entity_stands_before_the_standard_one() -> None:
    chart = Entity.model_validate(entity(accounts={"bank": "100201"})).accounts

    assert (chart["bank"], chart["expense"]) == ("100201", "6602")


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "2026"])
def test_books_begin_with_a_month(month: str) -> None:
    with pytest.raises(ValidationError, match="books_from"):
        Entity.model_validate(entity(books_from=month))
