"""What an end of a flow makes good, and what it says of an error that is not ours."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.ended import Asked, goes_through, made_good, recorded, stopped
from schemas.artifact import Gate, Publication, Stage
from tasks import store
from tests.builders import temporary_store
from tests.store.build import run

RAIN = Asked("value-chain", "rain", date(2026, 6, 30), Stage.PRODUCT, whole=True)
READ = frozenset({"rain"})


def failed(task: str, stage: Stage, name: str = "", kind: str = "stage") -> Publication:
    said: dict[str, Any] = {"terms": {"name": name}, "factor": "rain", "kind": kind}
    return run(task=task, stage=stage, status="FAIL", message=f"{task}: no", **said)


@pytest.mark.parametrize(
    ("one", "through", "done"),
    [
        (failed("assess", Stage.RESOURCE), Stage.PRODUCT, True),
        (failed("productize", Stage.PRODUCT), Stage.PRODUCT, True),
        (failed("assetize", Stage.ASSET), Stage.PRODUCT, False),
        (failed("assetize", Stage.ASSET), Stage.CAPITAL, True),
        # The vouchers are read for the asset, though it is the resource's task.
        (failed("clean", Stage.RESOURCE, "rain"), Stage.PRODUCT, True),
        (failed("clean", Stage.RESOURCE, "vouchers"), Stage.PRODUCT, False),
        (failed("clean", Stage.RESOURCE, "vouchers"), Stage.ASSET, True),
        # What a person does is a matter of its own; a flow's own end is not.
        (failed("redrive", Stage.RESOURCE, kind="act"), Stage.CAPITAL, False),
        (failed("value-chain", Stage.CAPITAL), Stage.RESOURCE, True),
    ],
    ids=lambda x: x.task if isinstance(x, Publication) else str(x),
)
def test_a_chain_has_done_what_lies_on_its_way(
    one: Publication, through: Stage, done: bool
) -> None:
    assert goes_through(RAIN._replace(through=through), READ, one) is done


def test_another_flow_makes_good_its_own_ends_alone() -> None:
    close = RAIN._replace(flow="close-period")

    assert not goes_through(close, READ, failed("assess", Stage.RESOURCE))
    assert goes_through(close, READ, failed("close-period", Stage.ASSET))


def test_a_run_of_some_partitions_makes_nothing_good_for_all(tmp_path: Path) -> None:
    with temporary_store(tmp_path) as s:
        store.publish(s, failed("assess", Stage.RESOURCE))

        made_good(RAIN._replace(whole=False), None)
        assert len(store.troubles(s)) == 1
        made_good(RAIN, None)
        assert store.troubles(s) == []


def test_of_an_error_that_is_not_ours_only_its_type_is_told(tmp_path: Path) -> None:
    with temporary_store(tmp_path):
        said = stopped(RAIN, ValueError("postgresql://me:hidden@host"))

    assert said.startswith("value-chain: stopped by ValueError: see the log of the run")
    assert "hidden" not in said


def test_a_refusal_is_the_stages_only_where_its_ground_is_the_same(
    tmp_path: Path,
) -> None:
    """Whoever is refused has no message, which is part of every sentence."""
    shut = (Gate(gate="rights", passed=False, ground="no right is held"),)
    refused = run(task="assetize", stage=Stage.ASSET, factor="rain", gates=shut)
    with temporary_store(tmp_path) as s:
        store.publish(s, refused)

        assert recorded(RAIN, "the licence has ended") is None
        assert recorded(RAIN, "refused: no right is held") is not None
