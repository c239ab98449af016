"""Money over time: vouchers that vanish, versions that change, damaged bytes."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from flows.demo import AS_OF, FACTOR
from flows.value_chain import value_chain
from schemas.errors import Refused
from tasks import store
from tests.archive import small_archive
from tests.builders import temporary_store
from tests.command import ROOT

VOUCHERS = "flight-disruption.csv"
KEPT = f"deployments/vouchers/{VOUCHERS}"


@pytest.fixture(autouse=True)
def documents(tmp_path: Path) -> Iterator[Path]:
    """Copy the demo's documents, with vouchers in the data folder to be edited."""
    small_archive(tmp_path / "data")
    folder = tmp_path / "deployments"
    for part in ("factors", "entities", "policies"):
        (folder / part).mkdir(parents=True)
        for file in (ROOT / "deployments" / part).glob("*.yaml"):
            text = file.read_text("utf-8").replace(f"package:{KEPT}", VOUCHERS)
            (folder / part / file.name).write_text(text, "utf-8")
    vouchers = (ROOT / KEPT).read_text("utf-8")
    (tmp_path / "data" / VOUCHERS).write_text(vouchers, "utf-8")
    env = {
        "DATAFACTOR_DATA": str(tmp_path / "data"),
        "DATAFACTOR_FACTORS": str(folder / "factors"),
    }
    with temporary_store(tmp_path, **env):
        yield tmp_path


def without(file: Path, word: str) -> None:
    lines = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join(x for x in lines if word not in x), "utf-8")


def test_a_voucher_that_vanishes_cannot_shrink_the_books(documents: Path) -> None:
    value_chain.fn(FACTOR, AS_OF)
    without(documents / "data" / VOUCHERS, "V-2026-002")

    with pytest.raises(Refused, match="2 of 11 posted entries have lost their voucher"):
        value_chain.fn(FACTOR, AS_OF)

    assert store.verify(store.current()).exit == 0


def test_an_earlier_day_does_not_miss_what_was_booked_later(documents: Path) -> None:
    value_chain.fn(FACTOR, AS_OF)

    with pytest.raises(Refused) as refused:
        value_chain.fn(FACTOR, date(2026, 6, 10))

    assert "posted entries" not in str(refused.value)


@pytest.mark.parametrize("name", ["asset", "product", "resource/flights", "capital"])
def test_impact_by_name_finds_the_loan_whatever_came_after(
    documents: Path, name: str
) -> None:
    value_chain.fn(FACTOR, AS_OF)
    small_archive(documents / "data", flights=1_999)
    value_chain.fn(FACTOR, date(2026, 7, 31))
    s = store.current()

    found = store.impact(s, *store.every(s, f"{FACTOR}/{name}"))

    assert [loan.request for loan in found.pledges] == ["BANK-2026-001"]


@pytest.mark.parametrize("frame", ["position", "gates", "repayment", "pledge"])
def test_a_damaged_frame_of_the_pledging_run_is_healed_by_a_rerun(
    documents: Path, frame: str
) -> None:
    first = value_chain.fn(FACTOR, AS_OF)
    s = store.current()
    file = store.path(s, first.frames["capital"][frame].sha256)
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    assert store.verify(s).exit == 1

    again = value_chain.fn(FACTOR, AS_OF)

    assert again.frames == first.frames
    assert store.verify(s).exit == 0
