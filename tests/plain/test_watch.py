"""Pledges are watched from the store: COL-03, what is told once, what is not read."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from flows.cli import main
from flows.loans import draw, pay, waive
from flows.market import rows_of
from flows.rights import dispute, register
from flows.watch_collateral import event_id, look_after
from schemas.artifact import Gate, Snapshot, Stage
from schemas.errors import Refused, RegisterError
from schemas.registers import CoverState, LoanFact, Right
from tasks import store
from tests import leased, shop
from tests.builders import temporary_store
from tests.store import build
from tests.watched import (
    ASSET,
    ENTITY,
    FIRST,
    LAST,
    LOAN,
    NEXT,
    Row,
    appraise,
    pledged,
    set_ladder,
    watched_home,
)

RECORDED = Snapshot(register=CoverState, where={})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watch")
    watched_home(folder)
    return folder


@pytest.fixture
def home(base: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it: what a test records stays there."""
    folder = tmp_path / "copy"
    shutil.copytree(base, folder)
    with temporary_store(folder, **shop.places(folder)):
        yield folder


def watch(day: date, entity: str = "") -> Row:
    """Watch on a day; the one pledge of the first entity."""
    data = look_after(entity, day)
    return next(row for row in data["pledges"] if row["request"] == LOAN)


def changes() -> list[Row]:
    return store.snapshot(store.current(), RECORDED, "")[0].to_dicts()


def runs() -> int:
    return len(store.runs(store.current(), task="watch"))


def test_col_03_from_a_sound_pledge_over_a_margin_call_back_to_normal(
    home: Path,
) -> None:
    sound = watch(FIRST)
    assert (sound["ltv"], sound["called"]) == ("0.557538", "正常 normal")
    assert (sound["changed"], changes()) == (False, [])

    appraise(7_000_000)
    called = watch(NEXT)
    assert (called["ltv"], called["called"]) == ("0.714286", "补充担保 margin call")
    assert (called["before"], called["changed"]) == ("normal", True)
    assert (called["repay"], called["top_up"]) == ("800000.00", "1333333.34")
    assert called["releasable"] == "0.00"
    assert "call 补充担保 from the pledgor; 800,000.00 CNY repaid" in called["to_do"]

    appraise(8_333_334)  # 5,000,000.00 / 0.60, rounded up
    cured = watch(LAST)
    assert (cured["before"], cured["state"]) == ("margin_call", "normal")
    told = [(c["number"], c["watched_on"], c["before"], c["state"]) for c in changes()]
    assert told == [
        (1, NEXT, "normal", "margin_call"),
        (2, LAST, "margin_call", "normal"),
    ]
    assert store.verify(store.current()).exit == 0


def test_the_same_watch_again_records_nothing_and_tells_the_same(home: Path) -> None:
    appraise(7_000_000)
    first = watch(NEXT)

    again, once_more = watch(NEXT), watch(NEXT)

    assert again == once_more == first
    assert event_id(again) == event_id(first)
    assert len(changes()) == 1
    assert runs() == 2  # the second knows that a change is recorded; the third is it


def test_a_value_that_came_back_the_same_day_is_weighed_again(home: Path) -> None:
    """What is reused must not hide that a state was left in between."""
    low = 7_000_000
    for yuan in (low, 9_000_000, low):
        appraise(yuan)
        watch(NEXT)

    assert [c["state"] for c in changes()] == ["margin_call", "normal", "margin_call"]


def test_a_clock_that_goes_back_is_refused_also_where_nothing_changed(
    home: Path,
) -> None:
    watch(NEXT)

    with pytest.raises(Refused, match="up to 2026-07-03: a watch of 2026-07-02 would"):
        watch(FIRST)
    assert watch(NEXT)["state"] == "normal"


def test_a_day_that_has_not_come_is_refused(home: Path) -> None:
    with pytest.raises(RegisterError, match="2999-01-01 has not come"):
        watch(date(2999, 1, 1))


