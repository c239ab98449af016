"""A scenario says something, and decides which uses an order may name."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.document import load
from schemas.errors import FactorError
from schemas.scenario import Scenario
from tasks.product.uses import use_is_allowed

GOOD: dict[str, Any] = {
    "user": "A travel insurer",
    "decision": "The premium of a route",
    "benefit": "Premiums that fit the risk",
    "metric": "loss ratio per route",
    "uses": {"cover": "Pricing delay cover"},
    "prohibited_uses": {"crews": "Rating a crew"},
    "industry": "J68 insurance",
    "region": "New York",
}
EMPTY = ["TODO", "tbd", "n/a", "N/A", "-", "xxx", "待定", "…", "...", "TODO: ask", " "]
TEXTS = ["user", "decision", "benefit", "metric", "region"]


def document(**changed: object) -> str:
    told = GOOD | changed
    lines = [f"{n}: {v}" for n, v in told.items() if isinstance(v, str)]
    lines += [
        f"{n}: {{{', '.join(f'{k}: {x}' for k, x in v.items())}}}"
        for n, v in told.items()
        if isinstance(v, dict)
    ]
    return "\n".join(lines)


def test_a_scenario_that_says_something_is_taken() -> None:
    assert Scenario.model_validate(GOOD).uses == {"cover": "Pricing delay cover"}


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize("field", TEXTS)
def test_a_placeholder_is_refused_and_its_field_named(field: str, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(GOOD | {field: text})

    (error,) = caught.value.errors()
    assert error["loc"] == (field,)


@pytest.mark.parametrize("field", ["uses", "prohibited_uses"])
def test_a_use_without_a_sentence_is_refused_by_its_name(field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(GOOD | {field: {"cover-all": "tbd"}})

    (error,) = caught.value.errors()
    assert error["loc"] == (field, "cover-all")


def test_the_sentence_names_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(document(decision="n/a"), encoding="utf-8")

    with pytest.raises(FactorError, match=r"^scenario.yaml line 2, decision: .*$"):
        load(path, Scenario)


@pytest.mark.parametrize(
    ("prohibited", "told"),
    [
        ({"cover": "Rating a crew"}, "cover is offered and prohibited"),
        ({"crews": "pricing  delay-cover."}, "cover and prohibited use crews say"),
    ],
)
def test_a_use_is_not_both_offered_and_prohibited(
    prohibited: dict[str, str], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        Scenario.model_validate(GOOD | {"prohibited_uses": prohibited})


@pytest.mark.parametrize(
    ("use", "allowed", "told"),
    [
        ("cover", True, "Pricing delay cover"),
        ("crews", False, "use crews is prohibited: Rating a crew"),
        (
            "adverts",
            False,
            "use 'adverts' is not offered; offered are cover: Pricing delay cover",
        ),
    ],
)
def test_an_order_names_a_use_that_is_offered(
    use: str, allowed: bool, told: str
) -> None:
    assert use_is_allowed(Scenario.model_validate(GOOD), use) == (allowed, told)


def test_without_a_scenario_no_use_is_allowed() -> None:
    assert not use_is_allowed(None, "cover").allowed
