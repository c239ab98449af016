"""An entity is named by a sound credit code; values are ID-02 of the oracles."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.document import load
from schemas.entity import ALPHABET, Entity, credit_code_is_sound

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
