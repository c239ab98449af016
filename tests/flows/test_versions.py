"""A version that hides a broken promise is refused, and who would break is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.check import examine
from flows.cli import main
from flows.document import factor_named
from flows.find import find
from flows.market import Asked, take_order
from flows.released import released
from flows.value_chain import value_chain
from flows.versions import too_low
from schemas.artifact import Stage
from schemas.errors import FactorError, Refused
from tests import shop
from tests.shop import CODE, DAY, DOCUMENT

COVER = DOCUMENT[: DOCUMENT.index("sources:")].replace("factor: rain", "factor: cover")
COVER += """
inputs: {wet: rain/product}
product:
  name: cover
  version: 0.1.0
  query: SELECT town, COUNT(*) AS days FROM wet GROUP BY town
  columns:
    - {name: town, logicalType: string, required: true, classification: public}
    - {name: days, logicalType: integer, required: true, classification: public}
  key: [town]
  licence: {name: rain terms, permissions: [use], duties: [attribute], attribution: Jiangbei rain}
"""  # noqa: E501 - a document as people write it
SOURCES, PRODUCT = DOCUMENT.split("product:\n")
LINES = PRODUCT.splitlines(keepends=True)
WITHOUT_TOWN = (
    SOURCES
    + "product:\n"
    + "".join(line for line in LINES if "{name: town" not in line)
    .replace("SELECT day, town,", "SELECT day,")
    .replace("filters: [town]", "filters: [day]")
)
NTH = "    - {name: nth, logicalType: integer}\n"
TOLD = (
    r"product\.version: 1\.2\.0 is lower than 2\.0\.0, the least after 1\.2\.0: column"
    r" town was removed \(breaks factor cover, order V-1 of Crop Cover\); filter town"
    r" is not offered any more \(breaks factor cover, order V-1 of Crop Cover, order"
    r" V-2 of Dry Cover\); write version: 2\.0\.0$"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Version 1.2.0 on offer, a factor that reads a column, and two orders."""
    folder = tmp_path_factory.mktemp("versions")
    with shop.shop(folder):
        (folder / "factors" / "cover.yaml").write_text(COVER, encoding="utf-8")
        take_order("rain", Asked("Crop Cover", CODE, "claims", "V-1"))
        dry = Asked("Dry Cover", CODE, "claims", "V-2", fields=("day", "tenths_mm"))
        take_order("rain", dry)
        yield folder


def write(home: Path, document: str) -> None:
    (home / "factors" / "rain.yaml").write_text(document, encoding="utf-8")


def test_check_names_the_least_version_and_who_would_break(home: Path) -> None:
    """V-2 has no field town, so it loses the filter only."""
    write(home, WITHOUT_TOWN)

    with pytest.raises(FactorError, match=TOLD) as refused:
        examine("rain")
    place = 1 + WITHOUT_TOWN[: WITHOUT_TOWN.index("  version: 1.2.0")].count("\n")
    assert str(refused.value).startswith(f"rain.yaml line {place}, ")


def test_a_run_is_refused_as_well_and_the_old_version_stays_on_offer(
    home: Path,
) -> None:
    write(home, WITHOUT_TOWN)

    with pytest.raises(Refused, match=TOLD):
        value_chain.fn("rain", DAY, Stage.PRODUCT)
    assert released("rain").terms.version == "1.2.0"


def test_twenty_changes_are_told_in_a_sentence_that_can_be_read(home: Path) -> None:
    write(home, DOCUMENT)
    gone = [f"column c{number} was removed" for number in range(20)]
    changes = [{"what": what, "level": "major", "breaks": []} for what in gone]
    facts = {"released": "1.2.0", "least": "2.0.0", "changes": changes}

    (told,) = too_low(factor_named("rain"), facts)

    assert told.endswith("; column c7 was removed; 12 more; write version: 2.0.0")


def test_a_new_column_asks_for_a_minor_version(home: Path) -> None:
    more = DOCUMENT.replace("SELECT day, town,", "SELECT day, town, day AS nth,")
    more = more.replace("  key: [day]\n  order", NTH + "  key: [day]\n  order")
    write(home, more)

    with pytest.raises(FactorError, match=r"1\.2\.0 is lower than 1\.3\.0.*nth"):
        examine("rain")
    write(home, more.replace("version: 1.2.0", "version: 1.3.0"))
    said = examine("rain")["since"]
    assert (said["released"], said["least"]) == ("1.2.0", "1.3.0")
    assert [c["breaks"] for c in said["changes"]] == [[]]


def test_an_unchanged_contract_keeps_its_version_but_never_goes_back(
    home: Path,
) -> None:
    write(home, DOCUMENT.replace("300.00", "200.00"))
    assert examine("rain")["since"]["changes"] == []

    write(home, DOCUMENT.replace("version: 1.2.0", "version: 1.1.9"))
    with pytest.raises(FactorError, match=r"1\.1\.9 is lower than 1\.2\.0, the least"):
        examine("rain")


def test_an_end_of_the_offer_is_told_ahead_and_everywhere(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = (
        "  deprecated: {on: DAY, reason: gauges close, successor: rain-radar 1.0.0}\n"
    )
    late = DOCUMENT.replace("version: 1.2.0", "version: 1.3.0") + ends
    write(home, late.replace("DAY", "2026-06-29"))
    with pytest.raises(Refused, match="2026-06-29 lies before 2026-06-30"):
        value_chain.fn("rain", DAY, Stage.PRODUCT)

    write(home, late.replace("DAY", "2099-12-31"))
    said = "offered until 2099-12-31: gauges close; rain-radar 1.0.0 follows"
    assert examine("rain")["ending"] == said
    assert main(["run", "rain", "--as-of", str(DAY), "--through", "product"]) == 0
    assert said in capsys.readouterr().out
    assert find(("rain",))["found"][0]["ending"] == said
    assert main(["check", "rain"]) == 0
    assert said in capsys.readouterr().out


def test_a_breaking_change_with_its_major_version_runs(home: Path) -> None:
    """The last test of the file: it takes the town away."""
    write(home, WITHOUT_TOWN.replace("version: 1.2.0", "version: 2.0.0"))

    value_chain.fn("rain", DAY, Stage.PRODUCT)

    assert released("rain").terms.version == "2.0.0"
