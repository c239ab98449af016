"""The least version of a changed contract, beside the verdicts of datacontract-cli."""

from collections.abc import Mapping
from typing import Any

import pytest

from tasks.product.promises import few
from tasks.product.versions import (
    after,
    breaks_promise,
    is_lower,
    least_version,
)
from tests.version_pairs import BASE, DELAY, ORIGIN, PAIRS, Pair, column, limits, terms

LEVEL_OF = {"error": "major", "info": "minor", "nothing": None}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_pair_of_contracts_gets_its_level(pair: Pair) -> None:
    found = least_version(terms(pair.old), terms(pair.new))

    assert found.version == after("1.4.2", pair.level)  # type: ignore[arg-type]  # a level


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_verdict_is_that_of_the_tool_or_says_why_not(pair: Pair) -> None:
    """Info of the tool is minor or patch here: it does not tell the two apart."""
    breaks = pair.level == "major"

    assert (breaks != (pair.tool == "error")) == bool(pair.differs)


def test_versions_rise_as_semver_says() -> None:
    """semver.org items 6 to 8; item 4 leaves 0.y.z free, where we let y stand for x."""
    assert [after("1.4.2", level) for level in ("major", "minor", "patch", None)] == [
        *("2.0.0", "1.5.0", "1.4.3", "1.4.2")
    ]
    assert [after("0.4.2", level) for level in ("major", "minor", "patch", None)] == [
        *("0.5.0", "0.4.3", "0.4.3", "0.4.2")
    ]


def test_versions_are_compared_by_number() -> None:
    assert is_lower("1.9.0", "1.10.0")
    assert not is_lower("2.0.0", "1.10.0")
    assert not is_lower("1.0.0", "1.0.0")


@pytest.mark.parametrize(
    ("ordered", "offered", "breaks"),
    [
        ("1.0.0", "1.9.3", False),
        ("1.9.3", "2.0.0", True),
        ("0.3.1", "0.3.9", False),
        ("0.3.1", "0.4.0", True),
        ("0.3.1", "1.0.0", True),
    ],
)
def test_an_order_stands_until_a_breaking_version(
    ordered: str, offered: str, breaks: bool
) -> None:
    assert breaks_promise(ordered, offered) is breaks


def licence(*permissions: str, **more: Any) -> dict[str, Any]:
    return {"licence": {"name": "house", "permissions": [*permissions], **more}}


def treated(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"deidentification": {"steps": [*steps], **more}}


def delivery(**said: Any) -> dict[str, Any]:
    return {"delivery": said}


def levels(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    found = least_version(terms(old), terms(new))
    return {c.place: c.level for c in found.changes}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (licence("use", "derive"), licence("use"), {"licence.permissions": "major"}),
        (licence("use"), licence("use", "derive"), {"licence.permissions": "minor"}),
        (
            licence("use"),
            licence("use", prohibitions=["sell"]),
            {"licence.prohibitions": "major"},
        ),
        (
            licence("use", duties=["attribute"]),
            licence("use"),
            {"licence.duties": "minor"},
        ),
        (
            licence("use"),
            licence("use", clauses=["in the office"]),
            {"licence.clauses": "major"},
        ),
        (
            licence("use"),
            licence("use", territory="CN"),
            {"licence.territory": "major"},
        ),
        (
            delivery(forms=["bundle", "service"]),
            delivery(),
            {"delivery.forms": "major"},
        ),
        (
            delivery(filters=["origin"]),
            delivery(filters=["delay"]),
            {"delivery.filters": "minor"},  # the last of two: one gone, one come
        ),
        (delivery(max_rows=10), delivery(max_rows=9), {"delivery.max_rows": "major"}),
        (delivery(max_rows=9), delivery(max_rows=10), {"delivery.max_rows": "minor"}),
        (
            treated({"round": "delay", "to": 5}),
            treated({"round": "delay", "to": 10}),
            {"deidentification": "major"},
        ),
        (
            treated({"round": "delay", "to": 10}),
            treated({"round": "delay", "to": 5}),
            {"deidentification": "minor"},
        ),
        ({}, treated({"top_code": "delay", "at": 60}), {"deidentification": "major"}),
        (
            treated({"top_code": "delay", "at": 60}),
            treated({"top_code": "delay", "at": 90}),
            {"deidentification": "minor"},
        ),
        (
            treated(quasi_identifiers=["origin"]),
            treated(quasi_identifiers=["origin"], suppress=True),
            {"deidentification": "major"},
        ),
        (
            treated(quasi_identifiers=["origin"], suppress=True),
            treated(quasi_identifiers=["origin"]),
            {"deidentification": "minor"},
        ),
        (
            treated(quasi_identifiers=["origin"], suppress=True),
            treated(quasi_identifiers=["origin", "delay"], suppress=True),
            {"deidentification": "major"},
        ),
        (
            treated(quasi_identifiers=["origin"]),
            treated(quasi_identifiers=["delay"]),
            {"deidentification": "patch"},
        ),
        ({"release": "open"}, {"release": "controlled"}, {"release": "major"}),
        ({"release": "enclave"}, {"release": "controlled"}, {"release": "minor"}),
        ({"max_rejected_rate": 0.1}, {"max_rejected_rate": 0.2}, {
            "max_rejected_rate": "major"
        }),
        ({"order": ["origin"]}, {"order": []}, {"order": "major"}),
        ({"order": []}, {"order": ["origin"]}, {"order": "minor"}),
        (limits(minimum=0, maximum=9), limits(minimum=-1, maximum=8), {
            "columns.delay.minimum": "major",
            "columns.delay.maximum": "minor",
        }),
        (
            {"columns": [ORIGIN, DELAY]},
            {"columns": [DELAY, ORIGIN]},
            {"columns": "patch"},
        ),
        ({}, {"deprecated": {"on": "2027-01-01", "reason": "replaced"}}, {
            "deprecated": "minor"
        }),
        ({}, {"name": "late"}, {"name": "major"}),
    ],
)  # fmt: skip
def test_what_a_consumer_loses_breaks_and_what_it_gains_does_not(
    old: Mapping[str, Any], new: Mapping[str, Any], told: Mapping[str, str]
) -> None:
    assert levels(old, new) == told


