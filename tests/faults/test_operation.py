"""What happens to a store while it works: two at once, an edit, a clock, a database."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from flows.value_chain import value_chain
from schemas.errors import StoreError
from tasks import store
from tasks.stage.log import LOGGER
from tasks.store import steps
from tasks.store.publish import GENESIS, Run, link
from tests import gauges, postgres
from tests.archive import small_archive
from tests.builders import temporary_store
from tests.command import begun, datafactor
from tests.gauges import LEVEL, SOURCE, documents, head, offer, write
from tests.store.test_verify import forge, hex_of

DAY, NEXT = date(2026, 6, 30), date(2026, 7, 1)
Ids = dict[str, dict[str, str]]


def run(factor: str, day: date = DAY) -> Ids:
    """Run one factor here and now; give its ids."""
    frames = value_chain.fn(factor, day).frames
    return {s: {n: r.id for n, r in refs.items()} for s, refs in frames.items()}


def doubled(home: Path) -> None:
    """Write the document of level with another query, and so another version."""
    query = LEVEL.replace("SUM(", "2 * SUM(")
    offered = offer("level", query).replace("version: 1.0.0", "version: 1.0.1")
    made = SOURCE.format(table="level", grade="public"), offered
    write(home, "level", head("level"), *made)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    documents(tmp_path)
    return tmp_path


def test_a_document_edited_while_its_run_is_under_way_counts_from_the_next_run(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Level sums 10 + 20; edited to twice that after the first stage began."""
    calm = tmp_path_factory.mktemp("calm")
    documents(calm)
    with gauges.opened(calm):
        unedited = run("level")
    with gauges.opened(home):
        with Editor(lambda: doubled(home)):
            during = run("level")
        assert during == unedited
        assert totals() == [30]
        assert run("level") != unedited
        assert totals() == [60]
        assert store.verify(store.current()).exit == 0


class Editor(logging.Handler):
    """Edit once, when the first stage says that it begins."""

    def __init__(self, edit: Callable[[], None]) -> None:
        super().__init__(logging.DEBUG)
        self.edit, self.done = edit, False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.done and "begins" in record.getMessage():
            self.done = True
            self.edit()

    def __enter__(self) -> None:
        self.before = LOGGER.level
        LOGGER.setLevel(logging.DEBUG)
        LOGGER.addHandler(self)

    def __exit__(self, *_: object) -> None:
        LOGGER.removeHandler(self)
        LOGGER.setLevel(self.before)
        assert self.done


def totals() -> list[int]:
    """Read what the name of the product means now."""
    s = store.current()
    found = store.scan(s, store.resolve(s, "level/product")).collect()
    return [int(n) for n in found["total"]]


def test_two_processes_of_one_factor_leave_one_set_of_artifacts(home: Path) -> None:
    both = [
        begun(
            *("run", "level", "--as-of", str(DAY), "--json"),
            home=home,
            data=home,
            DATAFACTOR_FACTORS=str(home / "factors"),
        )
        for _ in range(2)
    ]
    said = [wait() for wait in both]
    assert [one.exit for one in said] == [0, 0], said
    stages = [one.data["stages"] for one in said]

    with at_home(home) as s:
        keys = [r.publication.key for r in store.runs(s)]
        assert len(keys) == len({*keys}), "nothing was published twice"
        assert store.verify(s).exit == 0
    computed = [sum(not stage["reused"] for stage in one) for one in stages]
    assert sum(computed) == len(stages[0]), "each stage was computed by one of them"


