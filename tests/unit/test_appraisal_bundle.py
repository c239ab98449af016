"""A bundle of an appraisal: the same bytes again, recomputed, refused when changed."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.cli import main
from schemas.appraisal import Case
from schemas.contract import frame_of
from schemas.errors import ContractError, SourceError
from schemas.registers import Invoice, Order
from tasks.asset.appraise.appraisal import appraisal
from tasks.asset.appraise.bundle import (
    MAX_BYTES,
    NAMES,
    bundle_of,
    packed,
    reperform,
    sums_of,
    unpacked,
)
from tasks.asset.appraise.value import appraised
from tests.appraisal_case import (
    by_cost,
    by_deals,
    by_excess,
    by_increment,
    by_royalty,
    by_split,
    case,
    forecast,
)
from tests.finance_case import income, sourced

SEVEN = (
    income(weight="0.1", timing="mid-year"),
    by_split(weight="0.1"),
    by_excess(weight="0.1"),
    by_increment(weight="0.1"),
    by_royalty(weight="0.2"),
    by_cost(weight="0.1"),
    by_deals(weight="0.3"),
)


@pytest.fixture(scope="module")
def whole() -> bytes:
    """A bundle with every method."""
    return bundle_of(case(*SEVEN))


def remade(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Change files of a bundle and mend its digests, as a forger would."""
    files = unpacked(data)
    change(files)
    return packed(files | {"SHA256SUMS": sums_of(files)})


def test_the_same_case_gives_the_same_bytes_and_tells_its_value() -> None:
    made = case(*SEVEN)

    assert bundle_of(made) == bundle_of(case(*SEVEN))

    told = reperform(bundle_of(made))
    assert told["value"].replace(".", "") == str(appraised(made))
    assert told["pages"] == "compared"
    assert told["methods"]["replacement_cost"] == "1122400.00"  # VAL-04


def test_a_bundle_is_a_tar_that_tells_nothing_of_time_or_place(whole: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        members = tar.getmembers()

    assert [m.name for m in members] == sorted([*NAMES, "SHA256SUMS"])
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {
        (0, 0, 0, "", "")
    }


def test_the_digests_are_those_of_the_files(whole: bytes) -> None:
    files = unpacked(whole)

    lines = files["SHA256SUMS"].decode().splitlines()

    assert lines == [
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}" for name in sorted(NAMES)
    ]


def test_numbers_of_a_bundle_are_text(whole: bytes) -> None:
    files = unpacked(whole)

    def numbers(part: Any) -> list[Any]:  # Any: JSON
        if isinstance(part, dict):
            return [n for v in part.values() for n in numbers(v)]
        if isinstance(part, list):
            return [n for v in part for n in numbers(v)]
        return [part] if isinstance(part, int | float) else []

    for name in ("inputs.json", "results.json"):
        found = numbers(json.loads(files[name]))
        assert {type(n) for n in found} <= {int, bool}  # years, months, yes or no


@pytest.mark.parametrize("name", NAMES)
def test_one_changed_file_is_refused(whole: bytes, name: str) -> None:
    files = unpacked(whole)
    files[name] = files[name].replace(b"1", b"2", 1)

    with pytest.raises(SourceError, match="was changed"):
        reperform(packed(files))


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_file_with_its_digest_mended_is_refused(
    whole: bytes, name: str
) -> None:
    def change(files: dict[str, bytes]) -> None:
        files[name] = files[name].replace(b"1", b"2", 1)

    with pytest.raises(SourceError):
        reperform(remade(whole, change))


def test_inputs_changed_with_everything_else_left_are_refused(whole: bytes) -> None:
    def change(files: dict[str, bytes]) -> None:
        files["inputs.json"] = files["inputs.json"].replace(b'"0.92"', b'"0.93"')

    with pytest.raises(
        SourceError, match=r"results.json is not what inputs.json gives"
    ):
        reperform(remade(whole, change))


