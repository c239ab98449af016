"""What shall stand on a server follows from the documents alone."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.deploy import is_absolute, refuse_relative
from flows.deployed import Clock, Wanted, chain, refuse_odd, trigger, wanted
from schemas.errors import FactorError, StoreError
from schemas.factor import Factor, Schedule, load_factor
from tests.gauges import documents


@pytest.fixture
def flood(tmp_path: Path) -> Factor:
    """A factor that reads two others."""
    documents(tmp_path)
    return load_factor("flood", tmp_path / "factors")


def test_a_factor_follows_each_of_its_inputs_with_their_day(flood: Factor) -> None:
    made = chain(flood)

    assert (made.flow, made.name) == ("value-chain", "flood")
    assert made.entrypoint == "flows.value_chain:value_chain"
    assert made.follows == ("level", "rain")
    assert trigger(made)["match"]["prefect.resource.id"] == [
        "datafactor.factor.level",
        "datafactor.factor.rain",
    ]
    assert trigger(made)["parameters"] == {
        "factor": "flood",
        "as_of": "{{ event.payload.as_of }}",
    }
    assert made.clock is None
    assert "**When it ends Waiting**" in made.about


def test_those_that_follow_others_come_last(flood: Factor, tmp_path: Path) -> None:
    rain = load_factor("rain", tmp_path / "factors")

    names = [one.name for one in wanted([flood, rain], [])]

    assert names == ["watch-collateral", "rain", "flood"]


def test_a_schedule_that_skips_a_day_is_refused_with_the_days() -> None:
    """Chile's clocks jump at midnight: 2026-09-05 fires twice, 2026-09-06 never."""
    bad = Wanted("value-chain", "x", {}, "", (), Clock("0 0 * * *", "America/Santiago"))

    with pytest.raises(FactorError, match=r"x: the schedule .* 2026-09-05, 2026-09-06"):
        refuse_odd([bad], date(2026, 8, 1))
    good = bad._replace(clock=Clock("0 4 * * *", "America/Santiago"))
    refuse_odd([good], date(2026, 8, 1))


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ("/srv/x", True),
        ("~/x", True),
        ("x", False),
        ("s3://b/x", True),
        ("../x", False),
    ],
)
def test_a_relative_place_is_refused_for_a_worker(
    place: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAFACTOR_DATA", place)

    assert is_absolute(place) is known
    if not known:
        with pytest.raises(StoreError, match="DATAFACTOR_DATA must be absolute"):
            refuse_relative()


@pytest.mark.parametrize(
    "cron", ["30 2 * * *", "*/5 0-6,22 1 JAN mon-fri", "0 6 3 * *"]
)
def test_a_schedule_of_five_fields_in_a_known_zone_is_taken(cron: str) -> None:
    assert Schedule(cron=cron, timezone="Asia/Shanghai").cron == cron


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("30 2 * *", "UTC", "write five fields"),
        ("@daily", "UTC", "write five fields"),
        ("30 2 * * ;rm", "UTC", "write five fields"),
        ("30 2 * * *", "Asia/Peking", "no such time zone"),
        ("30 2 * * *", "../etc/passwd", "no such time zone"),
    ],
)
def test_what_is_no_schedule_is_refused(cron: str, zone: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Schedule(cron=cron, timezone=zone)
