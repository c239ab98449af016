"""Time trace and impact in a store of a million edges, on both databases.

The store is written straight into the tables: a hundred factors, a run of each stage a
day, twelve files each. A yearly product stands on 35 days (a trace of about 900 rows),
a table of reference in 70 resources (an impact of about 900 rows), and one of them, the
hub, in so many that 100,000 artifacts descend from it. The same questions are asked of
a walk in Python that asks for the parents, or the children, of one artifact at a time.
Run: ``python -m tests.benchmarks.lineage [EDGES] [sqlite|postgresql]``.
"""

import gc
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from schemas.tables.columns import Row, table_of
from schemas.tables.ledger import JournalLineRow
from schemas.tables.lineage import Artifact, Derivation, RunOutput, StageRun
from schemas.tables.pledge import PledgeRow
from tasks import store
from tasks.store import Settings, Store, triggers
from tasks.store.database import reading
from tests import postgres

FILES, FACTORS, YEAR, SHARED, HUB = 12, 100, 35, 70, 100_000
NAMES = [column.name for column in table_of(PledgeRow).c]
ASKED = 40  # questions of a kind
AT = datetime(2026, 6, 30, tzinfo=UTC)
Rows = dict[type[Row], list[tuple[object, ...]]]
# What a day makes: task, stage, frames, and what each is made of.
STEPS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("transform", "resource", ("resource", "joins", "steps"), ()),
    ("assess", "resource", ("score", "quality"), ("resource", "joins", "steps")),
    ("classify", "resource", ("classify",), ("resource",)),
    ("derive", "product", ("derived",), ("resource",)),
    ("productize", "product", ("product",), ("derived", "classify")),
    *(
        ("assetize", "asset", ("valuation", "journal", "cards"), ("product", "score")),
        ("capitalize", "capital", ("pledge", "position"), ("valuation", "score")),
    ),
)
DESCENDANTS = sum(len(frames) for _, _, frames, _ in STEPS)  # of a day's reference


def name(*parts: object) -> bytes:
    """Name an artifact or a run."""
    return hashlib.sha256(" ".join(map(str, parts)).encode()).digest()


class Filling:
    """Rows for the tables, as a chain of runs would have written them."""

    def __init__(self) -> None:
        self.rows: Rows = {t: [] for t in (StageRun, Artifact, RunOutput, Derivation)}
        self.rows |= {PledgeRow: [], JournalLineRow: []}
        self.runs = 0

    def run(
        self,
        factor: str,
        task: str,
        stage: str,
        made: dict[str, bytes],
        above: Sequence[bytes],
        raw: bool = False,
    ) -> None:
        """Add one run with its outputs, each made of all that is above."""
        self.runs += 1
        hash = name("run", self.runs)
        counts = {"rows_in": 10, "rows_out": 9, "rejected": 1, "dropped": 0}
        balances = [] if raw else [{"frame": frame, **counts} for frame in made]
        gate = {"gate": "open", "passed": True, "ground": "so it is", "evidence": ""}
        rule = {"check": "not null", "examined": 90, "failed": 1}
        said = {
            "as_of": "2026-06-30",
            "balances": balances,
            "checks": [{"frame": f, **rule} for f in made for _ in range(3)],
            "gates": [gate] * 5,
            "terms": {"columns": ["a column and its rules"] * 20},
        }
        body = json.dumps(said)
        prev = name("run", self.runs - 1)
        status = ("COMPLETE", stage, task, "stage", factor, "2026-06-30", body, AT)
        self.rows[StageRun].append((self.runs, hash, prev, hash, *status))
        for frame, id in made.items():
            kind = "raw" if raw else "frame"
            self.rows[Artifact].append((id, id, frame, kind, 9, 100))
            place = ("f.csv", id, "", "CC0") if raw else (None,) * 4
            self.rows[RunOutput].append((hash, frame, id, "", *place))
            for number, parent in enumerate(above):
                self.rows[Derivation].append((id, parent, f"i{number}"))

    def day(self, factor: int, day: int, shared: Sequence[bytes]) -> bytes:
        """Add the runs of a factor's day; return its resource."""
        who, place = f"factor-{factor}", (factor, day)
        files = {f"t{n}": name("raw", *place, n) for n in range(FILES)}
        self.run(who, "collect", "resource", files, (), raw=True)
        clean = {frame: name("clean", *place, frame) for frame in files}
        for frame, id in clean.items():
            self.run(who, "clean", "resource", {frame: id}, [files[frame]])
        ids = {f: name(f, *place) for _, _, frames, _ in STEPS for f in frames}
        for task, stage, frames, above in STEPS:
            parents = [ids[f] for f in above] or [*clean.values(), *shared]
            self.run(who, task, stage, {f: ids[f] for f in frames}, parents)
        self.post(f"LOAN-{factor}-{day}", ids["pledge"], ids["journal"])
        return ids["resource"]

    def post(self, request: str, pledge: bytes, journal: bytes) -> None:
        """Add the pledge of a day and an entry of two lines."""
        today, later = date(2026, 6, 30), date(2027, 6, 30)
        row = {
            **{"request": request, "entity": "e", "asset": request, "version": "1"},
            **{"lender": "bank", "principal_fen": 100, "cap_fen": 200},
            **{"exclusive": True, "pledged_on": today, "matures_on": later},
            **{"rank": 1, "meets_ppm": 100_000, "minor_ppm": 0},
            **{"artifact": pledge, "poster": "capitalize"},
        }
        self.rows[PledgeRow].append(tuple(row[n] for n in NAMES))
        for number, amount in ((1, 7), (2, -7)):
            line = {
                **{"entity": "e", "entry": request, "line": number},
                **{"booked_on": today, "period": "2026-06", "account": "1701"},
                **{"amount_fen": amount, "memo": "", "asset": request},
                **{"event": "recognise", "voucher": "", "approval": ""},
                **{"artifact": journal, "poster": "assetize"},
            }
            columns = table_of(JournalLineRow).c
            self.rows[JournalLineRow].append(tuple(line[n.name] for n in columns))


