"""The doctor says what is wrong with an installation, and what to do about it."""

from pathlib import Path

import pytest

from flows.examined import examined
from tests.builders import temporary_store
from tests.command import datafactor


def told(home: Path, **env: str) -> dict[str, tuple[str, str]]:
    """Examine a store; give state and sentence by name."""
    with temporary_store(home, **env) as s:
        return {fact.name: (fact.state, fact.sentence) for fact in examined(s)}


def test_a_sound_installation_is_good_all_over(tmp_path: Path) -> None:
    states = {name: state for name, (state, _) in told(tmp_path).items()}

    assert set(states.values()) == {"good"}, states
    assert {"clock", "modes", "scratch", "places", "runner", "server"} <= states.keys()


def test_what_others_may_read_is_named_with_the_remedy(tmp_path: Path) -> None:
    told(tmp_path)
    (tmp_path / "home" / "objects" / "STORE").chmod(0o644)

    state, sentence = told(tmp_path)["modes"]

    assert state == "bad"
    assert "1 places are open to others" in sentence
    assert f"chmod -R go= {tmp_path / 'home'}" in sentence


@pytest.mark.parametrize(
    ("name", "env", "state", "said"),
    [
        ("runner", {"DATAFACTOR_RUNNER": "ray"}, "bad", "write one of them"),
        ("runner", {"DATAFACTOR_RUNNER": "dask:2"}, "bad", "names no server"),
        ("places", {"DATAFACTOR_DATA": "here"}, "warn", "DATAFACTOR_DATA is relative"),
    ],
)
def test_a_setting_that_cannot_work_is_told(
    tmp_path: Path, name: str, env: dict[str, str], state: str, said: str
) -> None:
    found = told(tmp_path, **env)[name]

    assert found[0] == state
    assert said in found[1]


def test_a_server_that_does_not_answer_is_bad_and_the_command_says_so(
    tmp_path: Path,
) -> None:
    url = "http://127.0.0.1:9/api"

    said = datafactor("doctor", home=tmp_path, PREFECT_API_URL=url)

    assert said.exit == 1
    assert "the Prefect server of PREFECT_API_URL does not answer" in said.out
    assert "Traceback" not in said.err
