"""A table weighs by the product's rows, and a live pledge's new data adds its root."""

from typing import Any

import polars as pl

from schemas.artifact import ArtifactRef
from schemas.collateral import FingerprintTerms
from schemas.registers import CollateralRoot
from tasks.capital.roots import added, fingerprint
from tasks.capital.sketch import sketch
from tests.store.build import frame_of, root, sha

PRODUCT = ArtifactRef(
    id=sha("id"), sha256=sha("p"), name="product", rows=0, contract="", kind="frame"
)


def table(first: int, last: int) -> pl.LazyFrame:
    """Rows of a table that tell themselves apart."""
    rows = range(first, last)
    return pl.LazyFrame(
        {
            "n": [str(n) for n in rows],
            "a": [n * n for n in rows],
            "b": [-n for n in rows],
        }
    )


def weights(product: int, **tables: pl.LazyFrame) -> list[tuple[str, int]]:
    """Weigh tables under a product of some rows."""
    members = {
        name: pl.LazyFrame({"member": [name], "sha256": [sha(name)]}) for name in tables
    }
    terms = FingerprintTerms(factor="rain", product=PRODUCT, rows=product)
    made = fingerprint(members, tables, terms).collect()
    return [*made.select("place", "weight_ppm").iter_rows()]


def test_a_bulky_table_that_gives_no_rows_leaves_the_others_their_weight() -> None:
    """40 rows under 40 of the product are all of it, beside 2,000 others or alone."""
    rain, junk = table(0, 40), table(1_000, 3_000)

    assert weights(40, rain=rain) == [("rain!rain", 1_000_000)]
    assert weights(40, rain=rain, junk=junk) == [
        ("junk!junk", 1_000_000),
        ("rain!rain", 1_000_000),
    ]
    assert weights(1_000, rain=rain) == [("rain!rain", 40_000)]
    assert weights(0, rain=rain) == [("rain!rain", 1_000_000)]


def held(name: str, first: int, last: int) -> dict[str, Any]:
    """Write a root over some rows."""
    told = sketch(table(first, last))
    return root(root=sha(name), rows=last - first, sketch=told, place=name)


def test_data_that_changed_under_a_pledge_adds_a_root_and_data_that_grew_none() -> None:
    before = frame_of(CollateralRoot, [held("June", 0, 1_000)])
    grown = frame_of(CollateralRoot, [held("July", 0, 2_000)])
    twice = frame_of(CollateralRoot, [held("August", 0, 2_001)])
    other = frame_of(CollateralRoot, [held("swapped", 5_000, 6_000)])

    assert added(before, before, 300_000).is_empty()
    assert added(grown, before, 300_000).is_empty()
    assert added(twice, before, 300_000)["place"].to_list() == ["August"]
    assert added(other, before, 300_000)["place"].to_list() == ["swapped"]
