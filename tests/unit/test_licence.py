"""Licences as an algebra, the catalogue, and the gate that compares a product with it.

What each pair may be combined to is that of the compatibility chart of Creative Commons
(FAQ, "Can I combine material under different Creative Commons licenses?") and of the
texts that the catalogue names.
"""

from collections.abc import Sequence
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.document import load
from schemas.licence import (
    DUTIES,
    PERMISSIONS,
    Grant,
    Licence,
    Listed,
    Unlisted,
    catalogues,
    looked_up,
    parts_of,
)
from schemas.product import ProductTerms
from tasks.product.case import Case
from tasks.product.licence import EVERYTHING, Bounds, bounds_of, licence, meet

HOUSE = catalogues()
FILES = sorted(HOUSE[0].glob("*.yaml"))
FREE = ["use", "reproduce", "present", "derive", "distribute"]
ALL = [*FREE, "sell", "commercialize"]
BY = ["attribute", "include-notice", "state-changes"]
COPYLEFT = ["share-alike", "include-notice", "state-changes"]

codes = st.frozensets(st.sampled_from(PERMISSIONS))
names = st.sampled_from(["A", "B", "C"])
grants = st.builds(
    Grant,
    licence=names,
    permissions=codes.map(sorted),
    prohibitions=codes.map(sorted),
    duties=st.frozensets(st.sampled_from(DUTIES)).map(sorted),
    accepts=st.frozensets(names).map(sorted),
)
bounds = grants.map(bounds_of)


@given(bounds, bounds)
def test_the_order_of_two_inputs_does_not_matter(one: Bounds, other: Bounds) -> None:
    assert meet(one, other) == meet(other, one)


@given(bounds, bounds, bounds)
def test_the_order_of_many_inputs_does_not_matter(
    a: Bounds, b: Bounds, c: Bounds
) -> None:
    assert meet(meet(a, b), c) == meet(a, meet(b, c))


@given(bounds)
def test_an_input_twice_is_an_input_once(one: Bounds) -> None:
    assert meet(one, one) == one
    assert meet(one, EVERYTHING) == one


@given(st.lists(bounds, min_size=1, max_size=5))
def test_together_they_never_grant_more_than_one_alone(each: Sequence[Bounds]) -> None:
    whole = reduce(meet, each, EVERYTHING)

    for one in each:
        assert whole.permissions <= one.permissions
        assert not whole.permissions & one.prohibitions
        assert one.under is None or (whole.under or frozenset()) <= one.under
    assert whole.duties == frozenset[str]().union(*(one.duties for one in each))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_each_licence_of_the_catalogue_is_found_by_its_name(path: Path) -> None:
    listed = load(path, Listed)
    found = looked_up(f"{listed.id} (somebody; a note)", HOUSE)

    assert isinstance(found, Grant)
    assert (found.licence, found.credit) == (listed.id, "somebody")
    assert not {*listed.permissions} & {*listed.prohibitions}
    assert all(isinstance(looked_up(name, HOUSE), Grant) for name in listed.accepts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("CC0-1.0", ("CC0-1.0", "")),
        ("CC-BY-4.0 (Song Chen; mirrored)", ("CC-BY-4.0", "Song Chen")),
        ("own books", ("own books", "")),
        ("CC-BY-4.0 (Chen (2016), UCI)", ("CC-BY-4.0", "Chen (2016), UCI")),
    ],
)
def test_a_source_names_licence_and_credit(text: str, parts: tuple[str, str]) -> None:
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    "text", ["CC BY 4.0", "CC-BY-40", "cc-by-4.0", "CC-BY-4.0 as understood"]
)
def test_an_unknown_licence_hears_of_the_nearest(text: str) -> None:
    found = looked_up(text, HOUSE)

    assert isinstance(found, Unlisted)
    assert "CC-BY-4.0" in found.nearest


def test_no_name_leads_out_of_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "licences").mkdir()
    (tmp_path / "mine.yaml").write_text(FILES[0].read_text("utf-8"), encoding="utf-8")

    assert isinstance(looked_up("../mine", [tmp_path / "licences"]), Unlisted)


def test_a_licence_does_not_permit_what_it_prohibits() -> None:
    with pytest.raises(ValidationError, match="sell is permitted and prohibited"):
        Licence(name="x", permissions=("use", "sell"), prohibitions=("sell",))


def gate(
    inputs: dict[str, str],
    *,
    name: str = "house terms",
    permissions: Sequence[str] = ("use",),
    duties: Sequence[str] = (),
    attribution: str = "",
    **more: Any,  # Any: further terms of the product
) -> tuple[bool, str, str]:
    own = {"name": name, "permissions": permissions, "duties": duties}
    listed = looked_up(name, HOUSE)
    terms = ProductTerms.model_validate(
        {
            "name": "made",
            "version": "1.0.0",
            "query": "SELECT a FROM resource",
            "columns": [{"name": "a", "logicalType": "integer"}],
            "licence": {**own, "attribution": attribution},
            "grants": {n: looked_up(text, HOUSE) for n, text in inputs.items()},
            "listed": listed if isinstance(listed, Grant) else None,
            **more,
        }
    )
    ((asked, passed, ground, evidence),) = licence(
        Case(terms, pl.DataFrame(), date(2026, 6, 30))
    )
    assert asked == "licence"
    return passed, ground, evidence


def test_inputs_that_grant_it_open_the_gate() -> None:
    passed, ground, evidence = gate({"a": "CC0-1.0", "b": "own books"}, permissions=ALL)

    assert passed
    assert ground == (
        "2 inputs grant use, reproduce, present, derive, distribute, sell,"
        " commercialize; the product offers use, reproduce, present, derive,"
        " distribute, sell, commercialize and carries on no duty"
    )
    assert evidence == "a (CC0-1.0); b (own books)"


