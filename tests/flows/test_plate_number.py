"""The plate number that one SMS holds is nowhere but in the rows of its source.

Looked for in all that a person, a server or a backup reads: what commands print, the
log, both databases dumped, Prefect's home, the pages and tables of a run, every file
below the home, and every published frame. The number itself is not written here.
"""

import io
import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import fastexcel
import polars as pl
import pytest
from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_HOME,
    get_current_settings,
    temporary_settings,
)

from flows.cli import main
from flows.value_chain import value_chain
from schemas.artifact import Stage
from tasks import store
from tests.builders import temporary_store
from tests.sets.ran import AS_OF, ROOT, SETS, needed

WORKBOOK = "highway_rescue_tw/112年1-10月交通事故簡訊通報資料.xlsx"
# Three letters and four digits: a plate of a Taiwan passenger car.
PLATE = re.compile(r"(?<![A-Z0-9])[A-Z]{3}-?[0-9]{4}(?![0-9])")
FACTOR = "freeway-accidents"
RUN = ("run", FACTOR, "--as-of", str(AS_OF), "--through", "resource")
Places = dict[str, bytes]


@pytest.fixture(scope="module")
def plate() -> str:
    """Find the one plate in the column of texts."""
    sheet = fastexcel.read_excel(needed(WORKBOOK)).load_sheet(0, dtypes="string")
    (found,) = {
        match.group()
        for text in sheet.to_polars()["簡訊內容"].to_list()
        for match in PLATE.finditer(text)
    }
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plate")


@pytest.fixture(scope="module")
def seen(home: Path, plate: str, prefect_server: None) -> Iterator[Places]:
    """Run the factor on a Prefect server, then ask about it and break it."""
    assert plate
    handler = logging.FileHandler(home / "log.txt")
    logging.getLogger().addHandler(handler)
    with (
        temporary_settings({PREFECT_HOME: home / "prefect"}),
        temporary_store(home, DATAFACTOR_DATA=str(SETS)),
    ):
        state = value_chain(FACTOR, AS_OF, Stage.RESOURCE, return_state=True)
        assert state.is_completed(), state.message
        places = asked() | spoiled(home)
        places["server"] = server_text()
        places["server's database"] = server_bytes()
        places["log"] = (home / "log.txt").read_bytes()
        places["database"] = dump(home / "home" / "store.db")
        yield places
    logging.getLogger().removeHandler(handler)
    handler.close()


def server_text() -> bytes:
    """Write out what the Prefect server knows: runs, states, logs, tables."""
    with get_client(sync_client=True) as client:
        known = [
            *client.read_flow_runs(),
            *client.read_task_runs(),
            *client.read_logs(),
            *client.read_artifacts(),
        ]
    return "\n".join(repr(one) for one in known).encode()


def server_bytes() -> bytes:
    """Read the files of the server's database."""
    url = get_current_settings().server.database.connection_url
    assert url is not None
    file = Path(url.get_secret_value().partition(":///")[2])
    return b"".join(f.read_bytes() for f in sorted(file.parent.glob(f"{file.name}*")))


def asked(source: str = f"{FACTOR}/resource/accidents") -> Places:
    """Ask what people ask of a run, of the frame that holds the number too."""
    commands = [
        (*RUN, "--json"),
        RUN,
        ("show", FACTOR),
        ("show", source, "--json"),
        ("rejects", source),
        ("rejects", source, "--json"),
        ("quality", FACTOR),
        ("find", "SMS", "accidents"),
        ("trace", f"{FACTOR}/resource"),
        ("impact", source),
        ("verify",),
        ("doctor",),
    ]
    said = {" ".join(words): printed(*words) for words in commands}
    assert {name: text for name, (code, text) in said.items() if code} == {}
    return {name: text for name, (_, text) in said.items()}


def printed(*words: str) -> tuple[int, bytes]:
    """Run a command as the terminal does; give its exit code and all it prints."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main(list(words))
    return code, said.getvalue().encode()


def spoiled(home: Path) -> Places:
    """Break the contract for every row, so that the number is rejected and told of."""
    folder = home / "documents" / "factors"
    shutil.copytree(ROOT / "deployments", folder.parent)
    document = folder / f"{FACTOR}.yaml"
    text = document.read_text()
    rule = "sms, physicalName: 簡訊內容, logicalType: string"
    assert rule in text
    limit = f"{rule}, logicalTypeOptions: {{maxLength: 3}}"
    document.write_text(text.replace(rule, limit))
    os.environ["DATAFACTOR_FACTORS"] = str(folder)
    code, said = printed(*RUN)
    rejects = printed("rejects", f"{FACTOR}/resource/accidents")
    del os.environ["DATAFACTOR_FACTORS"]
    assert code == 1
    assert b"break the contract" in said
    assert rejects[0] == 0
    return {"spoiled": said, "rejects of spoiled": rejects[1]}


def dump(database: Path) -> bytes:
    """Write a database out as SQL; what is a blob is written in hex and as it is."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
        text = "\n".join(opened.iterdump())
    blobs = re.findall(r"X'([0-9A-F]+)'", text)
    return text.encode() + b"\n".join(map(bytes.fromhex, blobs))


def test_nothing_that_is_printed_logged_or_shown_holds_the_number(
    seen: Places, plate: str
) -> None:
    assert {"server", "log", "database", "spoiled"} < seen.keys()
    assert b"collect" in seen["server"]
    assert b"clean" in seen["log"]
    assert b"accidents" in seen["database"]
    assert [name for name, text in seen.items() if plate.encode() in text] == []


def test_no_file_below_the_home_but_data_holds_the_number(
    home: Path, seen: Places, plate: str
) -> None:
    """Objects are data files: they are read one by one in the next test."""
    objects = home / "home" / "objects"
    files = [
        f for f in home.rglob("*") if f.is_file() and not f.is_relative_to(objects)
    ]
    holding = [f.name for f in files if plate.encode() in f.read_bytes()]

    assert len(files) > 5
    assert holding == []


def test_only_the_rows_of_the_source_hold_it_and_only_their_owner_reads_them(
    home: Path, seen: Places, plate: str
) -> None:
    s = store.current()
    frames = {
        (made.frame, made.ref.sha256)
        for run in store.runs(s)
        for made in run.publication.artifacts
        if made.ref.kind == "frame"
    }

    holding = {(n, sha) for n, sha in frames if holds(store.path(s, sha), plate)}

    assert {name for name, _ in holding} == {"accidents", "accidents.rejects"}
    modes = {n: store.path(s, sha).stat().st_mode & 0o777 for n, sha in holding}
    assert modes == {"accidents": 0o400, "accidents.rejects": 0o600}


def holds(parquet: Path, text: str) -> bool:
    """Look into every text of a frame."""
    words = pl.read_parquet(parquet).select(pl.col(pl.String)).fill_null("")
    return any(column.str.contains(text, literal=True).any() for column in words)


def test_no_object_of_the_store_is_open_to_others(home: Path, seen: Places) -> None:
    objects = [f for f in (home / "home" / "objects").glob("??/*") if f.is_file()]

    assert len(objects) > 10
    assert {f.stat().st_mode & 0o077 for f in objects} == {0}
