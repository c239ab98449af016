"""An end that did nothing makes nothing good."""

from pathlib import Path
from typing import Any

from prefect.states import Completed

from flows.refusal import answers
from tasks import store
from tests.builders import temporary_store
from tests.store.build import run


def test_a_run_that_waits_for_an_input_makes_no_failure_good(tmp_path: Path) -> None:
    ends: list[Any] = [Completed(name="Waiting"), "done"]

    @answers
    def carry(factor: str) -> Any:
        return ends.pop(0)

    with temporary_store(tmp_path) as s:
        store.publish(
            s, run(task="carry", factor="rain", status="FAIL", message="carry: no file")
        )
        assert carry("rain").name == "Waiting"
        assert len(store.troubles(s)) == 1

        assert carry("rain") == "done"
        assert store.troubles(s) == []
