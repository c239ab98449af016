"""Others read nothing of a house, and its secrets stand nowhere but where they must."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, inspect, text

from flows.ui import serving
from tests.archive import small_archive
from tests.command import ROOT, Said, afresh, environment
from tests.gauges import head, write
from tests.house import BAD, FLIGHTS, House, controller, free_port, opened, served

PLANTED = "pLanted5ecret0f32charactersAndMore"
PEOPLE = """
sources:
  people:
    path: people.csv
    licence: CC0-1.0
    columns:
      - {name: person, logicalType: string, required: true, classification: personal}
      - {name: age, logicalType: integer, classification: internal}
resource:
  columns:
    - {name: person, logicalType: string, required: true, classification: personal}
    - {name: age, logicalType: integer, classification: internal}
  key: [person]
product:
  name: people
  version: 1.0.0
  query: SELECT person, age FROM resource
  columns:
    - {name: person, logicalType: string, required: true, classification: personal}
    - {name: age, logicalType: integer, classification: internal}
  key: [person]
  deidentification:
    subject: person
    steps: [{pseudonym: person, key: cohort}]
"""


def test_nothing_below_a_home_is_open_to_others(tmp_path: Path) -> None:
    """With the widest umask: what is made private does not rest on it."""
    small_archive(tmp_path / "data")
    before = os.umask(0)
    try:
        said = afresh(
            *("run", FLIGHTS, "--as-of", "2026-06-30"),
            home=tmp_path,
            data=tmp_path / "data",
        )
    finally:
        os.umask(before)
    assert said.exit == 0, said.err

    home = tmp_path / "store"  # heads and public keys of the anchor are for others
    places = [home, *home.rglob("*"), tmp_path / "anchor", tmp_path / "signing.key"]
    open_ones = [p for p in places if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert len(places) > 50
    assert [str(p.relative_to(tmp_path)) for p in open_ones] == []


def test_a_server_of_ours_asks_for_its_auth_string(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    with serving(free_port(), f"house:{PLANTED}") as url:
        asked = [
            httpx.get(f"{url}/version", auth=auth, timeout=30).status_code
            for auth in (None, ("house", "wrong"), ("house", PLANTED))
        ]

    assert asked == [401, 401, 200]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house whose every secret is one text."""
    more = {
        "DATAFACTOR_SECRET_COHORT": PLANTED,
        "DATAFACTOR_ALARM_URL": f"http://127.0.0.1:9/{PLANTED}",
        "AWS_SECRET_ACCESS_KEY": PLANTED,
        "PREFECT_API_AUTH_STRING": f"house:{PLANTED}",
        "PREFECT_SERVER_API_AUTH_STRING": f"house:{PLANTED}",
    }
    with opened(tmp_path, **more) as made:
        url = made.env["DATAFACTOR_DATABASE"]
        secret = url.replace("postgres@", f"postgres:{PLANTED}@")
        yield House(made.home, made.env | {"DATAFACTOR_DATABASE": secret})


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_planted_secret_is_found_nowhere(house: House) -> None:
    """After good runs, a failed one, alarms, a pack: files, both databases, words."""
    told: list[str] = []

    def run(*words: str, **more: str) -> int:
        done = house.run("datafactor", *words, **more)
        told.extend((done.stdout, done.stderr))
        return done.returncode

    write(house.home / "deployments", "people", head("people"), PEOPLE)
    house.write("people.csv", "person,age\nAda,36\nBo,41\n")
    borrow = ("run", FLIGHTS, "--as-of", "2026-06-30", "--json")
    with served(house):
        assert run("deploy") == 0
        run("run", "people", "--as-of", "2026-06-30")
        assert "productize" in told[-2]  # where the key is used
        assert run(*borrow) == 1
        (asked,) = house.json("approve")
        assert run("approve", asked["subject"][:12], **controller(house)) == 0
        assert run(*borrow) == 0
        house.write("rain.csv", BAD)
        assert run("run", "rain", "--as-of", "2026-06-30") == 1
        for words in (
            ("alarms",),
            ("show", "--failed", "--json"),
            ("doctor", "--json"),
        ):
            run(*words)
        assert run("pack", "BANK-2026-001", "-o", str(house.home / "p.zip")) == 0
        rows = [*in_database(house, "DATAFACTOR_DATABASE")]
        rows += in_database(house, "PREFECT_SERVER_DATABASE_CONNECTION_URL")

    (house.home / "control").write_text(f"what is searched for is found: {PLANTED}")
    files = [p for p in house.home.rglob("*") if p.is_file()]
    where = [str(p) for p in files if PLANTED.encode() in p.read_bytes()]
    assert len(files) > 100
    assert len(rows) > 500
    assert where == [str(house.home / "control")]
    assert [row[:200] for row in rows if PLANTED in row] == []
    assert PLANTED not in "".join(told)


def in_database(house: House, variable: str) -> Iterator[str]:
    """Read every row of a database as text."""
    url = house.env[variable].replace("+asyncpg:", "+psycopg:")
    engine = create_engine(url)
    with engine.connect() as c:
        for table in inspect(c).get_table_names():
            yield from c.scalars(text(f'SELECT t::text FROM "{table}" t'))
    engine.dispose()


def test_a_secret_of_the_server_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment comes first; where nobody has it, the sentence says where."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    script = (
        "from prefect.blocks.system import Secret;"
        f"Secret(value='{PLANTED}').save('datafactor-cohort-key', _sync=True)"
    )
    with serving(free_port()) as url:
        asked = {"PREFECT_API_URL": url}
        before = read(tmp_path, **asked)
        python(tmp_path, script, **asked)
        after = read(tmp_path, **asked)
        first = read(tmp_path, DATAFACTOR_SECRET_COHORT_KEY="e" * 40, **asked)

    assert "the key cohort_key is not set" in before.err
    assert after.out.strip() == str(len(PLANTED))
    assert first.out.strip() == "40"


def read(home: Path, **env: str) -> Said:
    """Say how long the key is, in a process of its own."""
    return python(
        home,
        "import flows.stages; from tasks.store import secret;"
        "print(len(secret('cohort_key')))",
        **env,
    )


def python(home: Path, script: str, **env: str) -> Said:
    """Run a line of Python as a process of the house."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment(home) | {"PYTHONPATH": str(ROOT)} | env,
    )
    return Said(done.returncode, done.stdout, done.stderr)
