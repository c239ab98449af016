"""Costs in a whole run: evidence at hand, and pools shared by what was measured."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.demo import AS_OF, FACTOR
from flows.evidence import evidenced
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import ContractError, Refused, SourceError
from tasks import store
from tests.archive import small_archive
from tests.builders import temporary_store
from tests.command import ROOT
from tests.finance_case import asset_terms

KEPT = "deployments/vouchers"
SHARES = 'platform: {flight-disruption: "1", river-levels: "1", plot-yield: "1"}'


@pytest.fixture(autouse=True)
def documents(tmp_path: Path) -> Iterator[Path]:
    """Copy the demo's documents, vouchers and evidence, to be edited."""
    small_archive(tmp_path / "data")
    folder = tmp_path / "deployments"
    for part in ("factors", "entities", "policies"):
        (folder / part).mkdir(parents=True)
        for file in (ROOT / "deployments" / part).glob("*.yaml"):
            text = file.read_text("utf-8").replace(f"package:{KEPT}", "vouchers")
            (folder / part / file.name).write_text(text, "utf-8")
    for file in (ROOT / KEPT).rglob("*.*"):
        copy = tmp_path / "data" / "vouchers" / file.relative_to(ROOT / KEPT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    env = {
        "DATAFACTOR_DATA": str(tmp_path / "data"),
        "DATAFACTOR_FACTORS": str(folder / "factors"),
    }
    with temporary_store(tmp_path, **env):
        yield tmp_path


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_evidence_that_was_changed_after_it_was_signed_is_refused(
    documents: Path,
) -> None:
    evidence = documents / "data" / "vouchers" / "evidence"
    rewrite(evidence / "ILLUSTRATIVE-INV-11.txt", "689,000.00", "869,000.00")

    with pytest.raises(Refused, match="of 7 files at hand 1 are other") as refused:
        value_chain.fn(FACTOR, AS_OF, Stage.ASSET)

    assert "ILLUSTRATIVE-INV-11" in str(refused.value)


def test_a_pool_is_shared_by_the_rows_that_were_published(documents: Path) -> None:
    factor = documents / "deployments" / "factors" / f"{FACTOR}.yaml"
    rewrite(
        factor,
        SHARES,
        "platform: {driver: published_rows, products: [flight-disruption]}",
    )

    made = value_chain.fn(FACTOR, AS_OF, Stage.ASSET).frames

    s = store.current()
    allocation = store.scan(s, made["asset"]["allocation"]).collect()
    shared = allocation.filter(pool="platform")
    assert set(shared["driver"]) == {"published_rows"}
    assert set(shared["period"]) == {"2026-04"}
    assert set(shared["share"]) == {str(made["product"]["product"].rows)}
    assert shared["amount_fen"].sum() == 90_000_001 + 30_000_000


def test_a_pool_shared_by_calls_that_nobody_made_is_refused(documents: Path) -> None:
    factor = documents / "deployments" / "factors" / f"{FACTOR}.yaml"
    rewrite(factor, SHARES, "platform: {driver: calls, products: [flight-disruption]}")

    with pytest.raises(ContractError, match="nothing at all was measured in 2026-04"):
        value_chain.fn(FACTOR, AS_OF, Stage.ASSET)


@pytest.mark.parametrize("amount", ["650000.005", "6.5e5", "NaN"])
def test_a_voucher_of_no_whole_fen_stops_the_run(documents: Path, amount: str) -> None:
    vouchers = documents / "data" / "vouchers" / "flight-disruption.csv"
    rewrite(vouchers, ",650000.00,", f",{amount},")

    with pytest.raises(ContractError, match="amount") as refused:
        value_chain.fn(FACTOR, AS_OF, Stage.ASSET)

    assert amount not in str(refused.value)


def test_two_files_of_one_document_are_refused(documents: Path) -> None:
    folder = documents / "data" / "vouchers" / "evidence"
    (folder / "ILLUSTRATIVE-INV-11.pdf").write_bytes(b"another")
    terms = asset_terms(evidence_files="vouchers/evidence")

    with pytest.raises(SourceError, match="two files called ILLUSTRATIVE-INV-11"):
        evidenced(terms)


def test_without_a_folder_no_file_is_at_hand() -> None:
    assert evidenced(asset_terms()).at_hand == {}
    assert list(evidenced(asset_terms(evidence_files="vouchers")).at_hand) == [FACTOR]