def test_what_rows_cost_is_no_contract() -> None:
    other = {"price": {"mode": "flat", "amount": 100}, "answer": {"limit": 5}}

    assert least_version(terms({}), terms(other)) == ("1.4.2", ())


@pytest.mark.parametrize(
    ("query", "least"),
    [
        ("SELECT origin, delay FROM resource WHERE delay > 0", "1.4.3"),
        ("SELECT origin, 60 * delay AS delay FROM resource", "1.4.3"),
        ("SELECT origin, 'a b' AS delay FROM resource", "1.4.3"),
        ("select origin,\n  delay  -- in minutes\nfrom resource", "1.4.2"),
    ],
)
def test_another_query_under_the_same_contract_is_a_patch(
    query: str, least: str
) -> None:
    assert least_version(terms({}), terms({"query": query})).version == least


def test_white_space_inside_a_text_is_another_query() -> None:
    one, two = (f"SELECT origin, '{t}' AS delay FROM resource" for t in ("a b", "a  b"))

    assert levels({"query": one}, {"query": two}) == {"query": "patch"}


def test_another_query_beside_another_contract_is_not_told_twice() -> None:
    both = {"query": "SELECT origin FROM resource", "columns": [ORIGIN]}

    assert levels({}, both) == {"columns.delay": "major"}


def test_another_parameter_of_a_task_is_a_patch() -> None:
    one, two = ({"query": "", "task": "fit", "parameters": {"n": n}} for n in (1, 2))

    assert levels(one, two) == {"task": "patch"}
    assert levels(one, one) == {}
    assert levels({}, one) == {"task": "patch"}


def bounded(*rules: Mapping[str, Any]) -> dict[str, Any]:
    return {"quality": [{"metric": "rowCount", **rule} for rule in rules]}


def test_two_rules_on_one_figure_bound_it_together() -> None:
    """At least 10 and less than 100; then the lower end falls to 5, or opens."""
    old = bounded({"mustBeGreaterOrEqualTo": 10}, {"mustBeLessThan": 100})
    looser = bounded({"mustBeGreaterOrEqualTo": 5}, {"mustBeLessThan": 100})
    tighter = bounded({"mustBeGreaterThan": 10}, {"mustBeLessThan": 100})
    closed = bounded({"mustBeGreaterOrEqualTo": 10}, {"mustBeLessOrEqualTo": 100})

    assert levels(old, looser) == {"quality": "major"}
    assert levels(old, tighter) == {"quality": "minor"}
    assert levels(old, closed) == {"quality": "major"}
    assert levels(old, bounded({"mustBeLessThan": 100})) == {"quality": "major"}


def test_a_rule_may_move_between_a_column_and_the_table() -> None:
    rule = {"metric": "nullValues", "mustBeLessThan": 5, "unit": "percent"}
    own = {"columns": [ORIGIN, column("delay", quality=[rule])]}
    table = {"quality": [{**rule, "column": "delay"}]}
    gone = {"columns": [ORIGIN, column("hour")], "quality": []}

    assert levels(own, table) == {"quality": "patch"}
    assert levels(table, {}) == {"columns.delay.quality": "major"}
    assert levels(table, gone) == {"columns.delay": "major"}


def test_a_renamed_column_is_told_as_such_only_where_one_can_see_it() -> None:
    one = least_version(terms({}), terms({"columns": [ORIGIN, column("late")]}))
    two = {"columns": [ORIGIN, column("late"), column("later")]}
    both = least_version(terms({}), terms(two))

    assert [c.what for c in one.changes] == ["column delay was renamed to late"]
    assert [c.what for c in both.changes] == [
        *("column delay was removed", "column late was added"),
        "column later was added",
    ]


def test_a_breaking_change_names_the_column_whose_readers_it_concerns() -> None:
    found = least_version(terms({}), terms({"columns": [ORIGIN], "release": "enclave"}))

    assert [(c.column, c.level) for c in found.breaking] == [
        *(("delay", "major"), ("*", "major"))
    ]


def test_the_base_is_a_product() -> None:
    assert terms({}).version == BASE["version"]


def test_of_many_changes_the_first_eight_are_told_and_the_rest_counted() -> None:
    names = [f"c{number}" for number in range(20)]

    assert few(names) == ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "12 more"]
    assert few(names[:8]) == names[:8]
