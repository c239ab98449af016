"""A right that is revoked closes the stages that rest on it."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from flows import market
from flows.demo import AS_OF, FACTOR
from flows.document import factor_named
from flows.progress import Progress
from flows.rights import register, rights_of
from flows.stages import register_right_task
from flows.value_chain import value_chain
from schemas.errors import Refused, RegisterError
from schemas.registers import Right
from schemas.rights import RightAct
from tasks import store
from tests.archive import small_archive
from tests.builders import temporary_store

END = RightAct(
    factor=FACTOR,
    entity="jiangbei-data",
    asset="flight-disruption-index",
    event="revoke",
    certificate="JB-DP-2026-018",
    right="operate",
    effective_on=date(2026, 6, 1),
    basis="withdrawn by the registrar",
    evidence="ILLUSTRATIVE-DECISION-01",
)


@pytest.fixture(scope="module")
def financed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the demo once."""
    home = tmp_path_factory.mktemp("financed")
    small_archive(home / "data")
    with temporary_store(home, DATAFACTOR_DATA=str(home / "data")) as s:
        value_chain.fn(FACTOR, AS_OF)
        s.engine.dispose()
    return home


@pytest.fixture(autouse=True)
def _store(financed: Path, tmp_path: Path) -> Iterator[None]:
    """Lend a copy of what was run."""
    shutil.copytree(financed, tmp_path, dirs_exist_ok=True)
    with temporary_store(tmp_path, DATAFACTOR_DATA=str(tmp_path / "data")):
        yield


def test_a_revoked_right_stops_the_reuse_of_stage_3_and_refuses_it() -> None:
    rights = factor_named(FACTOR).live(Right)

    register_right_task(rights, END)
    with (
        Progress(Console(), quiet=True) as progress,
        pytest.raises(Refused, match="right to operate"),
    ):
        value_chain.fn(FACTOR, AS_OF)

    assert {t: p.reused for t, p, _ in progress.done if t != "collect"}["transform"]
    assert [p.reused for t, p, _ in progress.done if t == "assetize"] == [False]
    run = next(r for r in store.runs(store.current()) if not r.reused)
    assert set(run.publication.gates)
    frames = {made.frame for made in run.publication.artifacts}
    assert "valuation" not in frames
    assert "journal" not in frames
    assert store.verify(store.current()).exit == 0


def test_what_another_factor_makes_of_it_is_refused_when_the_right_is_passed_on() -> (
    None
):
    value_chain.fn("route-disruption", AS_OF)

    passed = {"certificate": "JB-DR-2026-017", "holder": "Hebei Data (illustrative)"}
    register(
        FACTOR,
        "transfer",
        date(2026, 6, 1),
        None,
        **passed,
        basis="sold",
        evidence="ILLUSTRATIVE-CONTRACT-02",
    )

    told = r"inputs\.flights: right to process .* Hebei Data \(illustrative\) holds it"
    with pytest.raises(Refused, match=told):
        value_chain.fn("route-disruption", AS_OF)
    with pytest.raises(Refused, match="right to process"):
        value_chain.fn(FACTOR, AS_OF)
    facts = rights_of(FACTOR, date(2026, 6, 1), None)
    assert {r["zh"]: r["holder"].partition(" ")[0] for r in facts["rights"]} == {
        "持有权": "Hebei",
        "加工使用权": "Hebei",
        "经营权": "Jiangbei",
    }
    before = rights_of(FACTOR, date(2026, 5, 31), None)
    assert {r["holder"].partition(" ")[0] for r in before["rights"]} == {"Jiangbei"}
    yesterday = market.today(FACTOR) - timedelta(days=1)
    assert rights_of(FACTOR, date(2026, 6, 1), yesterday)["rights"] == []


def test_revoking_twice_posts_once() -> None:
    rights = factor_named(FACTOR).live(Right)

    first = register_right_task(rights, END)
    second = register_right_task(rights, END)

    assert store.scan(store.current(), first).collect().height == 1
    assert store.scan(store.current(), second).collect().height == 1
    rows, _ = store.snapshot(store.current(), rights, "nobody")
    assert rows["event"].to_list().count("revoke") == 1
    acts = [r for r in store.runs(store.current()) if r.publication.kind == "act"]
    assert acts


def test_a_right_that_was_never_granted_cannot_be_revoked() -> None:
    rights = factor_named(FACTOR).live(Right)

    with pytest.raises(RegisterError, match="grants no right to operate"):
        register_right_task(rights, END.model_copy(update={"certificate": "NONE"}))
