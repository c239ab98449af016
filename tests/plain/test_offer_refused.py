"""A product without review, under a licence that nobody knows, is refused."""

from pathlib import Path

from tests.command import Said, datafactor
from tests.small import DOCUMENT, small_factor

PRODUCT = """
product:
  name: call-list
  version: 1.0.0
  query: SELECT id FROM resource
  columns: [{name: id, logicalType: integer, required: true, classification: internal}]
  key: [id]
  licence: {name: For clerks, permissions: [use, sell]}
"""


def test_all_grounds_are_told_once_and_nothing_leaves(tmp_path: Path) -> None:
    document = (DOCUMENT + PRODUCT).replace("licence: own books", "licence: CC BY 4.0")
    small_factor(tmp_path, document)
    factors = str(tmp_path / "factors")

    def ask(*arguments: str) -> Said:
        where = {"DATAFACTOR_FACTORS": factors}
        return datafactor(*arguments, home=tmp_path, data=tmp_path, **where)

    said = ask("run", "people", "--through", "product")

    assert said.exit == 1
    assert said.err.count("write product.compliance with an answer") == 1
    assert said.err.count("unknown licence 'CC BY 4.0'; the nearest known are") == 1
    assert len(ask("check", "people", "--json").data["against"]) == 2  # before any run
    assert ask("show", "people/product/product").exit == 1
    assert "third_party_rights" in ask("show", "people/product/gates").out
