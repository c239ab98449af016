"""Yellow River: storage is no flow, a star is no measurement, a minus is no value."""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import pytest

from schemas.artifact import Stage
from tests.sets.ran import Ran, needed, run_of


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed("yellow_river_daily/daily_2018_2022.csv.gz")
    home = tmp_path_factory.mktemp("river")
    with run_of("yellow-river-daily", home, through=Stage.PRODUCT) as ran:
        yield ran


def test_all_96672_rows_pass_53_a_day(ran: Ran) -> None:
    a_day = ran.rows().group_by("day").len()["len"]

    assert ran.balance("reports") == (96_672, 96_672, 0, 0)
    assert ran.balance("resource") == (96_672, 96_672, 0, 0)
    assert (len(a_day), set(a_day.to_list())) == (1_824, {53})


def test_two_of_1826_days_are_missing(ran: Ran) -> None:
    every = {date(2018, 1, 1) + timedelta(n) for n in range(1_826)}

    missing = every - set(ran.rows()["day"].to_list())

    assert missing == {date(2020, 12, 1), date(2022, 12, 31)}


def test_levels_flows_storage_and_sediment_are_told_apart(ran: Ran) -> None:
    rows = ran.rows()

    assert (rows["level_m"].null_count(), rows["level_m"].count()) == (21_130, 75_542)
    assert (rows["flow_m3s"].count(), rows["storage"].count()) == (70_111, 14_589)
    neither = rows["flow_m3s"].is_null() & rows["storage"].is_null()
    assert neither.sum() == 11_972
    assert (rows["sediment_kgm3"].count(), rows["sediment_starred"].sum()) == (
        6_645,
        7_528,
    )
    assert ran.rows("reports")["sediment"].null_count() == 82_499


def test_longyangxia_jumps_tenfold_once(ran: Ran) -> None:
    storage = ran.rows().filter(station="龙羊峡蓄水量").sort("day")

    ratio = pl.col("storage") / pl.col("storage").shift(1)
    jumps = storage.filter(ratio.is_between(5, 20))["day"].to_list()

    assert jumps == [date(2018, 1, 2)]
    assert storage["storage"].head(2).to_list() == [21.1, 211]


def test_the_runoff_of_huayuankou_is_that_of_the_reports(ran: Ran) -> None:
    flows = ran.rows().filter(station="花园口").with_columns(pl.col("day").dt.year())
    a_year = flows.group_by("day").agg(pl.sum("flow_m3s") * 86_400 / 1e8).sort("day")

    # The sediment bulletin prints 447.8, 457.6 and 487.1 for these years.
    assert [round(v, 2) for v in a_year["flow_m3s"].head(3)] == [448.45, 460.09, 486.66]


def test_the_flood_of_tongguan_is_on_its_day(ran: Ran) -> None:
    flood = ran.rows().filter(station="潼关").sort("flow_m3s", nulls_last=True).tail(1)

    assert flood.row(0, named=True)["flow_m3s"] == 8_350
    assert flood["day"].to_list() == [date(2021, 10, 7)]


def test_stations_are_written_one_way_without_padding(ran: Ran) -> None:
    path = needed("yellow_river_daily/daily_2018_2022.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        written = {row["站名"] for row in csv.DictReader(file)}
    wide = str.maketrans("（）", "()")

    stations = set(ran.rows()["station"].to_list())

    assert stations == {name.strip().translate(wide) for name in written}
    assert len(stations) == 53


def test_no_starred_value_enters_a_mean_or_a_load_of_the_product(ran: Ran) -> None:
    measured: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    starred: Counter[tuple[str, int]] = Counter()
    path = needed("yellow_river_daily/daily_2018_2022.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            place = (row["站名"].strip(), int(row["file"][:4]))
            sediment, flow = row["含沙量"], row["流量"]
            starred[place] += sediment.startswith("*")
            if sediment != "-" and not sediment.startswith("*") and flow != "-":
                measured[place].append((float(flow), float(sediment)))

    product = ran.rows("product").filter(station="花园口")

    assert product["starred_days"].sum() == 1_141
    assert product["sediment_days"].sum() == 683
    for row in product.iter_rows(named=True):
        pairs = measured["花园口", row["year"]]
        carried = sum(flow * sediment for flow, sediment in pairs)
        mean = carried / sum(flow for flow, _ in pairs)
        assert row["sediment_days"] == len(pairs)
        assert row["starred_days"] == starred["花园口", row["year"]]
        assert row["sediment_kgm3"] == pytest.approx(mean, abs=0.006)
        # kg/m3 times m3/s times the seconds of a day, in ten thousand tonnes.
        assert row["load"] == pytest.approx(carried * 86_400 / 1e7, abs=0.6)


def test_runoff_and_balance_of_the_product_are_those_of_the_reports(ran: Ran) -> None:
    product = ran.rows("product").filter(station="花园口").sort("year")

    assert product["runoff"].to_list()[:3] == [448.45, 460.09, 486.66]
    upstream = ran.rows("product").filter(station="小浪底").sort("year")["runoff"]
    assert product["above"].unique().to_list() == ["小浪底"]
    expected = (product["runoff"] - upstream).round(2).to_list()
    assert product["balance"].to_list() == pytest.approx(expected)


def test_no_storage_of_a_reservoir_is_in_the_product(ran: Ran) -> None:
    product = ran.rows("product")

    assert "storage" not in product.columns
    assert not product["station"].str.ends_with("蓄水量").any()
    assert product.filter(pl.col("balance").is_not_null())["place"].null_count() == 0
