"""A table of counts knows what its tables count; an input's count goes on unchanged."""

from pathlib import Path

import pytest

from flows.document import factor_named
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused
from tasks import store
from tests.plain.test_linkage import AS_OF, HEAD, PRODUCT, opened, release

ONWARD = PRODUCT.replace("name: towns", "name: onward").replace(
    "SELECT town, COUNT(*) AS patients FROM resource GROUP BY town",
    "SELECT town, patients FROM towns",
)
INPUT = "inputs: {towns: people/product}\n"


def write(home: Path, product: str) -> None:
    text = HEAD.replace("factor: people", "factor: onward") + INPUT + product
    (home / "factors" / "onward.yaml").write_text(text, "utf-8")


def test_a_document_with_counts_is_told_keys_and_what_its_inputs_count(
    tmp_path: Path,
) -> None:
    with opened(tmp_path):
        release(tmp_path, 6, 8)
        write(tmp_path, ONWARD)
        own, onward = factor_named("people").product, factor_named("onward").product

    assert own is not None
    assert onward is not None
    assert (own.keyed, own.counts) == ({"resource": ("id",)}, {})
    assert (onward.keyed, onward.counts) == (
        {"towns": ("town",)},
        {"towns": "patients"},
    )


def test_the_count_of_an_input_is_offered_unchanged_and_no_other(
    tmp_path: Path,
) -> None:
    """A count of 6 or 8 that is doubled would hide a cell of 1 from the threshold."""
    personal = PRODUCT.replace(
        "{name: town, logicalType: string, required: true, classification: public}",
        "{name: town, logicalType: string, required: true, classification: personal}",
    ).replace(
        "SELECT town,",
        "SELECT CASE town WHEN 'east' THEN 'east' ELSE 'west' END AS town,",
    )
    words = "CASE town WHEN 'east' THEN 'east' ELSE 'west' END AS town, patients"
    onward = ONWARD.replace("SELECT town, patients", f"SELECT {words}")
    with opened(tmp_path):
        release(tmp_path, 6, 8, personal)
        write(
            tmp_path, onward.replace("patients FROM", "patients * 2 AS patients FROM")
        )
        with pytest.raises(Refused, match=r"patients is not COUNT\(\*\) or COUNT"):
            value_chain.fn("onward", AS_OF, Stage.PRODUCT)
        write(tmp_path, onward)
        value_chain.fn("onward", AS_OF, Stage.PRODUCT)
        s = store.current()
        made = store.scan(s, store.resolve(s, "onward/product/product")).collect()

    assert sorted(made.rows()) == [("east", 6), ("west", 8)]
