"""What registers and documents call by a number, and what rests on it."""

from typing import Any

import polars as pl
import pytest

from schemas.artifact import ArtifactRef, Origin, Stage
from schemas.errors import StoreError
from schemas.registers import Order, Right
from tasks import store
from tasks.store import Store
from tests.store.build import frame_of, made, order, right, run, sha

Refs = dict[str, ArtifactRef]


def register_right(s: Store, **more: Any) -> ArtifactRef:
    """Publish a run that registers one right, beside a valuation of its asset."""
    row = right(**more)
    posted = made(s, "rights", frame_of(Right, [row]), sha(f"right {row}"))
    valued = made(s, "valuation", pl.DataFrame({"a": [str(row)]}))
    given = run(valued, posted, task="assetize", stage=Stage.ASSET, register="Right")
    return store.publish(s, given).refs["rights"]


def offer(s: Store, terms: dict[str, Any], factor: str) -> ArtifactRef:
    """Publish a product that is offered on these terms."""
    product = made(s, "product", pl.DataFrame({"of": [f"{factor} {terms}"]}))
    said: dict[str, Any] = {"factor": factor, "terms": terms}
    given = run(product, task="productize", stage=Stage.PRODUCT, **said)
    return store.publish(s, given).refs["product"]


def test_the_number_of_a_loan_alone_means_the_loan(s: Store, refs: Refs) -> None:
    assert store.resolve(s, "BANK-2026-001") == refs["pledge"]


def test_on_a_certificate_rests_its_asset_with_the_loan_that_pledges_it(
    s: Store, refs: Refs
) -> None:
    """The pledge is no child of the right's frame: they meet in the asset's name."""
    registered = register_right(s, certificate="C-1")
    register_right(s, certificate="C-2", asset="another")

    found = store.impact(s, *store.every(s, "right:C-1"))

    assert store.resolve(s, "right:C-1") == registered
    assert [loan.request for loan in found.pledges] == ["BANK-2026-001"]
    assert found.pledged_fen == 500_000_000
    assert found.assets == ("flights/asset/rights", "flights/asset/valuation")
    other = store.impact(s, *store.every(s, "right:C-2"))
    assert (other.pledges, len(other.nodes)) == ((), 2)


def test_one_number_at_two_entities_is_refused_until_the_entity_is_named(
    s: Store,
) -> None:
    mine = register_right(s, certificate="C-1")
    register_right(s, certificate="C-1", entity="taihu", asset="levels")

    with pytest.raises(StoreError, match="right:jiangbei/C-1, right:taihu/C-1"):
        store.every(s, "right:C-1")
    assert store.resolve(s, "right:jiangbei/C-1") == mine


def test_on_a_metric_rests_what_is_made_of_the_resource_it_measures(
    s: Store, refs: Refs
) -> None:
    told = {"code": ["0402"], "name": ["related data"], "dimension": ["consistency"]}
    judged = made(s, "quality", pl.DataFrame(told))
    inputs = {"resource.resource": refs["resource"]}
    store.publish(s, run(judged, task="assess", inputs=inputs))

    for metric in ("0402", "related data", "consistency"):
        found = store.impact(s, *store.every(s, f"metric:flights/{metric}"))
        assert [loan.request for loan in found.pledges] == ["BANK-2026-001"]
        assert found.products == ("flights/product/product",)
    assert store.resolve(s, "metric:flights/0402") == judged.ref
    with pytest.raises(StoreError, match=r"there is flights/0402, "):
        store.every(s, "metric:flights/0403")


@pytest.mark.parametrize(
    "terms",
    [
        {"compliance": {"public_data": {"agreement": "A-7"}}, "public_inputs": {}},
        {"compliance": None, "public_inputs": {"rain": {"agreement": "A-7"}}},
        {"licence": {"evidence": "A-7"}},
    ],
    ids=["of its own", "of an input", "as its licence"],
)
def test_on_an_agreement_rest_the_products_that_are_offered_under_it(
    s: Store, terms: dict[str, Any]
) -> None:
    under = offer(s, terms, "river")
    offer(s, {"licence": {"evidence": "A-70"}, "note": "A-7"}, "wells")

    assert store.every(s, "agreement:A-7") == [under.id]
    assert store.resolve(s, "agreement:A-7") == under


def test_an_earlier_product_under_an_agreement_counts_as_well(s: Store) -> None:
    """A loan may hang on it; only the newest is what the agreement's name means."""
    terms = {"licence": {"evidence": "协议-7"}}
    before = offer(s, terms, "river")
    after = offer(s, terms | {"price": 2}, "river")

    assert store.every(s, "agreement:协议-7") == sorted([before.id, after.id])
    assert store.resolve(s, "agreement:协议-7") == after


def test_an_order_and_a_loan_are_agreements_too(s: Store, refs: Refs) -> None:
    posted = made(s, "order", frame_of(Order, [order("SO-9")]))
    inputs = {"product": refs["product"]}
    given = run(posted, task="order", inputs=inputs, register="Order")
    store.publish(s, given)

    assert store.every(s, "agreement:SO-9") == [posted.ref.id]
    assert store.every(s, "agreement:BANK-2026-001") == [refs["pledge"].id]
    assert store.weigh(s, refs["flights"].id).ordered_fen == 30_000


def test_on_a_licence_rest_the_files_that_bear_it(s: Store, refs: Refs) -> None:
    credited = "CC-BY-4.0 (the bureau; as of May)"
    origin = Origin(path="b.csv", file_sha256=sha("b"), member="", licence=credited)
    raw = made(s, "b", b"b", origin=origin)
    store.publish(s, run(raw, task="collect", factor="b"))

    assert store.every(s, "licence:CC0") == [refs["flights"].id]
    assert store.every(s, "licence:CC-BY-4.0") == [raw.ref.id]
    with pytest.raises(StoreError, match=r"there is CC-BY-4\.0, CC0$"):
        store.every(s, "licence:CC")


def test_a_number_without_its_kind_is_refused_with_the_kinds_it_may_be_of(
    s: Store, refs: Refs
) -> None:
    with pytest.raises(StoreError, match=r"called CC0 alone: write licence:CC0$"):
        store.every(s, "CC0")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("loan:X", r"of loan there is BANK-2026-001$"),
        ("right:X", "of right there is none"),
        ("metric:flights/0402", "of metric there is none"),
        ("agreement:X", r"of agreement there is BANK-2026-001$"),
    ],
)
def test_an_unknown_number_is_refused_with_those_that_are_known(
    s: Store, refs: Refs, text: str, known: str
) -> None:
    with pytest.raises(StoreError, match=known):
        store.every(s, text)
    with pytest.raises(StoreError, match=known):
        store.resolve(s, text)
