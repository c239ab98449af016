"""Publication: whole or not at all, once a key, one line of runs."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import func, select, text
from sqlmodel import col

from schemas.artifact import Balance, Input, Publication
from schemas.errors import RegisterError, StoreError
from schemas.registers import Pledge
from schemas.tables.lineage import (
    Artifact,
    CheckResult,
    Derivation,
    RunOutput,
    StageRun,
)
from tasks import store
from tasks.store import Settings, Store
from tasks.store.database import reading, writing
from tests.store.build import chain, frame_of, made, pledge, run, sha

FRAME = pl.DataFrame({"a": [1, 2, 3]})


def pool(workers: int) -> ProcessPoolExecutor:
    """Start real processes that share nothing with this one."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tasks.store", "tests.store.build"])
    return ProcessPoolExecutor(workers, mp_context=context)


def counted(s: Store, table: type) -> int:
    with reading(s.engine) as c:
        return c.scalar(select(func.count()).select_from(table)) or 0


def test_a_published_frame_comes_back_as_it_was(s: Store) -> None:
    published = store.publish(s, run(made(s, "resource", FRAME)))

    assert not published.reused
    assert store.scan(s, published.refs["resource"]).collect().equals(FRAME)


def test_a_finished_key_is_reused_and_an_unknown_one_is_not(s: Store) -> None:
    publication = run(made(s, "resource", FRAME))
    first = store.publish(s, publication)

    found, again = store.finished(s, publication.key), store.publish(s, publication)

    assert found is not None
    assert found.reused
    assert again.reused
    assert found.run == again.run == first.run
    assert found.publication == publication
    assert store.finished(s, sha("nothing")) is None
    assert counted(s, StageRun) == 1


def test_a_failed_run_is_kept_and_never_reused(s: Store) -> None:
    failed = run(made(s, "resource.rejects", FRAME), status="FAIL", message="no")
    store.publish(s, failed)
    store.publish(s, failed)

    assert store.finished(s, failed.key) is None
    assert not store.publish(s, run(made(s, "resource", FRAME), key=failed.key)).reused
    assert [r.publication.message for r in store.runs(s)] == ["", "no", "no"]
    assert store.verify(s).exit == 0


def test_rows_unaccounted_for_are_refused(s: Store) -> None:
    balance = Balance(frame="resource", rows_in=10, rows_out=8, rejected=1)

    with pytest.raises(StoreError, match="8 out, 1 rejected and 0 dropped"):
        store.publish(s, run(made(s, "resource", FRAME), balances=(balance,)))
    assert counted(s, StageRun) == 0


def test_an_id_that_stands_for_other_content_is_refused(s: Store) -> None:
    store.publish(s, run(made(s, "resource", FRAME, id=sha("x"))))
    other = made(s, "resource", FRAME.head(1), id=sha("x"))

    with pytest.raises(StoreError, match="with other content"):
        store.publish(s, run(other, key=sha("other key")))
    assert counted(s, StageRun) == 1


def test_two_runs_may_yield_one_artifact(s: Store) -> None:
    one = made(s, "resource", FRAME)
    store.publish(s, run(one, key=sha("1")))
    store.publish(s, run(one, key=sha("2")))

    assert (counted(s, Artifact), counted(s, RunOutput)) == (1, 2)
    assert store.verify(s).exit == 0


def test_an_unknown_input_is_refused(s: Store) -> None:
    stranger = (Input(role="resource", id=sha("stranger")),)
    publication = run(made(s, "product", FRAME)).model_copy(update={"inputs": stranger})

    with pytest.raises(StoreError, match="not in the store"):
        store.publish(s, publication)
    assert counted(s, StageRun) == 0


def test_roles_narrow_what_an_artifact_derives_from(s: Store) -> None:
    a = store.publish(s, run(made(s, "a", FRAME), task="a")).refs["a"]
    b = store.publish(s, run(made(s, "b", FRAME.head(1)), task="b")).refs["b"]
    only_a = made(s, "c", FRAME.head(2), roles=("x",))
    c = store.publish(s, run(only_a, inputs={"x": a, "y": b})).refs["c"]

    assert {n.id for n in store.trace(s, c.id)} == {a.id, c.id}


def test_bytes_that_are_gone_before_the_transaction_are_refused(s: Store) -> None:
    publication = run(made(s, "resource", FRAME))
    store.path(s, publication.artifacts[0].ref.sha256).unlink()

    with pytest.raises(StoreError, match="bytes are not in the store"):
        store.publish(s, publication)


def test_missing_bytes_are_no_reuse_and_come_back_with_the_next_run(s: Store) -> None:
    publication = run(made(s, "resource", FRAME))
    first = store.publish(s, publication)
    store.path(s, publication.artifacts[0].ref.sha256).unlink()
    assert store.finished(s, publication.key) is None

    made(s, "resource", FRAME)

    assert store.publish(s, publication).run == first.run
    assert store.finished(s, publication.key) is not None
    assert store.verify(s).exit == 0


def test_a_refused_posting_takes_the_whole_publication_with_it(s: Store) -> None:
    over = frame_of(Pledge, [pledge(principal_fen=800_000_001)])

    with pytest.raises(RegisterError, match="would exceed its cap"):
        store.publish(s, run(made(s, "pledge", over), register="Pledge"))
    tables = (StageRun, Artifact, RunOutput, CheckResult, Derivation)
    assert [counted(s, t) for t in tables] == [0] * 5


