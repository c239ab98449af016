"""Releases of counts are held against all that went out before, whatever their names.

Made-up patients of two towns, counted by town for an enclave (k 2).
"""

from datetime import date
from pathlib import Path

import pytest

from flows.rejected import rejected_rows
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused, StoreError
from tasks import store
from tests.builders import temporary_store
from tests.small import DOCUMENT, small_factor

AS_OF = date(2026, 6, 30)
HEAD = DOCUMENT[: DOCUMENT.index("sources:")]
PATIENTS = """
sources:
  patients:
    path: people.csv
    licence: CC0-1.0
    columns:
      - {name: id, logicalType: integer, required: true, classification: personal}
      - {name: town, logicalType: string, required: true, classification: public}
resource:
  columns:
    - {name: id, logicalType: integer, required: true, classification: personal}
    - {name: town, logicalType: string, required: true, classification: public}
  key: [id]
"""
PRODUCT = """
product:
  name: towns
  version: 1.0.0
  query: SELECT town, COUNT(*) AS patients FROM resource GROUP BY town
  deidentification:
    steps: [{cells: patients, by: [town]}]
    subject: id
  columns:
    - {name: town, logicalType: string, required: true, classification: public}
    - {name: patients, logicalType: integer, classification: public}
  key: [town]
  release: enclave
  licence: {name: CC0-1.0, permissions: [use, reproduce, present, derive, distribute, sell, commercialize]}
  compliance:
    lawful_source: {answer: true, evidence: made up for a test}
    undisputed: {answer: true, evidence: made up for a test}
    third_party_rights: {answer: true, evidence: made up for a test}
    consent: {basis: consent, separate: true, assessment: made up, evidence: made up}
"""  # noqa: E501 - a document as people write it


def release(home: Path, east: int, west: int, product: str = PRODUCT) -> None:
    """Publish counts of so many patients in each town."""
    small_factor(home, HEAD + PATIENTS + product)
    towns = ["east"] * east + ["west"] * west
    lines = (f"{number},{town}" for number, town in enumerate(towns))
    (home / "people.csv").write_text("\n".join(("id,town", *lines, "")), "utf-8")
    value_chain.fn("people", AS_OF, Stage.PRODUCT)


def opened(home: Path):  # type: ignore[no-untyped-def]  # the context of a store
    return temporary_store(
        home, DATAFACTOR_DATA=str(home), DATAFACTOR_FACTORS=str(home / "factors")
    )


def renamed(product: str) -> str:
    """Call the count otherwise, which is another contract."""
    return product.replace("patients", "persons").replace("1.0.0", "2.0.0")


def test_a_count_of_another_name_is_held_against_the_count_it_was(
    tmp_path: Path,
) -> None:
    with opened(tmp_path):
        release(tmp_path, 6, 8)
        with pytest.raises(Refused) as refused:
            release(tmp_path, 5, 8, renamed(PRODUCT))
        release(tmp_path, 4, 8, renamed(PRODUCT))

    (ground,) = refused.value.grounds
    assert "it differs from the release towns-1.0.0-" in ground
    assert "in 1 classes by fewer than 2 persons (the least by 1)" in ground


def test_a_count_of_another_name_in_another_factor_is_held_against_it_too(
    tmp_path: Path,
) -> None:
    """Two tables of one resource: only one of them leaves out one patient."""
    product = renamed(PRODUCT).replace("name: towns", "name: others")
    other = (
        HEAD.replace("factor: people", "factor: others")
        + "inputs: {patients: people/resource}\n"
        + product.replace("FROM resource", "FROM patients WHERE id <> 3")
    )
    with opened(tmp_path):
        release(tmp_path, 6, 8)
        (tmp_path / "factors" / "others.yaml").write_text(other, "utf-8")
        with pytest.raises(Refused, match=r"differs from the release towns-1\.0\.0-"):
            value_chain.fn("others", AS_OF, Stage.PRODUCT)
        # It has no resource of its own, and so no frames of sources to offer.
        with pytest.raises(StoreError, match=r"one of others/product/derived \(0\)$"):
            rejected_rows("others", False, 10)


def test_no_number_of_releases_hides_the_one_before_them(tmp_path: Path) -> None:
    with opened(tmp_path):
        for more in range(6):
            release(tmp_path, 6 + 10 * more, 8)
        with pytest.raises(Refused) as refused:
            release(tmp_path, 5, 8)
        last = store.newest(store.current(), "productize", "people")[0]
        shut = [gate for gate in last.publication.gates if not gate.passed]

    (ground,) = refused.value.grounds
    assert ground.count("it differs from the release") == 1
    assert [gate.evidence for gate in shut] == ["6 earlier releases compared"]
