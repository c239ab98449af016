"""The way of the money, with what was counted at each step."""

from datetime import date
from typing import Any

import polars as pl

from schemas.artifact import ArtifactRef, Balance, CheckCount, Gate, Origin, Stage
from schemas.asset import Valuation
from schemas.registers import Loan, Right
from tasks import store
from tasks.store import Store
from tests.store.build import DAY, frame_of, made, right, run, sha

Refs = dict[str, ArtifactRef]
VALUED = {
    **{"entity": "jiangbei", "asset": "disruption", "version": "1.0.0"},
    **{"outcome": "intangible", "charged": True, "approach": "income 1.0"},
    **{"book_fen": 120_000, "appraised_fen": 1_000_000_000},
    **{"appraiser": "Appraisal LLP", "report": "R-6"},
    **{"appraised_on": DAY, "valid_to": date(2027, 6, 29)},
}
LENT = {
    **{"loan": "LINE-7", "tranche": "1", "entity": "jiangbei", "factor": "flights"},
    **{"asset": "disruption", "version": "1.0.0", "kind": "unsecured_line"},
    **{"lender": "Bank of Jiangbei", "borrower": "Jiangbei Data", "industry": "I65"},
    **{"borrower_code": "91320400MA0JB0001E", "amount_fen": 30_000_000},
    **{"signed_on": DAY, "matures_on": date(2027, 6, 30)},
}


def day(s: Store, number: int, raw: ArtifactRef) -> ArtifactRef:
    """Clean one part of ten rows, of which as many as its number are rejected."""
    name = f"flights@2026-06-0{number}"
    rows = pl.DataFrame({"flight": [*range(10 - number)], "day": number})
    counted = Balance(frame=name, rows_in=10, rows_out=10 - number, rejected=number)
    check = CheckCount(frame=name, check="distance ≥ 0", examined=10, failed=number)
    cleaned = run(
        made(s, name, rows),
        task="clean",
        inputs={"text": raw},
        balances=(counted,),
        checks=(check, check.model_copy(update={"check": "flight", "failed": 0})),
    )
    return store.publish(s, cleaned).refs[name]


def lend(s: Store) -> ArtifactRef:
    """Publish raw → two days → valuation with a shut gate → an unsecured line."""
    origin = Origin(path="f.zip", file_sha256=sha("f"), member="f.csv", licence="CC0")
    landed = run(made(s, "flights", b"bytes", origin=origin), task="collect")
    raw = store.publish(s, landed).refs["flights"]
    days = {f"part.{n}": day(s, n, raw) for n in (1, 2)}
    gates = (
        Gate(gate="control", passed=True, ground="controlled"),
        Gate(gate="benefit", passed=False, ground="no benefit was shown"),
    )
    valued = made(s, "valuation", frame_of(Valuation, [VALUED]))
    step: dict[str, Any] = {"task": "assetize", "stage": Stage.ASSET}
    asset = store.publish(s, run(valued, **step, inputs=days, gates=gates))
    registered = made(s, "rights", frame_of(Right, [right()]))
    store.publish(s, run(registered, **step, register="Right"))
    lent = made(s, "loan", frame_of(Loan, [LENT]))
    step = {"task": "capitalize", "stage": Stage.CAPITAL, "register": "Loan"}
    inputs = {"valuation": asset.refs["valuation"]}
    return store.publish(s, run(lent, **step, inputs=inputs)).refs["loan"]


def test_a_loan_without_a_pledge_is_followed_to_the_bytes(s: Store) -> None:
    lent = lend(s)

    found = store.trail(s, store.resolve(s, "loan:LINE-7").id)

    assert store.resolve(s, "LINE-7") == lent
    assert [row["amount_fen"] for row in found.loans] == [30_000_000]
    assert found.pledges == ()
    assert [row["report"] for row in found.appraisals] == ["R-6"]
    assert [row["certificate"] for row in found.rights] == ["C-1"]
    steps = [(step.stage, step.task) for step in found.steps]
    assert steps == [
        ("capital", "capitalize"),
        ("asset", "assetize"),
        ("resource", "clean"),
        ("resource", "collect"),
    ]
    (file,) = [node.origin for node in found.nodes if node.origin]
    assert (file.path, file.member, file.file_sha256) == ("f.zip", "f.csv", sha("f"))


def test_the_parts_of_a_frame_are_counted_together(s: Store) -> None:
    """10 in twice; 1 and 2 rejected by one rule; the other rule said no to none."""
    found = store.trail(s, lend(s).id)

    cleaned = next(step for step in found.steps if step.task == "clean")
    (frame,) = cleaned.frames
    assert (cleaned.runs, frame.name, frame.artifacts) == (2, "flights", 2)
    assert (frame.rows_in, frame.rows_out, frame.rejected) == (20, 17, 3)
    assert frame.rules == 4
    assert [(no.rule, no.failed, no.examined) for no in frame.failed] == [
        ("distance ≥ 0", 3, 20)
    ]


def test_a_gate_that_was_shut_says_its_ground(s: Store) -> None:
    found = store.trail(s, lend(s).id)

    asset = next(step for step in found.steps if step.task == "assetize")
    assert (asset.gates, asset.passed) == (2, 1)
    assert asset.shut == ("no benefit was shown",)


def test_a_damaged_appraisal_hides_itself_alone(s: Store) -> None:
    lent = lend(s)
    store.path(s, store.resolve(s, "flights/asset/valuation").sha256).unlink()

    found = store.trail(s, lent.id)

    assert found.appraisals == ()
    assert "flights/asset/valuation" in found.notes[0]
    assert "cannot be read" in found.notes[0]
    assert [row["loan"] for row in found.loans] == ["LINE-7"]


def test_a_pledge_is_told_with_the_loan_it_secures(s: Store, refs: Refs) -> None:
    found = store.trail(s, refs["pledge"].id)

    (pledge,) = found.pledges
    assert (pledge["request"], pledge["principal_fen"]) == (
        "BANK-2026-001",
        500_000_000,
    )
    assert [step.task for step in found.steps] == [
        *("capitalize", "assetize", "productize", "transform", "collect"),
    ]
