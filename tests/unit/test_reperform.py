"""The independent sheet: a bundle recomputed by the standard library alone."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.appraise import case_on
from schemas.appraisal import Case
from tasks.asset.appraise.bundle import bundle_of, packed, sums_of, unpacked
from tests.appraisal_case import (
    by_cost,
    by_deals,
    by_excess,
    by_increment,
    by_royalty,
    by_split,
    case,
    factors,
    forecast,
)
from tests.finance_case import income, sourced

SHEET = Path(__file__).resolve().parents[1] / "reperform.py"


def sheet(data: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the sheet with no package and no environment at all."""
    file = folder / "bundle.tar"
    file.write_bytes(data)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SHEET), str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={},
    )


def everything() -> Case:
    """Every method, an index, a guide price, a short life and three providers."""

    def units(n: int) -> dict[str, Any]:
        return {"units": sourced(values=["700000"] * n, unit="call")}

    told = factors("1.05", "0.98", "1", "1.10", "1.00") | {"time": None}
    index = sourced(name="prices", values={"2025-01": "97", "2025-04": "101.5"})
    datasets = {"first": {"D-1": told, "D-2": factors("1", "1", "1.01", "0.7", "1")}}
    names = ["a", "b", "c"]
    worth = {"a": "1", "b": "2", "c": "3", "a+b": "4", "a+c": "5", "b+c": "7"}
    contribution = sourced(
        providers=names, worth={**worth, "a+b+c": "10"}, unit="points"
    )
    profits = forecast("400", "420.5", "430", "450", "440", **units(5))
    return case(
        income(
            weight="0.1",
            timing="mid-year",
            forecast=forecast(
                *("300000", "200000", "340000"),
                less={"staff": sourced(values=["10000.01", "0", "7"])},
                **units(3),
            ),
        ),
        by_split(weight="0.15", forecast=profits),
        by_excess(weight="0.1", forecast=forecast("300000", "1", "2", **units(3))),
        by_increment(weight="0.1", forecast=forecast("900000", "950000", **units(2))),
        by_royalty(weight="0.15", forecast=forecast("9", "8000000", "7", **units(3))),
        by_cost(weight="0.1"),
        by_deals(weight="0.3", datasets=datasets, index=index),
        known={
            "ceiling": {"amount": "0.40", "source": "Order 7"},
            "ends": [{"kind": "right", "last_day": "2027-11-30", "source": "C-1"}],
        },
        contribution=contribution,
    )


def test_the_demos_appraisal_is_recomputed_in_an_empty_environment(
    tmp_path: Path,
) -> None:
    data = bundle_of(case_on("flight-disruption", date(2026, 6, 30)))

    done = sheet(data, tmp_path)

    # By hand: see the test of the demo's books in test_asset_cost.py.
    assert done.stdout == "11541346.75 CNY, every fen agrees\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_every_method_and_every_swing_is_recomputed(tmp_path: Path) -> None:
    done = sheet(bundle_of(everything()), tmp_path)

    assert "every fen agrees" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def one_fen_more(amount: str) -> str:
    return f"{amount[:-1]}{(int(amount[-1]) + 1) % 10}"


@pytest.mark.parametrize("claim", ["value", "method", "swing", "part"])
def test_the_sheet_finds_one_fen(claim: str, tmp_path: Path) -> None:
    files = unpacked(bundle_of(everything()))
    told = json.loads(files["results.json"])
    place, name = {
        "value": (told, "value"),
        "method": (told["methods"][3], "value"),
        "swing": (told["sensitivity"][5], "low"),
        "part": (told["parts"][2], "amount"),
    }[claim]
    place[name] = one_fen_more(place[name])
    files["results.json"] = json.dumps(told).encode()

    done = sheet(packed(files | {"SHA256SUMS": sums_of(files)}), tmp_path)

    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1


def test_the_sheet_shares_no_code_with_the_project() -> None:
    text = SHEET.read_text("utf-8")

    for room in ("schemas", "tasks", "flows", "tests.", "pydantic", "polars"):
        assert f"import {room}" not in text
        assert f"from {room}" not in text
