"""The three commands as people and programs read them, on one pledged asset."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from schemas.artifact import Stage
from tests import leased


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("supposed")
    with leased.leased(folder, through=Stage.CAPITAL):
        yield folder


def said(capsys: Any, *arguments: str) -> str:
    """What a command prints for people."""
    assert main([*arguments, "--as-of", "2026-06-30"]) == 0
    return str(capsys.readouterr().out)


def told(capsys: Any, *arguments: str) -> Any:
    """What it tells programs."""
    return json.loads(said(capsys, *arguments, "--json"))


def test_compare_tells_each_reason_once(home: Path, capsys: Any) -> None:
    supply = "open,authorised-paid"
    text = said(capsys, "compare", "rain", "--supply", supply)

    assert "authorised-paid *" in text
    assert "315,000.00" in text
    assert text.count("public data supplied as open are free of charge\n") == 1
    made = told(capsys, "compare", "rain", "--supply", supply)
    assert made["schema"] == "datafactor/compare/1"
    assert [c["supply"] for c in made["data"]["columns"]] == supply.split(",")
    assert [c["stated"] for c in made["data"]["columns"]] == [False, True]


def test_compare_draws_amounts_on_one_scale(home: Path, capsys: Any) -> None:
    # 600,000.00 recognised is the most, 570 px; 287,603.30 lent are 273.2 of them.
    file = home / "compared.svg"
    said(capsys, "compare", "rain", "--supply", "authorised-paid", "--plot", str(file))

    drawn = file.read_text("utf-8")
    widths = re.findall(r'<rect x="270" y="[0-9]+" width="([0-9]+)"', drawn)
    assert [w for w in widths if w != "1"] == ["299", "570", "546", "273"]
    assert "287,603.30" in drawn


def test_what_if_reads_a_fall_as_a_number(home: Path, capsys: Any) -> None:
    text = said(capsys, "what-if", "--price", "-0.6")

    assert "if the price moved by -0.6, on 2026-06-30:" in text
    assert "normal → margin_call" in text
    assert "margin calls 59,504.13" in text
    made = told(capsys, "what-if", "--price", "-0.6")
    assert made["data"]["totals"]["margin_calls"] == "59504.13"


def test_what_if_of_a_factor_that_nobody_wrote_is_refused(
    home: Path, capsys: Any
) -> None:
    assert main(["what-if", "other", "--price", "-0.6", "--as-of", "2026-06-30"]) == 1
    assert "no factor 'other'" in capsys.readouterr().err


def test_portfolio_shows_shares_limits_and_scenarios(home: Path, capsys: Any) -> None:
    file = home / "scenarios.csv"
    file.write_text("scenario,industry,change\nthree fifths down,,-0.6\n")
    text = said(capsys, "portfolio", "--stress", str(file))

    assert "live pledges on 2026-06-30: 1, policy cn-2025" in text
    assert "HHI 1.000000" in text
    assert "BEYOND industry_share" in text
    # 575,206.61 × 0.4 = 230,082.64: 200,000.00 are 0.869 of it, in default.
    assert "230,082.64" in text
    made = told(capsys, "portfolio", "--stress", str(file))
    assert made["data"]["stress"][0]["defaulted"] == "200000.00"
