"""A product offers at most what all of its inputs bring; who lacks it is named."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.compliance import PublicData
from schemas.factor import load_factor
from schemas.licence import Grant, Unlisted
from schemas.rights import Claim, Title
from schemas.titles import by_agreement, by_certificate, by_licence
from tasks.rights import lacking
from tests.finance_case import asset_terms, facts, failed, make_asset, right

ME = "Jiangbei Data (illustrative)"
AGREEMENT = PublicData.model_validate(
    {
        "supply": "authorised-paid",
        "authority": "Water bureau",
        "implementing_body": "Data bureau",
        "operator": ME,
        "agreement": "AGREEMENT-9",
        "fields": ["N76 water management"],
        "territory": "320000",
        "valid_from": "2025-01-01",
        "valid_to": "2028-12-31",
    }
)


def claim(**changed: Any) -> Claim:
    said = {
        "right": "operate",
        "holder": ME,
        "first": date(2025, 1, 1),
        "last": date(2028, 12, 31),
        "field": "N76",
        "territory": "320400",
    }
    return Claim.model_validate(said | changed)


def agreed() -> list[Title]:
    return [*by_agreement({"product.compliance": AGREEMENT})]


def test_a_claim_within_an_agreement_stands() -> None:
    assert list(lacking(claim(), agreed())) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"last": date(2029, 1, 1)}, "it runs 2025-01-01 to 2028-12-31, not"),
        ({"first": date(2024, 12, 31)}, "it runs 2025-01-01 to 2028-12-31, not"),
        ({"field": "J68"}, "it covers N76 water management, not J68"),
        ({"field": ""}, "not any field"),
        ({"territory": "330000"}, "it holds in 320000, not 330000"),
        ({"territory": ""}, "not anywhere"),
        ({"holder": "Somebody"}, f"it is {ME}'s, not Somebody's"),
    ],
)
def test_a_claim_beyond_an_agreement_names_it_and_what_it_lacks(
    changed: dict[str, Any], said: str
) -> None:
    (told,) = lacking(claim(**changed), agreed())

    assert told.startswith(
        "product.compliance (agreement AGREEMENT-9), right to operate: "
    )
    assert said in told


def test_open_data_come_under_no_agreement() -> None:
    free = AGREEMENT.model_copy(update={"supply": "open"})

    assert list(by_agreement({"product.compliance": free})) == []


def test_a_licence_that_forbids_derivatives_or_handing_on_is_named() -> None:
    grants: dict[str, Grant | Unlisted] = {
        "sources.a": Grant(licence="FREE", permissions=("derive", "distribute")),
        "sources.b": Grant(licence="ND", permissions=("use", "distribute")),
        "sources.c": Unlisted(licence="homemade"),
    }
    titles = [*by_licence(grants)]

    process = list(lacking(claim(right="process"), titles))
    operate = list(lacking(claim(right="operate"), titles))

    assert [t.partition(" gives")[0] for t in process] == [
        "sources.b (ND)",
        "sources.c (homemade)",
    ]
    assert [t.partition(" gives")[0] for t in operate] == ["sources.c (homemade)"]


def test_another_entity_needs_a_right_that_may_be_handed_on() -> None:
    kept = asset_terms(rights=[right("process"), right("operate")])
    handed = asset_terms(
        rights=[right(k, sublicensable=True) for k in ("process", "operate")]
    )
    other = claim(holder="Somebody", last=date(2030, 1, 1), field="", territory="")

    refused = list(lacking(other, by_certificate("x", kept, "product", own=False)))
    allowed = list(lacking(other, by_certificate("x", handed, "product", own=False)))

    assert refused == [
        "inputs.x (rights over index-asset) gives no right to operate; obtain it, or"
        " leave the input out"
    ]
    assert allowed == []


def test_of_two_certificates_of_one_input_one_suffices() -> None:
    terms = asset_terms(
        rights=[
            right("operate", certificate="C-1", valid_to="2025-12-31"),
            right("operate", certificate="C-2", valid_to="2029-12-31"),
        ]
    )
    titles = [*by_certificate("x", terms, "product", own=True)]

    assert list(lacking(claim(field="", territory=""), titles)) == []


ends = st.integers(0, 30)
titles_ = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["hold", "process", "operate"]),
        st.sampled_from(["", ME, "Somebody"]),
        *(ends, ends),
        st.sampled_from([(), ("N76",), ("J68",), ("N",)]),
        st.sampled_from(["", "320000", "330000"]),
    ),
    max_size=5,
)


def day(n: int) -> date:
    return date(2025, 1, 1) + timedelta(days=n)


def made(rows: list[tuple[Any, ...]]) -> list[Title]:
    return [
        Title.model_validate(
            {
                "input": place,
                "by": "right",
                "right": kind,
                "holder": holder,
                "valid_from": day(first),
                "valid_to": day(max(first, last)),
                "fields": fields,
                "territory": territory,
                "evidence": "E",
            }
        )
        for place, kind, holder, first, last, fields, territory in rows
    ]


@settings(deadline=None)
@given(titles_, titles_, ends, ends, st.sampled_from(["N76", "J68", ""]))
def test_what_two_groups_of_inputs_allow_is_what_both_allow(
    one: list[Any], other: list[Any], first: int, last: int, field: str
) -> None:
    # Inputs of the two groups are apart: a second title of one input widens it.
    other = [(f"other-{place}", *rest) for place, *rest in other]
    asked = claim(first=day(first), last=day(max(first, last)), field=field)

    together = list(lacking(asked, made(one + other)))

    assert together == [*lacking(asked, made(one)), *lacking(asked, made(other))]


@settings(deadline=None)
@given(titles_, ends, ends, ends, ends)
def test_a_shorter_claim_stands_wherever_a_longer_one_does(
    rows: list[Any], first: int, length: int, cut: int, off: int
) -> None:
    last = first + length
    inner = claim(
        first=day(min(first + cut, last)), last=day(max(last - off, first + cut))
    )
    longer = claim(first=day(first), last=day(max(last, first + cut)))

    if not list(lacking(longer, made(rows))):
        assert list(lacking(inner, made(rows))) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "not 2025-01-01 to 2031-12-31"),
        ({"valid_to": "2028-12-31", "field": "J68"}, "covers N76 water management"),
        ({"valid_to": "2028-12-31", "territory": "330000"}, "holds in 320000"),
    ],
    ids=["longer", "another field", "another territory"],
)
def test_a_right_over_the_asset_beyond_the_agreement_shuts_its_gate(
    changed: dict[str, Any], said: str
) -> None:
    base = {"field": "N76", "territory": "320400"}
    fit = {"valid_to": "2028-12-31"}
    rights = [
        right("process", **(base | fit)),
        right("operate", **(base | changed)),
    ]
    terms = asset_terms(rights=rights, titles=tuple(agreed()))

    grounds = failed(make_asset(terms).gates)

    assert said in grounds["rights_of_inputs"]
    assert "AGREEMENT-9" in grounds["rights_of_inputs"]
    within = asset_terms(
        rights=[right(k, **(base | fit)) for k in ("process", "operate")],
        titles=tuple(agreed()),
    )
    assert "rights_of_inputs" not in failed(make_asset(within).gates)


def test_what_is_made_of_free_public_data_is_not_recognised_as_charged() -> None:
    free = ("authorised-free by Water bureau",)
    no = {"answer": False, "evidence": "PRICE-0"}

    charged = failed(make_asset(asset_terms(free=free)).gates)
    given = make_asset(asset_terms(free=free, recognition=facts(charged=no)))

    assert "answer recognition.charged: no" in charged["public_data"]
    assert "public_data" not in failed(given.gates)
    assert given.valuation.collect()["outcome"].item() == "not recognised"
    assert given.valuation.collect()["charged"].item() is False


def test_the_documents_of_the_house_say_what_their_inputs_bring() -> None:
    folder = Path(__file__).resolve().parents[2] / "deployments" / "factors"

    product = load_factor("route-disruption", folder).product
    river = load_factor("yellow-river-daily", folder).product

    assert product
    assert river
    brought = {(t.input, t.right) for t in product.titles if t.by == "right"}
    assert brought == {
        ("inputs.flights (rights over flight-disruption-index)", kind)
        for kind in ("hold", "process", "operate")
    }
    (agreement,) = {t.input for t in river.titles if t.by == "agreement"}
    assert agreement == "product.compliance (agreement ILLUSTRATIVE-AGREEMENT-07)"