def test_pages_of_another_release_are_compared_by_their_value_alone(
    whole: bytes,
) -> None:
    def older(files: dict[str, bytes]) -> None:
        stated = json.loads(files["inputs.json"]) | {"writer": "0" * 64}
        text = json.dumps(stated, sort_keys=True, separators=(",", ":"))
        files["inputs.json"] = text.encode()
        files["report.en.html"] = files["report.en.html"].replace(b"Appraisal", b"Val")

    def lies(files: dict[str, bytes]) -> None:
        older(files)
        value = f"{int(reperform(whole)['value'].partition('.')[0]):,}".encode()
        files["report.zh.html"] = files["report.zh.html"].replace(value, b"9")

    told = reperform(remade(whole, older))
    assert told["pages"].startswith("of another release")
    assert told["value"] == reperform(whole)["value"]

    with pytest.raises(SourceError, match=r"report.zh.html tells another value"):
        reperform(remade(whole, lies))


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, body in members:
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return out.getvalue()


def link() -> tarfile.TarInfo:
    made = tarfile.TarInfo("inputs.json")
    made.type, made.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return made


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no tar": lambda _: b"appraisal" * 200,
    "cut": lambda data: data[:5_000],
    "bytes behind": lambda data: data + b"x" * 512,
    "too long": lambda data: data + b"\0" * MAX_BYTES,
    "path outside": lambda _: tarred((tarfile.TarInfo("../inputs.json"), b"{}")),
    "link": lambda _: tarred((link(), b"")),
    "gzip": lambda data: __import__("gzip").compress(data),
    "nested": lambda d: remade(d, lambda f: f.update({"inputs.json": b"[" * 90_000})),
    "long number": lambda d: remade(
        d,
        lambda f: f.update({"inputs.json": b'{"valid_months": ' + b"9" * 9_000 + b"}"}),
    ),
    "not utf-8": lambda d: remade(d, lambda f: f.update({"inputs.json": b"\xff"})),
    "unknown key": lambda d: remade(
        d,
        lambda f: f.update({"inputs.json": b'{"more": 1,' + f["inputs.json"][1:]}),
    ),
    "a float": lambda d: remade(
        d,
        lambda f: f.update(
            {"inputs.json": f["inputs.json"].replace(b'"0.92"', b"0.92")}
        ),
    ),
    "refused terms": lambda d: remade(
        d,
        lambda f: f.update(
            {"inputs.json": f["inputs.json"].replace(b"pre-tax", b"post-tax", 1)}
        ),
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_a_stranger_made_up_is_refused_in_a_sentence(
    whole: bytes, kind: str
) -> None:
    with pytest.raises(SourceError, match=r"bundle|inputs.json") as caught:
        reperform(HOSTILE[kind](whole))

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_bundle_that_is_too_long_is_not_even_opened(whole: bytes) -> None:
    with pytest.raises(SourceError, match="longer than 8,000,000 bytes"):
        reperform(whole + b"\0" * MAX_BYTES)


def test_text_of_a_document_cannot_become_part_of_the_page() -> None:
    made = case(income(), appraiser="<script>alert(1)</script>")

    files = unpacked(bundle_of(made))

    assert b"<script" not in files["report.en.html"] + files["report.zh.html"]
    assert b"&lt;script&gt;" in files["report.en.html"]


def test_the_report_says_in_both_languages_what_was_shortened_and_capped() -> None:
    units = sourced(values=["700000", "800000", "900000"], unit="call")
    stated = income(forecast=forecast("300000", "320000", "340000", units=units))
    ends = [{"kind": "right", "last_day": "2028-04-18", "source": "C-1"}]
    known = {"ceiling": {"amount": "0.40", "source": "Order 7"}, "ends": ends}

    files = unpacked(bundle_of(case(stated, known=known)))

    english, chinese = (files[f"report.{n}.html"].decode() for n in ("en", "zh"))
    assert "capped at 280,000.00 CNY by the guide price" in english
    assert "按指导价封顶为 280,000.00 元" in chinese
    assert "36 months were forecast, shortened to 35 by the right to operate" in english
    assert "预测 36 个月，因经营权期限缩短为 35 个月" in chinese
    for page in (english, chinese):
        assert page.count("<svg") == 1
        assert "{" not in page.partition("</style>")[2]  # every sentence is filled


def register(contract: Any, **row: Any) -> tuple[Any, ...]:
    """One row of a register with what matters here."""
    blank = {"entity": "jiangbei", "order": "SO-1", "issued_on": date(2025, 4, 1)}
    told = {**dict.fromkeys(contract.to_schema().columns, ""), **blank, **row}
    return tuple(told[name] for name in contract.to_schema().columns)


def invoiced(*lines: tuple[str, str, int, date]) -> pl.LazyFrame:
    rows = [
        register(
            Invoice,
            order=order,
            period=period,
            amount_fen=fen,
            issued_on=day,
            invoice=f"{order}/{period}",
            line=n,
            quantity=1,
            unit_price="1",
            kind="flat",
        )
        for n, (order, period, fen, day) in enumerate(lines, 1)
    ]
    return frame_of(Invoice, rows).lazy()


def ordered() -> pl.LazyFrame:
    blank = frame_of(Order, [])
    row = pl.DataFrame({"order": ["SO-1"]}, schema={"order": pl.String})
    return pl.concat([blank, row], how="diagonal").lazy()


EARLY = date(2025, 4, 1)
LINES = (
    ("SO-1", "2024-03", 99, EARLY),  # before the twelve months
    ("SO-1", "2024-04", 10_000_000, EARLY),
    ("SO-1", "2025-03", 16_000_000, EARLY),
    ("SO-1", "2025-03", -1_000_000, EARLY),  # a correction
    ("SO-1", "2025-03", 99, date(2025, 4, 21)),  # after the report
    ("SO-1", "2025-04", 99, EARLY),  # the month of the valuation
    ("SO-2", "2025-03", 99, EARLY),  # another product
)


def told_by(stated: Case, *lines: tuple[str, str, int, date]) -> dict[str, bytes]:
    (data,) = appraisal(ordered(), invoiced(*lines), stated)
    return unpacked(data)


def test_a_forecast_is_held_against_what_was_invoiced_in_twelve_months() -> None:
    # 100,000 + 160,000 − 10,000 = 250,000 invoiced, 300,000 forecast: + 20 %
    files = told_by(case(income()), *LINES)

    assert json.loads(files["inputs.json"])["metered"] == {
        "first": "2024-04",
        "last": "2025-03",
        "months": 2,
        "amount": "250000.00",
    }
    assert (
        b"250,000.00 CNY was invoiced from 2024-04 to 2025-03"
        in (files["report.en.html"])
    )
    assert "第一年预测 300,000.00 元，增长 +20.00 %" in files["report.zh.html"].decode()


def test_without_invoices_the_report_says_that_nothing_was_held_against_it() -> None:
    files = told_by(case(income()))

    assert json.loads(files["inputs.json"])["metered"] is None
    assert b"the forecast is held against nothing" in files["report.en.html"]


def test_a_forecast_of_profit_beside_invoiced_revenue_is_refused() -> None:
    with pytest.raises(ContractError, match="held against it: state it as revenue"):
        told_by(case(by_split()), *LINES)


def test_a_bundle_is_reperformed_without_any_store(
    whole: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.tar"
    file.write_bytes(whole)
    homes = ("DATAFACTOR_HOME", "DATAFACTOR_FACTORS", "DATAFACTOR_ANCHOR")
    before = {name: os.environ.get(name) for name in homes}
    with pytest.MonkeyPatch.context() as patch:
        for name in homes:
            patch.setenv(name, str(tmp_path / "nowhere" / name))
        code = main(["appraise", "--reperform", str(file), "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (code, told["data"]["value"]) == (0, reperform(whole)["value"])
    assert [p.name for p in tmp_path.iterdir()] == ["x.tar"]
    assert before == {name: os.environ.get(name) for name in homes}


def test_a_changed_bundle_ends_the_command_with_1_and_a_sentence(
    whole: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.tar"
    file.write_bytes(whole.replace(b"0.92", b"0.93", 1))

    assert main(["appraise", "--reperform", str(file)]) == 1
    assert "it was changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given", [[], ["index", "--reperform", "x"], ["--reperform", "x", "-o", "y"]]
)
def test_either_a_factor_or_a_bundle_is_named(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["appraise", *given]) == 1
    assert "name either a factor, or a bundle" in capsys.readouterr().err