SONG = {"a": "CC-BY-4.0 (Song Chen; UCI)"}


@pytest.mark.parametrize(
    ("inputs", "terms"),
    [
        (SONG, {"permissions": ALL, "duties": BY, "attribution": "Data: Song Chen"}),
        (
            {"a": "CC-BY-SA-4.0", "b": "CC-BY-4.0", "c": "MIT"},
            {"name": "CC-BY-SA-4.0", "permissions": ALL, "attribution": "A and B"}
            | {"duties": [*BY, "share-alike"]},
        ),
        (
            {"a": "CC-BY-SA-3.0", "b": "CC-BY-SA-4.0"},
            {"name": "CC-BY-SA-4.0", "permissions": ALL, "attribution": "A and B"}
            | {"duties": [*BY, "share-alike"]},
        ),
        (
            {"a": "CC-BY-NC-4.0", "b": "CC-BY-4.0"},
            {"permissions": FREE, "duties": BY, "attribution": "A and B"},
        ),
        (
            {"a": "GPL-2.0-or-later", "b": "GPL-3.0-only"},
            {"name": "GPL-3.0-only", "permissions": ALL, "duties": COPYLEFT},
        ),
        (
            {"a": "LGPL-2.0-or-later", "b": "CC-BY-NC-4.0"},
            {"release": "enclave", "attribution": "B", "duties": BY},
        ),
        ({"a": "unstated (nobody)"}, {"release": "enclave"}),
    ],
)
def test_what_may_be_combined_is_let_through(
    inputs: dict[str, str], terms: dict[str, Any]
) -> None:
    passed, ground, _ = gate(inputs, **terms)

    assert passed, ground


IMPOSSIBLE = [
    ("CC-BY-SA-4.0", "CC-BY-NC-4.0", "with sell, commercialize, which"),
    ("GPL-3.0-only", "CC-BY-NC-4.0", "with sell, commercialize, which"),
    ("CC-BY-SA-4.0", "ODbL-1.0", "both ask to be handed on under themselves"),
    ("CC-BY-SA-4.0", "CC-BY-NC-SA-4.0", "both ask to be handed on under themselves"),
    ("GPL-2.0-only", "GPL-3.0-only", "both ask to be handed on under themselves"),
    ("CC-BY-SA-4.0", "unstated", "with reproduce, distribute, sell, commercialize"),
]


@pytest.mark.parametrize(("one", "other", "told"), IMPOSSIBLE)
def test_an_impossible_pair_is_refused_naming_both(
    one: str, other: str, told: str
) -> None:
    passed, ground, _ = gate({"roads": one, "rain": other})

    assert not passed
    (sentence,) = [s for s in ground.split("; ") if told in s]
    assert f"roads ({one})" in sentence
    assert f"rain ({other})" in sentence


def test_three_that_agree_in_pairs_but_not_together_are_refused() -> None:
    given = {
        name: Grant(
            licence=name,
            permissions=tuple(PERMISSIONS),
            duties=("share-alike",),
            accepts=accepts,
        )
        for name, accepts in (("A", ("B",)), ("B", ("C",)), ("C", ("A",)))
    }

    passed, ground, _ = gate({}, grants=given, duties=["share-alike"])

    assert not passed
    assert "no licence serves all of A (A), B (B), C (C)" in ground


@pytest.mark.parametrize(
    ("inputs", "terms", "told"),
    [
        (
            {"a": "CC-BY-ND-4.0"},
            {},
            "a (CC-BY-ND-4.0) does not permit derive, but the product is derived of it",
        ),
        ({"a": "unstated"}, {}, "a (unstated) does not permit distribute"),
        (
            {"a": "CC-BY-NC-4.0"},
            {"price": {"mode": "flat", "amount": "10"}},
            "a (CC-BY-NC-4.0) does not permit commercialize, but the product is",
        ),
        (
            {"a": "CC0-1.0", "b": "CC-BY-NC-4.0"},
            {"permissions": ["use", "sell"]},
            "offers sell, which b (CC-BY-NC-4.0) does not grant",
        ),
        ({"a": "MIT"}, {}, "a (MIT) asks for include-notice; write it in licence.dut"),
        (SONG, {"duties": BY}, "a must be attributed; write licence.attribution"),
        (
            SONG,
            {"duties": BY, "attribution": "Chen"},
            "licence.attribution does not name 'Song Chen'",
        ),
        (
            {"a": "CC-BY-SA-4.0"},
            {"duties": [*BY, "share-alike"], "attribution": "A"},
            "a (CC-BY-SA-4.0) must be handed on under the same licence: offer it as"
            " CC-BY-SA-4.0 or GPL-3.0-only",
        ),
        (
            {"a": "CC0-1.0"},
            {"name": "CC-BY-4.0"},
            "licence CC-BY-4.0 says: permissions [use, reproduce, present, derive,",
        ),
        ({"a": "CCBY"}, {}, "a: unknown licence 'CCBY'; the nearest known are CC-BY-"),
        ({}, {}, "no input says under which licence it comes"),
    ],
)
def test_what_an_input_does_not_allow_is_refused(
    inputs: dict[str, str], terms: dict[str, Any], told: str
) -> None:
    passed, ground, _ = gate(inputs, **terms)

    assert not passed
    assert told in ground


def test_all_reasons_are_told_at_once() -> None:
    _, ground, _ = gate(
        {"a": "CC-BY-NC-4.0 (Ann)", "b": "CC-BY-ND-4.0", "c": "nothing known"},
        permissions=ALL,
    )

    for told in ("c: unknown", "does not permit derive", "offers sell", "attributed"):
        assert told in ground
