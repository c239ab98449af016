"""The register of pledges does what one act after the other would, whoever writes."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from schemas.artifact import Stage
from schemas.errors import RegisterError
from schemas.registers import CollateralRoot, LoanFact, Pledge, PledgeEvent
from schemas.tables.columns import table_of
from schemas.tables.pledge import Collateral, PledgeRow
from tasks import store
from tasks.store import Store
from tasks.store.database import reading
from tests.store.build import event, fact, frame_of, made, pledge, root, run, sha
from tests.store.clients import pledge_in_groups
from tests.store.conftest import settings_in
from tests.store.pledged_model import ROOTS, Model
from tests.store.test_publish import pool

NAMES = st.sampled_from(["P", "Q", "R"])
ASSETS = st.sampled_from([*ROOTS])
ALONE = st.sampled_from([False, False, False, True])
FEN = st.sampled_from([1, 3, 5, 8])
CAPS = st.sampled_from([6, 10])


def post(s: Store, contract: Any, *rows: dict[str, Any]) -> None:
    """Publish a run that posts rows."""
    frame = made(s, "posted", frame_of(contract, rows), sha(f"{contract} {rows}"))
    said = run(frame, task="act", stage=Stage.CAPITAL, register=contract.__name__)
    store.publish(s, said)


def posts(s: Store, contract: Any, *rows: dict[str, Any]) -> bool:
    """Say whether the register takes rows."""
    try:
        post(s, contract, *rows)
    except RegisterError:
        return False
    return True


def roots_of(name: str, asset: str) -> list[dict[str, Any]]:
    """Write the roots on which an asset rests, for one pledge."""
    return [root(name, asset=asset, root=sha(r), place=r) for r in sorted(ROOTS[asset])]


def counted(s: Store) -> dict[str, int]:
    """Read what the counters say."""
    counter = table_of(Collateral).c
    with reading(s.engine) as c:
        found = c.execute(select(counter.asset, counter.pledged_fen)).all()
    return {row.asset: row.pledged_fen for row in found}


class Pledges(RuleBasedStateMachine):
    """The store beside the model, act by act."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.s = store.opened(settings_in(Path(self.folder.name)))
        self.model = Model()
        self.numbers: dict[tuple[str, str], int] = {}

    def happens(self, name: str, kind: str, **more: Any) -> bool:
        """Post the next event of a kind."""
        at = (name, kind)
        said = event(kind, self.numbers.get(at, 0) + 1, name, **more)
        taken = posts(self.s, PledgeEvent, said)
        self.numbers[at] = self.numbers.get(at, 0) + taken
        return taken

    @rule(
        name=NAMES,
        asset=ASSETS,
        fen=FEN,
        cap=CAPS,
        alone=ALONE,
        rank=st.just(1),
    )
    def senior(self, **said: Any) -> None:
        self.pledges(**said)

    @rule(name=NAMES, asset=ASSETS, fen=FEN, cap=CAPS, alone=ALONE)
    def junior(self, **said: Any) -> None:
        self.pledges(rank=2, **said)

    @rule(
        senior=NAMES,
        name=NAMES,
        asset=ASSETS,
        fen=FEN,
        given=FEN,
        cap=CAPS,
        alone=ALONE,
    )
    def behind(
        self, senior: str, name: str, asset: str, fen: int, given: int, **said: Any
    ) -> None:
        """Let another rank behind, then rank it there."""
        self.consent(senior, name, given)
        self.pledges(name, asset, fen, rank=2, **said)

    def pledges(
        self, name: str, asset: str, fen: int, cap: int, alone: bool, rank: int
    ) -> None:
        """Pledge with the roots of the asset."""
        if name not in self.model.entries:
            posts(self.s, CollateralRoot, *roots_of(name, asset))
        said = {"principal_fen": fen, "cap_fen": cap, "exclusive": alone, "rank": rank}
        taken = posts(self.s, Pledge, pledge(name, asset=asset, **said))
        assert taken == self.model.pledge(name, asset, fen, cap, alone, rank)

    @precondition(lambda self: self.model.entries)
    @rule(name=NAMES, asset=ASSETS, old=ASSETS, fen=FEN, cap=CAPS)
    def add(self, name: str, asset: str, old: str, fen: int, cap: int) -> None:
        if name in self.model.entries:
            posts(self.s, CollateralRoot, *roots_of(name, asset))
        said = {"asset": asset, "replaces": old, "amount_fen": fen, "cap_fen": cap}
        taken = self.happens(name, "add", **said)
        assert taken == self.model.add(name, asset, old, fen, cap)

    @precondition(lambda self: self.model.entries)
    @rule(name=NAMES, asset=ASSETS, fen=FEN)
    def let_go(self, name: str, asset: str, fen: int) -> None:
        taken = self.happens(name, "release_part", asset=asset, amount_fen=fen)
        assert taken == self.model.let_go(name, asset, fen)

    def consent(self, name: str, junior: str, fen: int) -> None:
        taken = self.happens(name, "consent", junior=junior, amount_fen=fen)
        assert taken == self.model.consent(name, junior, fen)

    @precondition(lambda self: self.model.entries)
    @rule(name=NAMES, kind=st.sampled_from(["perfect", "cancel", "release"]))
    def plain_event(self, name: str, kind: str) -> None:
        assert self.happens(name, kind) == getattr(self.model, kind)(name)

    @invariant()
    def the_counters_are_the_models(self) -> None:
        assert {a: n for a, n in counted(self.s).items() if n} == {
            a: n for a, n in self.model.counted().items() if n
        }

    def teardown(self) -> None:
        assert store.verify(self.s).exit == 0
        self.s.engine.dispose()
        self.folder.cleanup()