def filled(edges: int) -> tuple[Rows, dict[str, list[str]]]:
    """Write a store of so many edges; name what to ask of it."""
    made = Filling()
    asked: dict[str, list[str]] = {"trace": [], "impact": [], "hub": []}
    hub, shared, days, day = name("hub"), b"", [], 0
    made.run("hub", "clean", "resource", {"hub": hub}, ())
    asked["hub"] = [hub.hex()]
    while len(made.rows[Derivation]) < edges:
        if day % SHARED == 0:
            shared = name("shared", day)
            made.run("shared", "clean", "resource", {"shared": shared}, ())
            asked["impact"].append(shared.hex())
        extra = [shared] + ([hub] if day * DESCENDANTS < HUB else [])
        days.append(made.day(day % FACTORS, day // FACTORS, extra))
        day += 1
        if day % YEAR == 0:
            year = name("year", day)
            above = days[-YEAR:]
            made.run(f"y{day}", "productize", "product", {"product": year}, above)
            asked["trace"].append(year.hex())
    return made.rows, asked


@contextmanager
def sqlite(folder: Path) -> Iterator[Store]:
    """Open a store on SQLite, without its guards."""
    s = opened(folder / "sqlite", "")
    with s.engine.connect() as c:
        driver: Any = c.connection.driver_connection  # sqlite3
        for trigger in triggers.triggers():
            driver.execute(f"DROP TRIGGER {trigger.name}")
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("PRAGMA synchronous=OFF")
        yield s


@contextmanager
def postgresql(folder: Path) -> Iterator[Store]:
    """Open a store on PostgreSQL."""
    with postgres.server() as server, postgres.database(server) as url:
        yield opened(folder / "postgresql", url)


def opened(folder: Path, url: str) -> Store:
    """Open a store in a folder of its own."""
    places = {"home": folder, "anchor": folder / "anchor", "key": folder / "key"}
    known = {"database": url} if url else {}
    return store.opened(Settings(**places, **known, user="bench"))  # type: ignore[arg-type]  # fields are filled in by name


def write(s: Store, rows: Rows) -> None:
    """Insert all rows at once, past every guard."""
    with s.engine.connect() as c:
        driver: Any = c.connection.driver_connection  # of either database
        if c.dialect.name == "sqlite":
            driver.execute("PRAGMA foreign_keys=OFF")
            driver.execute("PRAGMA synchronous=OFF")
            driver.execute("BEGIN")
            for table, found in rows.items():
                marks = ", ".join("?" * len(found[0]))
                into = f"INSERT INTO {table.__name__.lower()} VALUES ({marks})"
                driver.executemany(into, [[*map(plain, row)] for row in found])
            driver.execute("COMMIT")
            driver.execute("ANALYZE")
            return
        driver.rollback()
        driver.execute("SET session_replication_role = replica")
        for table, found in rows.items():
            columns = ", ".join(f'"{column.name}"' for column in table_of(table).c)
            into = f"COPY {table.__name__.lower()} ({columns}) FROM STDIN"
            with driver.cursor().copy(into) as copy:
                for row in found:
                    copy.write_row(row)
        driver.commit()
        driver.autocommit = True
        driver.execute("VACUUM ANALYZE")
        driver.autocommit = False


def plain(value: object) -> object:
    """Write days as SQLite holds them."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else value


def walked(s: Store, start: str, down: bool) -> int:
    """Walk in Python: ask for the neighbours of one artifact, then describe it."""
    edge, made = table_of(Derivation).c, table_of(Artifact).c
    run, out = table_of(StageRun).c, table_of(RunOutput).c
    here, there = (edge.parent, edge.child) if down else (edge.child, edge.parent)
    seen, front = {start}, [start]
    with reading(s.engine) as c:
        while front:
            id = front.pop()
            query = select(made.name, run.task).join(RunOutput, out.artifact == made.id)
            query = query.join(StageRun, run.hash == out.run).where(made.id == id)
            c.execute(query).all()
            for found in c.scalars(select(there).where(here == id)):
                if found not in seen:
                    seen.add(found)
                    front.append(found)
    return len(seen)


def told(what: str, ask: Callable[[str], int], ids: Sequence[str]) -> float:
    """Ask, print the spread of the answers, return their median."""
    ask(ids[0])  # the first answer warms the cache of the database
    spent, rows = [], 0
    for id in ids:
        begun = time.perf_counter()
        rows = max(rows, ask(id))
        spent.append(time.perf_counter() - begun)
    half, most = statistics.median(spent), sorted(spent)[int(len(spent) * 0.99)]
    print(
        f"  {what:26} p50 {half * 1000:7.1f} ms  p99 {most * 1000:7.1f} ms"
        f"  of {len(ids)} answers, up to {rows:,} rows"
    )
    return half


def measure(s: Store, asked: dict[str, list[str]]) -> None:
    """Print the figures of one database."""
    traced, resting = asked["trace"][:ASKED], asked["impact"][:ASKED]
    up = told("trace", lambda id: len(store.trace(s, id)), traced)
    told("trace with what was counted", lambda i: len(store.trail(s, i).nodes), traced)
    slow = told("a walk in Python", lambda id: walked(s, id, False), traced[:5])
    print(f"  walk / trace {slow / up:.1f}")
    asks = partial(store.impact, s, limit=1_000)
    down = told("impact", lambda id: len(asks(id).nodes), resting)
    slow = told("a walk in Python", lambda id: walked(s, id, True), resting[:5])
    print(f"  walk / impact {slow / down:.1f}")
    (hub,) = asked["hub"]
    begun = time.perf_counter()
    total = store.weigh(s, hub).artifacts
    first = time.perf_counter()
    nodes = asks(hub).nodes
    print(
        f"  a hub of {total:,}: totals after {first - begun:.2f} s, its first"
        f" {len(nodes):,} rows {time.perf_counter() - first:.2f} s later"
    )


def main() -> None:
    """Fill and ask each database in turn."""
    edges = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    wanted = sys.argv[2:] or ["sqlite", "postgresql"]
    rows, asked = filled(edges)
    gc.collect()
    gc.freeze()  # what was made for the benchmark is no garbage to look through
    counts = ", ".join(f"{len(found):,} {t.__name__}" for t, found in rows.items())
    print(counts)
    for database in (sqlite, postgresql):
        if database.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as s:
            begun = time.perf_counter()
            write(s, rows)
            spent = time.perf_counter() - begun
            print(f"{database.__name__} (filled in {spent:.0f} s)")
            measure(s, asked)


if __name__ == "__main__":
    main()
