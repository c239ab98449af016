"""A loan in default, end to end: the lender steps in, once, and by no less."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.demo import AS_OF, FACTOR
from flows.enforce import step_in
from flows.market import rows_of
from flows.value_chain import value_chain
from schemas.errors import Refused, RegisterError
from schemas.registers import CoverState, PledgeEvent, Right
from tasks import store
from tests.builders import temporary_store
from tests.june import ENTITY, laid_out
from tests.store.build import cover, post_row

LOAN = "BANK-2026-001"
LENDER = "Illustrative Bank of Jiangbei"


@pytest.fixture(scope="module")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo's asset, pledged for its loan."""
    home = tmp_path_factory.mktemp("lent")
    with temporary_store(home, **laid_out(home)):
        value_chain.fn(FACTOR, AS_OF)
        yield home


def test_without_a_recorded_default_nobody_steps_in(lent: Path) -> None:
    with pytest.raises(Refused, match=f"nothing is recorded of how {LOAN} stands"):
        step_in(LOAN, AS_OF, "NOTICE-1", None, "")
    with pytest.raises(RegisterError, match="nothing is pledged under L-9"):
        step_in("L-9", AS_OF, "NOTICE-1", None, "")
    assert [e["event"] for e in rows_of(PledgeEvent)] == []


def test_after_a_default_the_lender_operates_by_one_transfer(lent: Path) -> None:
    s = store.current()
    post_row(s, CoverState, cover(state="default", watched_on=AS_OF), "watch")

    first = step_in(LOAN, AS_OF, "NOTICE-1", None, "clause 9")
    again = step_in(LOAN, AS_OF, "NOTICE-1", None, "clause 9")

    assert first == again
    assert [r["holder"] for r in first["rights"]] == [LENDER]
    moved = [r for r in rows_of(Right, entity=ENTITY) if r["event"] == "transfer"]
    assert [(r["right"], r["holder"]) for r in moved] == [("operate", LENDER)]
    (event,) = rows_of(PledgeEvent)
    assert (event["request"], event["event"], event["reason"]) == (
        *(LOAN, "step_in"),
        "clause 9",
    )
    assert store.verify(s).exit == 0