def machine(examples: int, steps: int) -> None:
    """Run the store beside the model."""
    run_state_machine_as_test(
        Pledges,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_the_register_does_what_a_serial_model_does() -> None:
    machine(20, 20)


@pytest.mark.proof
def test_the_register_does_what_a_serial_model_does_for_long() -> None:
    machine(300, 40)


def at_once(s: Store, attempts: int) -> None:
    """Pledge in 16 processes; 1,000 fen of cap for all, 70 each: 14 fit."""
    s.engine.dispose()
    with pool(16) as workers:
        given = [s.settings] * 16, range(16), [attempts] * 16
        answers = list(workers.map(pledge_in_groups, *given))

    said = table_of(PledgeRow).c
    with reading(s.engine) as c:
        rows = c.execute(select(said.request, said.principal_fen, said.asset)).all()
    assert len(rows) == len({r.request for r in rows}) == 14
    assert {r.request for r in rows} == {r for some in answers for r in some}
    assert sum(counted(s).values()) == sum(r.principal_fen for r in rows) == 980
    assert len({r.asset for r in rows}) > 1
    assert store.verify(s, s.settings.anchor).exit == 0


def test_sixteen_processes_pledge_the_same_data_under_many_names(s: Store) -> None:
    at_once(s, 4)


@pytest.mark.proof
def test_sixteen_processes_pledge_it_sixty_times_each(s: Store) -> None:
    at_once(s, 60)


def test_a_payment_dated_before_the_last_one_is_refused(s: Store) -> None:
    early = fact(number=2, effective_on=fact()["effective_on"].replace(day=30))
    post(s, LoanFact, fact())

    with pytest.raises(RegisterError, match="a payment of 2026-07-31 is recorded"):
        post(s, LoanFact, early)
    post(s, LoanFact, fact(number=2))
    post(s, LoanFact, fact(loan="OTHER", effective_on=early["effective_on"]))


def test_data_that_is_pledged_does_not_come_under_another_live_pledge(s: Store) -> None:
    for name, asset in (("P", "a"), ("Q", "d")):
        post(s, CollateralRoot, *roots_of(name, asset))
        post(s, Pledge, pledge(name, asset=asset, exclusive=True))
    swapped = root("Q", asset="d", root=sha("r1"), place="r1")

    with pytest.raises(RegisterError, match="now is pledged under P already"):
        post(s, CollateralRoot, swapped)
    post(s, CollateralRoot, root("Q", asset="d", root=sha("r9"), place="r9"))
    post(s, PledgeEvent, event("release", 1, "P"))
    post(s, CollateralRoot, swapped)


def test_an_event_of_an_unknown_pledge_is_refused(s: Store) -> None:
    with pytest.raises(RegisterError, match="nothing is pledged under BANK-2026-001"):
        post(s, PledgeEvent, event("perfect"))
