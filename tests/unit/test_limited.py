"""The parent lives, whatever a file does to its reader, and says one sentence."""

import os
from pathlib import Path

import polars as pl
import pytest

from schemas.errors import SourceError
from tasks.source.limited import Limits, Reader, read_limited
from tests import killers
from tests.carried import column, source
from tests.workbooks import book, cell, number, table, text

GIVEN = source("a.xlsx", column("a"))
# 17 billion cells of 32 bytes: the reader that lays them out asks for 549 GB.
FAR = book(
    table(["a"], [text("x")])
    + f'<row r="1048576">{cell("XFD1048576", number(1))}</row>'
)


def refused(reader: Reader, folder: Path, limits: Limits, raw: bytes = b"") -> str:
    (folder / "raw").write_bytes(raw)
    with pytest.raises(SourceError) as error:
        read_limited(folder / "raw", GIVEN, folder, limits, reader)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_small_workbook_that_asks_for_549_gb_kills_its_reader_only(
    tmp_path: Path,
) -> None:
    assert len(FAR) < 4_800

    told = refused(killers.laying_out, tmp_path, Limits(), FAR)

    assert told.startswith("its reader was stopped: it asked for more than 2.0 GiB")


def test_our_reader_refuses_that_workbook_before_it_reads_the_cells(
    tmp_path: Path,
) -> None:
    (tmp_path / "raw").write_bytes(FAR)

    with pytest.raises(SourceError, match="claims 17,179,869,184 cells"):
        read_limited(tmp_path / "raw", GIVEN, tmp_path)


@pytest.mark.parametrize(
    ("reader", "limits", "why"),
    [
        (killers.aborting, Limits(), "of memory"),
        (killers.hoarding, Limits(memory=1 << 30), "1.0 GiB of memory"),
        (killers.spinning, Limits(processor=2), "2 s of processor"),
        (killers.sleeping, Limits(wall=2), "2 s in all"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_reader_that_dies_or_never_ends_becomes_one_sentence(
    reader: Reader, limits: Limits, why: str, tmp_path: Path
) -> None:
    told = refused(reader, tmp_path, limits)

    assert told.startswith("its reader was stopped: it asked for more than ")
    assert why in told
    assert "save it anew or split it" in told


def test_a_panic_is_told_by_its_kind_and_never_by_its_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = refused(killers.panicking, tmp_path, Limits())

    assert "Panic" in told
    assert killers.SECRET not in told + "".join(capfd.readouterr())


def test_a_child_knows_no_secret_and_leaves_no_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAFACTOR_KEY", "/secret")
    (tmp_path / "raw").touch()

    rows = read_limited(
        tmp_path / "raw", GIVEN, tmp_path, Limits(memory=1 << 31), killers.telling
    )

    environment, core, memory = rows.collect().row(0)
    assert "DATAFACTOR_KEY" not in environment
    assert (core, memory) == (0, 1 << 31)


def test_what_a_child_writes_is_for_its_user_alone(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(book(table(["a"], [text("x")])))

    rows = read_limited(tmp_path / "raw", GIVEN, tmp_path)

    assert rows.collect().row(0)[3:] == ("x",)
    written = [Path(at, name) for at, _, all_ in os.walk(tmp_path) for name in all_]
    parts = [path for path in written if path.name != "raw"]
    assert parts
    assert all(path.stat().st_mode & 0o077 == 0 for path in parts)
    assert rows.collect_schema()["_line"] == pl.UInt32
