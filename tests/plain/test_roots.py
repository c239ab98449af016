"""Data keeps its roots, whatever file, archive, name or factor it comes in."""

import gzip
import shutil
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.demo import ARCHIVE, AS_OF, FACTOR
from flows.roots import fingerprint_of
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused, RegisterError
from tasks import store
from tasks.capital.sketch import overlap
from tests.archive import ROOT, bundled, small_archive
from tests.builders import temporary_store
from tests.gauges import head, offer, write
from tests.small import small_factor
from tests.trips import trips

DAY = date(2026, 6, 30)
TRIPS = trips(1)
MEETS = 300_000
TYPES = {
    pl.Date: "date",
    pl.Int64: "integer",
    pl.Float64: "number",
    pl.String: "string",
}


Row = dict[str, Any]  # of contract Fingerprint


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with the documents and the data."""
    home = tmp_path_factory.mktemp("roots")
    small_factor(home)
    places = {"DATAFACTOR_DATA": str(home), "DATAFACTOR_FACTORS": str(home / "factors")}
    with temporary_store(home, **places):
        yield home


@pytest.fixture(scope="module")
def mine(home: Path) -> Row:
    """The one root of the factor ``fleet``: its trips as they came."""
    TRIPS.write_csv(home / "trips.csv")
    return made(home, "fleet", "trips", "trips.csv", TRIPS)


def made(
    home: Path, factor: str, table: str, path: str, rows: pl.DataFrame, more: str = ""
) -> Row:
    """Make a resource of one source; give its only root."""
    columns = [
        f"      - {{name: {n}, logicalType: {TYPES[t.base_type()]}, required: true,"
        " classification: public}"
        for n, t in rows.schema.items()
    ]
    source = [f"sources:\n  {table}:", f"    path: '{path}'", "    licence: CC0-1.0"]
    text = "\n".join([*source, *([more] if more else []), "    columns:", *columns])
    write(home, factor, head(factor), text, "\nresource:\n  columns: []\n")
    return rooted(factor, Stage.RESOURCE)


def rooted(factor: str, through: Stage) -> Row:
    value_chain.fn(factor, DAY, through)
    s = store.current()
    last = store.resolve(s, f"{factor}/{through}/{through}")
    (root,) = store.scan(s, fingerprint_of(factor, last)).collect().to_dicts()
    return root


def zipped(home: Path, name: str, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(home / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)


def csv(rows: pl.DataFrame) -> bytes:
    return rows.write_csv().encode()


def test_the_digest_of_the_bytes_is_the_root_of_a_file(home: Path, mine: Row) -> None:
    assert mine["root"] == store.digest(home / "trips.csv")
    assert mine["place"] == "fleet/trips!trips.csv"
    assert (mine["rows"], mine["weight_ppm"]) == (3_000, 1_000_000)


def test_packing_and_other_names_leave_the_root(home: Path, mine: Row) -> None:
    """Twice the bytes are unpacked when they are collected, twice when asked for."""
    content = csv(TRIPS)
    zipped(home, "a.zip", {"in/other.csv": content})
    zipped(home, "c.zip", {"b.csv.gz": gzip.compress(content, 1)})
    (home / "d.csv.gz").write_bytes(gzip.compress(content))
    ways = {
        "a.zip!in/other.csv": "",
        "a.zip!in/*.csv": "",
        "d.csv.gz": "    retain: reference",
        "c.zip!*.gz": "",
    }
    for number, (path, more) in enumerate(ways.items()):
        found = made(home, f"packed-{number}", "journeys", path, TRIPS, more)
        assert found["root"] == mine["root"], path


def test_the_same_rows_meet_in_another_dress(home: Path, mine: Row) -> None:
    """All at once: other names, order, delimiter and spelling, a row and a column less.

    Each disguise alone stands in the tests of the sketch.
    """
    rows = TRIPS.reverse().head(-1).drop("metres").select("kind", pl.exclude("kind"))
    rows = rows.cast({"hour": pl.Float64}).rename(lambda name: f"my_{name}")
    (home / "other.txt").write_text(rows.write_csv(separator=";"))

    theirs = made(home, "other", "journeys", "other.txt", rows, '    delimiter: ";"')

    assert theirs["root"] != mine["root"]
    assert overlap(mine["sketch"], theirs["sketch"]) >= MEETS


def test_many_members_are_one_root_whatever_their_order(home: Path, mine: Row) -> None:
    parts = {f"{n}.csv": csv(TRIPS[n * 1_000 :][:1_000]) for n in range(3)}
    zipped(home, "parts.zip", parts)
    zipped(home, "moved.zip", {f"x{n}.csv": parts[f"{2 - n}.csv"] for n in range(3)})

    one = made(home, "parts", "trips", "parts.zip!*.csv", TRIPS)
    two = made(home, "moved", "trips", "moved.zip!*.csv", TRIPS)

    assert one["root"] == two["root"] != mine["root"]
    assert overlap(one["sketch"], mine["sketch"]) == 1_000_000
    assert one["place"] == "parts/trips!parts.zip!0.csv and 2 more"


def test_what_a_factor_takes_in_brings_its_roots_along(home: Path, mine: Row) -> None:
    """A product of another factor's resource rests on the files of that factor."""
    query = "query: SELECT kind AS gauge, COUNT(*) AS total FROM taken GROUP BY kind"
    taken = "inputs: {taken: fleet/resource}\n"
    write(home, "combined", head("combined"), taken, offer("combined", query))

    assert rooted("combined", Stage.PRODUCT) == mine