def test_a_failed_run_posts_nothing(s: Store) -> None:
    posted = made(s, "pledge", frame_of(Pledge, [pledge()]))

    with pytest.raises(StoreError, match="a failed run posts nothing"):
        store.publish(s, run(posted, register="Pledge", status="FAIL"))


def test_each_run_hashes_the_one_before_it_and_its_body(s: Store) -> None:
    store.publish(s, run(task="first"))
    store.publish(s, run(task="second"))

    with reading(s.engine) as c:
        query = text("SELECT prev, hash, body FROM stagerun ORDER BY seq")
        first, second = c.execute(query).all()
    assert first.prev == bytes(32)
    assert second.prev == first.hash
    for link in (first, second):
        content = (link.prev.hex() + link.body).encode()
        assert link.hash == hashlib.sha256(content).digest()


FORK = """
import os, sys
from tasks import store
s = store.current()
store.runs(s)
child = os.fork()
for _ in range(100):
    assert len(store.runs(s)) == 1
if child == 0:
    os._exit(0)
sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_forked_child_does_not_talk_on_its_parents_connection(s: Store) -> None:
    store.publish(s, run())
    places = s.settings.model_dump(include={"home", "database", "anchor", "key"})
    env = {f"DATAFACTOR_{n.upper()}": str(v) for n, v in places.items()}

    done = subprocess.run(
        [sys.executable, "-c", FORK], env={**os.environ, **env}, timeout=60, check=False
    )

    assert done.returncode == 0


def test_the_body_is_canonical_json_and_holds_all_that_was_said(s: Store) -> None:
    publication = run(made(s, "resource", FRAME), as_of="2026-06-30")
    store.publish(s, publication)

    with reading(s.engine) as c:
        written = c.scalars(select(col(StageRun.body))).one()
    body = json.loads(written)
    assert list(body) == sorted(body)
    assert {"v", "who", "at", "signer", *Publication.model_fields} == set(body)
    assert (body["who"], body["as_of"]) == ("tester", "2026-06-30")
    assert '"name":"航班"' in written


def test_terms_that_json_cannot_hold_exactly_are_refused(s: Store) -> None:
    with pytest.raises(StoreError, match="written down exactly"):
        store.publish(s, run(made(s, "resource", FRAME), terms={"n": 2**60}))


def _publish_some(settings: Settings, worker: int) -> list[str]:
    s = store.opened(settings)
    return [
        store.publish(s, run(made(s, f"frame{worker}-{n}", FRAME))).run
        for n in range(5)
    ]


def test_the_chain_stays_one_line_under_concurrent_writers(s: Store) -> None:
    s.engine.dispose()
    with pool(4) as workers:
        given = [s.settings] * 4
        made_runs = list(workers.map(_publish_some, given, range(4)))

    assert len({r for some in made_runs for r in some}) == 20
    found = store.verify(s, s.settings.anchor)
    assert (found.exit, found.examined["runs"]) == (0, 20)
    assert found.examined["signed heads"] == 20


def _publish_same(settings: Settings, _: int) -> tuple[str, bool]:
    s = store.opened(settings)
    published = store.publish(s, run(made(s, "resource", FRAME)))
    return published.run, published.reused


def test_processes_that_publish_one_key_at_once_make_one_run(s: Store) -> None:
    s.engine.dispose()
    with pool(4) as workers:
        answers = list(workers.map(_publish_same, [s.settings] * 8, range(8)))

    assert len({hash for hash, _ in answers}) == 1
    assert sorted(reused for _, reused in answers) == [False] + [True] * 7
    assert counted(s, StageRun) == 1


def test_processes_that_open_a_new_store_at_once_agree(tmp_path: Path) -> None:
    from tests.store.conftest import settings_in

    with pool(4) as workers:
        given = [settings_in(tmp_path)] * 4
        answers = list(workers.map(_publish_same, given, range(4)))

    assert len({hash for hash, _ in answers}) == 1


def test_a_reader_does_not_wait_for_a_writer(s: Store) -> None:
    chain_run = store.publish(s, run(made(s, "resource", FRAME)))

    with writing(s.engine) as c:
        c.execute(select(StageRun))
        assert store.finished(s, chain_run.publication.key) is not None
        assert [r.run for r in store.runs(s)] == [chain_run.run]


def test_a_writer_waits_for_another_one_instead_of_failing(s: Store) -> None:
    publication = run(made(s, "resource", FRAME))
    with pool(1) as workers:
        with writing(s.engine):
            late = workers.submit(_publish_same, s.settings, 0)
            with pytest.raises(TimeoutError):
                late.result(timeout=3)
        assert late.result(timeout=30) == (store.publish(s, publication).run, False)


def test_the_whole_chain_is_sound(s: Store, tmp_path: Path) -> None:
    chain(s, tmp_path)

    found = store.verify(s, s.settings.anchor)

    assert (found.findings, found.exit, found.notes) == ((), 0, ())
    assert found.examined["runs"] == 5
    assert found.examined["JournalLineRow"] == 2
