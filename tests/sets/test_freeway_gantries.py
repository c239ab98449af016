"""Freeway gantries: a day is 288 files without a heading, a month is 31 parts."""

import csv
import io
import shutil
import tarfile
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.sets.ran import Ran, needed, run_of

DAY = "highway_rescue_tw/M05A_20240508.tar.gz"
MONTH = "large/tw_freeway_m05a_202405"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Run the factor of the month over a folder that holds one day of it."""
    home = tmp_path_factory.mktemp("gantries")
    folder = home / "data" / MONTH
    folder.mkdir(parents=True)
    shutil.copy(needed(DAY), folder)
    with run_of("freeway-gantries", home, home / "data") as ran:
        yield ran


@pytest.fixture(scope="module")
def written() -> list[list[str]]:
    """Read the day with tarfile and csv."""
    with tarfile.open(needed(DAY)) as day:
        files = (day.extractfile(member) for member in day.getmembers())
        texts = [io.TextIOWrapper(f, encoding="utf-8") for f in files if f]
        return [row for text in texts for row in csv.reader(text)]


def test_one_day_is_606240_rows_and_no_key_repeats(
    ran: Ran, written: list[list[str]]
) -> None:
    assert len(written) == 606_240
    assert len({tuple(row[:4]) for row in written}) == 606_240
    assert ran.balance("m05a") == (606_240, 606_240, 0, 0)
    assert ran.rows().height == 606_240


def test_volumes_and_speeds_are_those_of_the_files(
    ran: Ran, written: list[list[str]]
) -> None:
    resource = ran.rows()

    assert Counter(resource["vehicle"].to_list()) == Counter(
        int(row[3]) for row in written
    )
    assert resource["volume"].sum() == sum(int(row[5]) for row in written)
    assert resource["speed_kmh"].sum() == sum(int(row[4]) for row in written)


def test_what_was_counted_without_a_speed_is_told(
    ran: Ran, written: list[list[str]]
) -> None:
    without = sum(row[4] == "0" and row[5] != "0" for row in written)

    assert without == 1_778
    assert ran.broke("m05a", "what was counted has a speed") == without


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_the_month_is_31_parts_and_18793440_rows(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    needed(MONTH)
    with run_of("freeway-gantries", tmp_path_factory.mktemp("month")) as month:
        # Eleven go 266 to 11,181 km/h, counted with tarfile and str.split.
        assert month.balance("m05a") == (18_793_440, 18_793_429, 11, 0)
        assert month.broke("m05a", "speed_kmh:1:at most 250") == 11
        assert month.broke("m05a", "what was counted has a speed") == 52_727
        assert month.rows("m05a.rejects").height == 11
        parts = month.parts()
        assert list(parts) == [f"2024-05-{day:02}" for day in range(1, 32)]
        assert sum(parts.values()) == 18_793_429
        assert parts["2024-05-08"] == 606_240
