"""Freeway rescue: the nearest gantry and the drive from it, from three sources."""

import csv
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.artifact import Stage
from tasks import store
from tests.sets.ran import SETS, Ran, needed, run_of

DAY = "highway_rescue_tw/M05A_20240508.tar.gz"
GANTRIES = "highway_rescue_tw/國道計費門架座標及里程牌價表1110413.csv"
MONTH = "large/tw_freeway_m05a_202405"
BEFORE = {"freeway-accidents": Stage.RESOURCE, "freeway-gantries": Stage.PRODUCT}
ROADS = {
    "國道一號": "國道1號",
    "國道一號高架": "國道1號",
    "國道三號": "國道3號",
    "國道三甲": "國道3甲",
    "國道五號": "國道5號",
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Combine the accidents with the speeds of one day."""
    needed(DAY)
    home = tmp_path_factory.mktemp("rescue")
    folder = home / "data" / MONTH
    folder.mkdir(parents=True)
    shutil.copy(needed(DAY), folder)
    for path in (SETS / "highway_rescue_tw").iterdir():
        (home / "data" / "highway_rescue_tw").mkdir(exist_ok=True)
        shutil.copy(path, home / "data" / "highway_rescue_tw")
    with run_of(
        "freeway-rescue", home, home / "data", Stage.PRODUCT, before=BEFORE
    ) as ran:
        yield ran


def shift_of(hour: int) -> str:
    return ("night 0-6", "morning 6-12", "afternoon 12-18", "evening 18-24")[hour // 6]


def test_each_accident_counts_at_the_gantry_nearest_to_it(ran: Ran) -> None:
    by_road: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    with needed(GANTRIES).open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            digits = row["設定收費區代碼"][3:7]
            if digits.isdigit():
                road = (ROADS[row["國道別"]], row["方向"])
                by_road[road].append((row["設定收費區代碼"], int(digits) / 10))
    accidents: Counter[tuple[str, str]] = Counter()
    blocked: Counter[tuple[str, str]] = Counter()
    for row in resource_of(ran):
        near = by_road.get((row["road"], row["direction"]))
        if row["km"] is None or not near:
            continue
        # Of two as near the first code counts: to the metre, as kilometres are told.
        code = min((round(abs(row["km"] - at), 3), name) for name, at in near)[1]
        accidents[code, shift_of(row["told_at"].hour)] += 1
        blocked[code, shift_of(row["told_at"].hour)] += row["minutes"]

    product = ran.rows("product")
    found = {(r["gantry"], r["shift"]): r for r in product.iter_rows(named=True)}

    assert {k: r["accidents"] for k, r in found.items()} == accidents
    assert {k: r["blocked"] for k, r in found.items()} == blocked
    first = product.filter(standby_rank=1).row(0, named=True)
    assert blocked[first["gantry"], first["shift"]] == max(blocked.values())


def test_the_drive_is_the_way_over_the_speed_of_the_shift(ran: Ran) -> None:
    for row in ran.rows("product").drop_nulls("speed_kmh").head(50).to_dicts():
        expected = 60 * row["away_km"] / row["speed_kmh"]
        # Way and speed are rounded to a tenth in the product.
        assert row["reach_minutes"] == pytest.approx(expected, abs=0.1)


def test_what_no_gantry_measured_has_no_speed(ran: Ran) -> None:
    product = ran.rows("product")
    unknown = product.filter(product["speed_kmh"].is_null())

    assert unknown.height > 0
    assert unknown["reach_minutes"].null_count() == unknown.height
    assert {"sms", "happened", "vehicle_1"}.isdisjoint(product.columns)


def resource_of(ran: Ran) -> list[dict[str, Any]]:  # Any: cells
    """Read the accidents as the other factor has published them."""
    made = store.resolve(store.current(), "freeway-accidents/resource/resource")
    assert ran.chain.factor == "freeway-rescue"
    return store.scan(store.current(), made).collect().to_dicts()
