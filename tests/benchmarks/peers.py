"""What a person would write instead for a month of gantry archives, a day at a time.

Runs in an environment of its own (``.ci/bench.lock``), so it imports nothing of the
project. Each way takes 31 archives of 288 headerless files and writes one sorted
Parquet a day: ``hand`` parses, sorts and writes, checking nothing; ``duckdb`` and
``pandera`` also apply the contract of ``freeway-gantries`` with its key, and keep
rejects (Pandera without their raw text, which it never sees).
"""

import json
import resource
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

NAMES = ["moment", "gantry_from", "gantry_to", "vehicle", "speed_kmh", "volume"]
KEY = NAMES[:4]
GANTRY = "^[0-9]{2}[A-Z][0-9R][0-9]{3}[NS]$"
CLOCK = "%Y/%m/%d %H:%M"
GROUP = 122_880


def unpack(archive: Path, target: Path) -> None:
    """Write all members of an archive as one text."""
    with tarfile.open(archive, "r|gz") as bundle, target.open("wb") as text:
        for entry in bundle:
            member = bundle.extractfile(entry)
            if member is not None:
                text.write(member.read())


def typed(text: Path) -> pl.LazyFrame:
    """Parse as a person would who needs no contract."""
    rows = pl.scan_csv(text, has_header=False, new_columns=NAMES, infer_schema=False)
    return rows.with_columns(
        pl.col("moment").str.to_datetime(CLOCK, time_unit="us", strict=False),
        pl.col(NAMES[3:]).cast(pl.Int64, strict=False),
    )


def hand(text: Path, out: Path) -> int:
    """Parse, sort, write."""
    typed(text).sort(KEY).sink_parquet(out / "valid", row_group_size=GROUP)
    return 0


def pandera(text: Path, out: Path) -> int:
    """Validate the collected frame, drop what fails, sort, write."""
    import pandera.polars as pa

    schema = pa.DataFrameSchema(
        {
            "moment": pa.Column(pl.Datetime("us")),
            "gantry_from": pa.Column(str, pa.Check.str_matches(GANTRY)),
            "gantry_to": pa.Column(str, pa.Check.str_matches(GANTRY)),
            "vehicle": pa.Column(int, pa.Check.isin([5, 31, 32, 41, 42])),
            "speed_kmh": pa.Column(int, [pa.Check.ge(0), pa.Check.le(250)]),
            "volume": pa.Column(int, [pa.Check.ge(0), pa.Check.le(5000)]),
        },
        checks=pa.Check(
            lambda data: data.lazyframe.select(
                (pl.col("speed_kmh") == 0) | (pl.col("volume") > 0)
            )
        ),
        unique=KEY,
    )
    rows = typed(text).collect()
    bad = pl.DataFrame()
    try:
        schema.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        bad = errors.failure_cases
    broken = set(bad["index"].drop_nulls().to_list()) if bad.height else set()
    keep = ~pl.int_range(pl.len()).is_in(list(broken))
    rows.filter(keep).sort(KEY).write_parquet(out / "valid", row_group_size=GROUP)
    rows.filter(~keep).write_parquet(out / "rejects")
    return len(broken)


TYPED = f"""
    SELECT *, try_strptime(r_moment, '{CLOCK}') AS moment, r_from AS gantry_from,
      r_to AS gantry_to, TRY_CAST(r_vehicle AS BIGINT) AS vehicle,
      TRY_CAST(r_speed AS BIGINT) AS speed_kmh, TRY_CAST(r_volume AS BIGINT) AS volume
    FROM read_csv('{{text}}', header=false, all_varchar=true, columns={{{{
      'r_moment': 'VARCHAR', 'r_from': 'VARCHAR', 'r_to': 'VARCHAR',
      'r_vehicle': 'VARCHAR', 'r_speed': 'VARCHAR', 'r_volume': 'VARCHAR'}}}})
"""
GOOD = f"""
    moment IS NOT NULL AND regexp_matches(gantry_from, '{GANTRY}')
    AND regexp_matches(gantry_to, '{GANTRY}') AND vehicle IN (5, 31, 32, 41, 42)
    AND speed_kmh BETWEEN 0 AND 250 AND volume BETWEEN 0 AND 5000
    AND (speed_kmh = 0 OR volume > 0)
"""


def duckdb(text: Path, out: Path) -> int:
    """Divide once into a table on disk, then write valid and rejected rows."""
    import duckdb as engine  # type: ignore[import-not-found]  # its own environment

    names, key = ", ".join(NAMES), ", ".join(KEY)
    with engine.connect(str(out / "db")) as db:
        parsed = TYPED.format(text=text)
        db.execute(
            f"CREATE TABLE rows AS SELECT *, coalesce({GOOD}, false) AS good"
            f" FROM ({parsed})"
        )
        db.execute(
            f"CREATE TABLE twice AS SELECT {key} FROM rows WHERE good GROUP BY ALL"
            " HAVING count(*) > 1"
        )
        lone = f"({key}) NOT IN (SELECT ({key}) FROM twice)"
        db.execute(
            f"COPY (SELECT {names} FROM rows WHERE good AND {lone} ORDER BY {key})"
            f" TO '{out}/valid' (FORMAT parquet, COMPRESSION zstd)"
        )
        db.execute(
            f"COPY (SELECT COLUMNS('r_.*') FROM rows WHERE NOT good OR NOT ({lone}))"
            f" TO '{out}/rejects' (FORMAT parquet)"
        )
        found: Any = db.execute("SELECT count(*) FROM rows WHERE NOT good").fetchone()
    return int(found[0])


WAYS: dict[str, Callable[[Path, Path], int]] = {
    "hand": hand,
    "duckdb": duckdb,
    "pandera": pandera,
}


def main(way: str, archives: list[str]) -> None:
    """Take one way through all archives; print what it took after the imports."""
    if way in ("duckdb", "pandera"):
        __import__("duckdb" if way == "duckdb" else "pandera.polars")
    with tempfile.TemporaryDirectory() as folder:
        before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        refused = 0
        for number, archive in enumerate(archives):
            out = Path(folder) / f"{number}"
            out.mkdir()
            unpack(Path(archive), out / "text")
            refused += WAYS[way](out / "text", out)
            (out / "text").unlink()
            (out / "db").unlink(missing_ok=True)
        wall = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = {"cpu": cpu, "wall": wall, "mb": after.ru_maxrss / 1024, "refused": refused}
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
