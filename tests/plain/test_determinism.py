"""Same inputs, terms and code give the same ids, whoever computes and where."""

from pathlib import Path

from tests.command import ROOT, afresh


def ids(home: Path, threads: str) -> dict[str, dict[str, str]]:
    said = afresh(
        *("run", "flight-disruption", "--as-of", "2026-06-30", "--json"),
        home=home,
        POLARS_MAX_THREADS=threads,
    )
    assert said.exit == 0, said.err
    return {s["stage"]: s["artifacts"] for s in said.data["stages"]}


def test_artifact_ids_are_equal_for_1_2_4_threads_and_in_two_folders(
    tmp_path: Path,
) -> None:
    assert (ROOT / ".data").is_dir()

    found = [ids(tmp_path / f"home-{n}", n) for n in ("1", "2", "4")]

    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 22  # 6 sources collected and cleaned, then 10 stages
