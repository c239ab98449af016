"""What verify finds in the tables that repeat the bodies of the runs."""

import sys
from collections.abc import Callable

import polars as pl
import pytest

from schemas import artifact
from schemas.artifact import ArtifactRef, Origin
from tasks import store
from tasks.store import Store, projected
from tests.store.build import LOAN, made, run, sha
from tests.store.test_verify import forge, hex_of, sentences

Refs = dict[str, ArtifactRef]
Attack = Callable[[Store, Refs], list[str]]


def invent_artifact(s: Store, refs: Refs) -> list[str]:
    id = hex_of(s, sha("forged"))
    return [f"INSERT INTO artifact VALUES ({id}, {id}, 'forged', 'frame', 1, 1)"]


def invent_output(s: Store, refs: Refs) -> list[str]:
    run, id = hex_of(s, sha("no run")), hex_of(s, refs["product"].id)
    return [
        "INSERT INTO runoutput VALUES"
        f" ({run}, 'forged', {id}, '', NULL, NULL, NULL, NULL)"
    ]


def invent_edge(s: Store, refs: Refs) -> list[str]:
    child, parent = (hex_of(s, refs[n].id) for n in ("flights.rejects", "product"))
    return [f"INSERT INTO derivation VALUES ({child}, {parent}, 'forged')"]


def invent_edge_of_hidden_bytes(s: Store, refs: Refs) -> list[str]:
    """The output that leads to the child is gone, and so is the count of its edges."""
    child, parent = (hex_of(s, refs[n].id) for n in ("flights", "product"))
    return [
        "DELETE FROM runoutput WHERE frame = 'flights'",
        f"INSERT INTO derivation VALUES ({child}, {parent}, 'forged')",
    ]


def swap_edge(s: Store, refs: Refs) -> list[str]:
    """As many edges as before."""
    child, parent = (hex_of(s, refs[n].id) for n in ("pledge", "flights"))
    moved = f"UPDATE derivation SET parent = {parent}, role = 'forged'"
    return [f"{moved} WHERE child = {child}"]


def remove_artifact(s: Store, refs: Refs) -> list[str]:
    return [f"DELETE FROM artifact WHERE id = {hex_of(s, refs['product'].id)}"]


FOUND: list[tuple[Attack, list[str]]] = [
    (invent_artifact, ["a row of Artifact was invented"]),
    (invent_output, ["a row of RunOutput was invented"]),
    (invent_edge, ["a row of Derivation was invented"]),
    (
        invent_edge_of_hidden_bytes,
        ["a row of RunOutput was removed", "a row of Derivation was invented"],
    ),
    (
        swap_edge,
        ["a row of Derivation was removed", "a row of Derivation was invented"],
    ),
    (remove_artifact, ["a row of Artifact was removed"]),
]


@pytest.mark.parametrize(
    ("attack", "expected"), FOUND, ids=[attack.__name__ for attack, _ in FOUND]
)
def test_each_forged_row_is_found_and_no_other(
    s: Store, refs: Refs, attack: Attack, expected: list[str]
) -> None:
    forge(s, *attack(s, refs))

    found = store.verify(s)

    assert found.exit == 1
    said = sorted(f.sentence.partition(":")[0] for f in found.findings)
    assert said == sorted(expected)
    bears_nothing = attack in (invent_artifact, invent_edge)
    assert (LOAN in sentences(found)) is not bears_nothing


def test_a_file_that_is_collected_again_from_elsewhere_is_sound(s: Store) -> None:
    """One artifact, two runs, two outputs; the second says an edge of its own."""
    above = made(s, "above", pl.DataFrame({"a": [1]}))
    store.publish(s, run(above, task="first"))
    for number, inputs in enumerate(({}, {"late": above.ref})):
        place = {"path": f"{number}.csv", "member": "", "licence": "CC0"}
        origin = Origin(**place, file_sha256=sha("f"))
        raw = made(s, "raw", b"bytes", origin=origin)
        key = sha(f"again {number}")
        store.publish(s, run(raw, task="collect", key=key, inputs=inputs))

    found = store.verify(s)

    assert (found.exit, found.findings) == (0, ())
    assert [found.examined[n] for n in ("RunOutput", "Artifact", "Derivation")] == [
        *(3, 2, 1),
    ]


def test_batches_of_one_run_find_the_same(
    s: Store, refs: Refs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["tasks.store.projected"], "MANY", 1)
    assert store.verify(s).exit == 0

    forge(s, *swap_edge(s, refs))

    assert len(store.verify(s).findings) == 2


def test_the_plain_form_of_an_artifact_has_the_fields_of_its_models() -> None:
    """A field that only one of them knew would be read by halves."""
    pairs = (
        (projected.Made, artifact.Made),
        (projected.Ref, ArtifactRef),
        (projected.Place, Origin),
    )
    for plain, model in pairs:
        assert plain.__annotations__.keys() == model.model_fields.keys()


def test_a_body_with_a_strange_field_in_an_artifact_cannot_be_read(
    s: Store, refs: Refs
) -> None:
    forge(
        s,
        """UPDATE stagerun SET body = replace(body, '"bytes":', '"bites":1,"bytes":')"""
        " WHERE seq = 3",
    )

    assert "the body of run 3" in sentences(store.verify(s))


def test_an_unreadable_file_names_every_artifact_that_shares_it(
    s: Store,
) -> None:
    frame = pl.DataFrame({"a": [1]})
    one, two = (made(s, name, frame, id=sha(name)) for name in ("one", "two"))
    store.publish(s, run(one, two))
    store.path(s, one.ref.sha256).unlink()

    (finding,) = store.verify(s).findings

    assert f"one ({sha('one')[:12]})" in finding.sentence
    assert f"two ({sha('two')[:12]})" in finding.sentence