def test_a_valuation_whose_bytes_were_changed_is_a_warning_and_asks_for_somebody(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    s = store.current()
    ref = store.newest(s, "assetize", "rain")[0].refs["valuation"]
    file = store.path(s, ref.sha256)
    body = bytearray(file.read_bytes())
    body[40] ^= 1
    file.chmod(0o600)
    file.write_bytes(body)

    code = main(["watch", ENTITY, "--as-of", str(FIRST), "--json"])

    data = json.loads(capsys.readouterr().out)["data"]
    (row,) = data["pledges"]
    assert code == 1
    assert (row["state"], row["value"], row["ltv"]) == ("warning", None, None)
    assert f"bytes sha256:{ref.sha256[:12]}" in row["ground"]
    assert data["trouble"][0].startswith(f"{ASSET}: bytes sha256:")
    assert changes()[0]["value_fen"] is None


def test_a_pledge_whose_documents_are_gone_hides_no_other(home: Path) -> None:
    """An entity without a document, and an asset that no run has valued."""
    pledged("P-2", entity="nowhere", asset="wind")
    pledged("P-3", asset="wind")

    data = look_after("", FIRST)

    found = {row["request"]: row["state"] for row in data["pledges"]}
    assert found == {LOAN: "normal", "P-3": "default"}  # nobody may operate wind
    assert [said.partition(":")[0] for said in data["trouble"]] == [
        "the pledges of nowhere are not watched",
        "wind",
    ]


def test_two_entities_are_watched_together_and_alone(home: Path) -> None:
    entities = home / "entities"
    text = (entities / f"{ENTITY}.yaml").read_text("utf-8")
    (entities / "hebei.yaml").write_text(text.replace(ENTITY, "hebei", 1), "utf-8")
    pledged("P-2", entity="hebei", asset="wind")

    both, alone = look_after("", FIRST), look_after(ENTITY, FIRST)

    assert [row["entity"] for row in both["pledges"]] == [ENTITY, "hebei"]
    assert [row["entity"] for row in alone["pledges"]] == [ENTITY]
    assert alone["trouble"] == []


def test_a_right_that_is_moved_and_a_dispute_raise_their_hands(home: Path) -> None:
    said = {"claimant": "Town", "ground": "its gauges", "evidence": "COURT-7"}
    dispute("rain", "open", FIRST, number="CASE-1", **said)
    warned = watch(FIRST)

    moved = {"right": "operate", "certificate": "operate-1", "holder": "Buyer"}
    assert warned["state"] == "warning"
    assert "dispute CASE-1 over rain is open" in warned["ground"]
    certificate = store.snapshot(
        store.current(), Snapshot(register=Right, where={"right": "operate"}), ""
    )[0]["certificate"][0]
    moved |= {"certificate": certificate, "basis": "sold", "evidence": "DEED-1"}
    register("rain", "transfer", NEXT, None, **moved)
    lost = watch(NEXT)
    assert (lost["before"], lost["state"]) == ("warning", "default")
    assert "Buyer holds it on 2026-07-03" in lost["ground"]
    assert "enforce 处置 5,000,000.00 CNY" in lost["to_do"]


def test_data_that_were_to_be_renewed_and_were_not_are_stale(home: Path) -> None:
    file = home / "factors" / "rain.yaml"
    document = json.loads(file.read_text("utf-8"))
    document["sources"]["rain"]["update_frequency"] = "P1D"
    file.write_text(json.dumps(document), "utf-8")

    row = watch(FIRST)

    assert row["state"] == "warning"
    assert "rain was made last as of 2026-06-30; renewed every P1D" in row["ground"]


@pytest.mark.parametrize(
    ("task", "ground", "value"),
    [
        ("assetize", "its last run was refused: too old", None),
        ("assess", "too old", "8968000.00"),
    ],
)
def test_a_stage_that_was_refused_is_no_evidence(
    home: Path, task: str, ground: str, value: str | None
) -> None:
    shut = Gate(gate="freshness_day", passed=False, ground="too old", evidence="day")
    said = {"entity": ENTITY, "name": ASSET}
    where: Row = {"task": task, "factor": "rain", "as_of": shop.DAY}
    where |= {"gates": (shut,), "terms": said}
    store.publish(store.current(), build.run(**where))

    row = watch(FIRST)

    assert (row["state"], row["value"]) == ("warning", value)
    assert ground in row["ground"]


def test_a_payment_of_the_cure_is_found_by_the_next_watch(tmp_path: Path) -> None:
    """COL-03 at 4 %: 200,000.00 on 280,000.00, cured by 32,000.00."""
    with leased.leased(tmp_path, through=Stage.CAPITAL):
        set_ladder(tmp_path)
        draw("LOAN-9", "", shop.DAY, None, None, evidence="ADVICE-1")
        appraise(280_000)
        (called,) = look_after(ENTITY, FIRST)["pledges"]
        pay("LOAN-9", "32100.00", "", NEXT, "term", None, evidence="ADVICE-2")
        (cured,) = look_after(ENTITY, NEXT)["pledges"]
        file = tmp_path / "factors" / "rain.yaml"
        file.write_text(file.read_text("utf-8").replace("0.036", "0.037"), "utf-8")
        (blind,) = look_after(ENTITY, LAST)["pledges"]

    assert (called["ltv"], called["state"]) == ("0.714286", "margin_call")
    assert (called["repay"], called["top_up"]) == ("32000.00", "53333.34")
    # 100.00 more than the cure, of which the interest of three days is paid.
    assert Decimal("167900.00") < Decimal(cured["outstanding"]) <= Decimal("168000.00")
    assert (cured["before"], cured["state"]) == ("margin_call", "normal")
    # By the terms of another rate nobody can tell what is left: all of it is owed.
    assert (blind["outstanding"], blind["state"]) == ("200000.00", "margin_call")


def test_a_waived_default_is_weighed_anew_and_a_sound_loan_has_none_to_waive(
    tmp_path: Path,
) -> None:
    """200,000.00 on 240,000.00 is 0.833333: default at 0.80. On 290,000.00: warning."""
    said = {"reason": "repaid by August", "evidence": "LETTER-2"}
    with leased.leased(tmp_path, through=Stage.CAPITAL):
        set_ladder(tmp_path)
        draw("LOAN-9", "", shop.DAY, None, None, evidence="ADVICE-1")
        with pytest.raises(RegisterError, match="no default of LOAN-9 is recorded"):
            waive("LOAN-9", FIRST, None, **said)
        appraise(240_000)
        (lost,) = look_after(ENTITY, FIRST)["pledges"]
        appraise(290_000)
        (kept,) = look_after(ENTITY, FIRST)["pledges"]
        waive("LOAN-9", NEXT, None, **said)
        waive("LOAN-9", NEXT, None, **said)
        (freed,) = look_after(ENTITY, NEXT)["pledges"]
        facts = rows_of(LoanFact, loan="LOAN-9", event="waive")

    assert "`datafactor waive`" in lost["to_do"]
    assert (lost["state"], kept["state"]) == ("default", "default")
    assert (freed["before"], freed["state"]) == ("default", "warning")
    assert [(f["number"], f["reason"]) for f in facts] == [(1, "repaid by August")]