def test_a_clock_that_was_moved_back_changes_no_order_and_the_doctor_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run published a year ahead, then one by the right clock."""
    with gauges.opened(home) as s:
        monkeypatch.setattr(import_module("tasks.store.publish"), "datetime", Ahead)
        run("level", DAY)
        monkeypatch.undo()
        (home / "level.csv").write_text(
            "gauge,day,value\na,2026-05-01,10\na,2026-06-01,25\n", "utf-8"
        )
        run("level", NEXT)

        newest, *_, oldest = [r.at for r in store.runs(s)]
        assert newest < oldest
        assert totals() == [35]
        assert store.verify(s, s.settings.anchor).exit == 0
        (clock,) = [f for f in store.doctor(s) if f.name == "clock"]
        assert (clock.state, "set the clock" in clock.sentence) == ("warn", True)


class Ahead(datetime):
    """A clock that goes a year ahead."""

    @classmethod
    def now(cls, tz: object = None) -> "Ahead":
        moved = datetime.now(UTC) + timedelta(days=365)
        return cls.fromisoformat(moved.isoformat())


@pytest.fixture(scope="module")
def plug() -> Iterator[tuple[str, Callable[[], None]]]:
    """A PostgreSQL that writes to disk, and what pulls its plug."""
    with postgres.embedded() as both:
        yield both


@contextmanager
def at_home(home: Path, **more: str) -> Iterator[store.Store]:
    """Open the store that a command with this home has."""
    kept = {"DATAFACTOR_HOME": str(home / "store"), "DATAFACTOR_DATA": str(home)}
    kept["DATAFACTOR_FACTORS"] = str(home / "factors")
    with temporary_store(home, **kept, **more) as s:
        yield s
        s.engine.dispose()


@pytest.mark.proof
@pytest.mark.parametrize(
    "step",
    ["publish.begin", "publish.run", "publish.artifact", "publish.checkresult"],
)
def test_a_database_restarted_while_it_publishes_holds_nothing_half(
    home: Path, plug: tuple[str, Callable[[], None]], step: str
) -> None:
    """The second publication is cut; a run that comes later goes on from there."""
    with gauges.opened(home):
        calm = run("level")
    url, restart = plug
    with postgres.database(url) as own, at_home(home, DATAFACTOR_DATABASE=own) as s:
        # Before the transaction a connection that died is replaced by itself.
        cuts = nullcontext() if step == "publish.begin" else refused()
        with cut(step, restart), cuts:
            run("level")
        assert store.verify(s).exit == 0
        done = [r.publication.key for r in complete(s)]

        assert run("level") == calm

        assert store.verify(s, s.settings.anchor).exit == 0
        keys = [r.publication.key for r in complete(s)]
        assert set(done) < set(keys) or step == "publish.begin"
        assert len(keys) == len({*keys})


def refused() -> AbstractContextManager[object]:
    return pytest.raises(StoreError, match="cannot be reached")


def complete(s: store.Store) -> list[Run]:
    return [r for r in store.runs(s) if r.publication.status == "COMPLETE"]


@contextmanager
def cut(step: str, pull: Callable[[], None]) -> Iterator[None]:
    """Pull a plug when a step is passed for the second time."""
    passed: list[str] = []

    def hook(name: str) -> None:
        passed.append(name)
        if name == step and passed.count(step) == 2:
            pull()

    before, steps.hook = steps.hook, hook
    try:
        yield
    finally:
        steps.hook = before
    assert passed.count(step) >= 2


@pytest.mark.proof
def test_who_owns_the_database_and_hashes_it_anew_is_found_by_the_signed_heads(
    tmp_path: Path, plug: tuple[str, Callable[[], None]]
) -> None:
    """A pledge of 5,000,000.00 is edited in every row, and the chain hashed anew."""
    small_archive(tmp_path / "data")
    loan = ("run", "flight-disruption", "--as-of", "2026-06-30")
    empty = tmp_path / "empty"
    with postgres.database(plug[0]) as own:
        given: dict[str, Any] = {"home": tmp_path, "data": tmp_path / "data"}
        given["DATAFACTOR_DATABASE"] = own
        assert (made := datafactor(*loan, **given)).exit == 0, made.err
        assert datafactor("verify", **given).exit == 0
        with at_home(tmp_path, DATAFACTOR_DATABASE=own) as s:
            hashed_anew(s, "5000000.00", "1000000.00")
        anchored = datafactor(
            *("verify", "--anchor", str(tmp_path / "anchor"), "--json"), **given
        )
        alone = datafactor("verify", **given, DATAFACTOR_ANCHOR=str(empty))

    assert anchored.exit is not None
    assert anchored.exit & 2, anchored.out
    assert "is not the one that was signed" in anchored.out
    assert alone.exit is not None
    assert not alone.exit & 2
    assert "it was not examined whether runs were cut off" in alone.out + alone.err


def hashed_anew(s: store.Store, old: str, new: str) -> None:
    """Edit every body that names an amount, the pledge's row and the counter."""
    with s.engine.connect() as c:
        rows = c.execute(
            text("SELECT seq, hash, body FROM stagerun ORDER BY seq")
        ).all()
    prev = GENESIS
    forged = [
        "UPDATE collateral SET pledged_fen = 100000000",
        "UPDATE pledgerow SET principal_fen = 100000000",
    ]
    assert any(old in row.body for row in rows)
    for row in rows:
        body = row.body.replace(old, new).replace("'", "''")
        hash = link(prev, row.body.replace(old, new))
        forged.append(
            f"UPDATE stagerun SET body = '{body}', prev = {hex_of(s, prev)},"
            f" hash = {hex_of(s, hash)} WHERE seq = {row.seq}"
        )
        forged += [
            f"UPDATE {table} SET run = {hex_of(s, hash)}"
            f" WHERE run = {hex_of(s, bytes(row.hash).hex())}"
            for table in ("runoutput", "checkresult")
        ]
        prev = hash
    forge(s, *forged)