def test_a_product_that_repeats_its_rows_leaves_its_sources_their_weight(
    home: Path, mine: Row
) -> None:
    """3,000 trips, shown twice each, are all of it still, and not the half."""
    said = "SELECT CONCAT('{}', month, '-', day, '-', hour, '-', metres) AS gauge,"
    said += " hour AS total FROM taken"
    twice = f"query: {said.format('a')} UNION ALL {said.format('b')}"
    taken = "inputs: {taken: fleet/resource}\n"
    write(home, "twice", head("twice"), taken, offer("twice", twice))

    found = rooted("twice", Stage.PRODUCT)
    product = store.resolve(store.current(), "twice/product/product")

    assert product.rows == 2 * found["rows"] == 6_000
    assert found["weight_ppm"] == mine["weight_ppm"] == 1_000_000


def test_the_parts_of_a_resource_are_one_table(home: Path, mine: Row) -> None:
    (home / "days-1.csv").write_bytes(csv(TRIPS[:1_500]))
    (home / "days-2.csv").write_bytes(csv(TRIPS[1_500:]))
    document = (home / "factors" / "fleet.yaml").read_text("utf-8")
    document = document.replace("'trips.csv'", "'days-*.csv'").replace("fleet", "days")
    key, part = "key: [month, day, hour, metres]", "partition: {column: month}"
    document = document.replace("    licence:", f"    {key}\n    licence:", 1)
    parted = f"  {part}\n  {key}\n  columns: []\n"
    write(home, "days", document.replace("  columns: []\n", parted))

    found = rooted("days", Stage.RESOURCE)

    assert found["rows"] == 3_000
    assert overlap(found["sketch"], mine["sketch"]) == 1_000_000


def test_the_same_flights_secure_one_loan_whoever_asks(tmp_path: Path) -> None:
    """An affiliate pledges them under another name, without their last row."""
    shutil.copytree(ROOT / "deployments", tmp_path / "deployments")
    small_archive(tmp_path / "data", 600)
    (tmp_path / "data" / "night.tar.gz").write_bytes(bundled(599, None, "flights.csv"))
    factors, entities = (tmp_path / "deployments" / n for n in ("factors", "entities"))
    document = (factors / f"{FACTOR}.yaml").read_text("utf-8")
    for mine, theirs in (
        (FACTOR, "night-flights"),
        ("vouchers/night-flights", f"vouchers/{FACTOR}"),
        (ARCHIVE, "night.tar.gz"),
        ("BANK-2026-001", "BANK-2026-002"),
        ("entity: jiangbei-data", "entity: jiangnan-data"),
    ):
        document = document.replace(mine, theirs)
    (factors / "night-flights.yaml").write_text(document, "utf-8")
    affiliate = (entities / "jiangbei-data.yaml").read_text("utf-8")
    affiliate = affiliate.replace("jiangbei-data", "jiangnan-data")
    (entities / "jiangnan-data.yaml").write_text(affiliate, "utf-8")
    places = {
        "DATAFACTOR_DATA": str(tmp_path / "data"),
        "DATAFACTOR_FACTORS": str(factors),
    }
    with temporary_store(tmp_path, **places):
        value_chain.fn(FACTOR, AS_OF)
        with pytest.raises((Refused, RegisterError), match="under BANK-2026-001"):
            value_chain.fn("night-flights", AS_OF)
