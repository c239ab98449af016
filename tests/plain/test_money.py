"""Money over time: vouchers that vanish, versions that change, damaged bytes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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


@pytest.fixture(scope="module")
def financed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the demo once, with vouchers in the data folder to be edited."""
    home = tmp_path_factory.mktemp("financed")
    small_archive(home / "data")
    folder = home / "deployments"
    for part in ("factors", "entities", "policies"):
        (folder / part).mkdir(parents=True)
        for file in (ROOT / "deployments" / part).glob("*.yaml"):
            text = file.read_text("utf-8").replace(f"package:{KEPT}", VOUCHERS)
            (folder / part / file.name).write_text(text, "utf-8")
    vouchers = (ROOT / KEPT).read_text("utf-8")
    (home / "data" / VOUCHERS).write_text(vouchers, "utf-8")
    with opened(home) as s:
        value_chain.fn(FACTOR, AS_OF)
        s.engine.dispose()
    return home


@contextmanager
def opened(home: Path) -> Iterator[store.Store]:
    env = {
        "DATAFACTOR_DATA": str(home / "data"),
        "DATAFACTOR_FACTORS": str(home / "deployments" / "factors"),
    }
    with temporary_store(home, **env) as s:
        yield s


@pytest.fixture
def documents(financed: Path, tmp_path: Path) -> Iterator[Path]:
    """Lend a copy of what was run."""
    shutil.copytree(financed, tmp_path, dirs_exist_ok=True)
    with opened(tmp_path):
        yield tmp_path


@pytest.fixture(scope="module")
def later(financed: Path, tmp_path_factory: pytest.TempPathFactory) -> store.Store:
    """Run a copy again, of a later day and other data."""
    home = tmp_path_factory.mktemp("later")
    shutil.copytree(financed, home, dirs_exist_ok=True)
    small_archive(home / "data", flights=1_999)
    with opened(home) as s:
        value_chain.fn(FACTOR, date(2026, 7, 31))
    return s


def without(file: Path, word: str) -> None:
    lines = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join(x for x in lines if word not in x), "utf-8")


def test_a_voucher_that_vanishes_cannot_shrink_the_books(documents: Path) -> None:
    without(documents / "data" / VOUCHERS, "V-2026-002")

    with pytest.raises(Refused, match="2 of 11 posted entries have lost their voucher"):
        value_chain.fn(FACTOR, AS_OF)

    assert store.verify(store.current()).exit == 0


def test_a_posted_invoice_is_not_booked_again_under_another_number(
    documents: Path,
) -> None:
    """The voucher file forgets the old number; the register of cost does not."""
    file = documents / "data" / VOUCHERS
    text = file.read_text("utf-8").replace("V-2026-005", "V-2026-905")
    file.write_text(text.replace("2026-02-10", "2026-05-10"), "utf-8")

    with pytest.raises(Refused, match=r"2 lines .* \(V-2026-005, V-2026-905\)"):
        value_chain.fn(FACTOR, AS_OF)


def test_an_earlier_day_does_not_miss_what_was_booked_later(documents: Path) -> None:
    with pytest.raises(Refused) as refused:
        value_chain.fn(FACTOR, date(2026, 6, 10))

    assert "posted entries" not in str(refused.value)


@pytest.mark.parametrize("name", ["asset", "product", "resource/flights", "capital"])
def test_impact_by_name_finds_the_loan_whatever_came_after(
    later: store.Store, name: str
) -> None:
    found = store.impact(later, *store.every(later, f"{FACTOR}/{name}"))

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
