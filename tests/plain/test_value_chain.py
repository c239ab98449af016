"""The whole chain on the real flights, without Prefect's server.

Expected numbers were counted with the csv module alone, or stand in the worked cases
LOAN-03 and COL-01 of the project's oracles.
"""

from datetime import date

import polars as pl
import pytest
from rich.console import Console

from flows.demo import AS_OF, FACTOR
from flows.progress import Progress
from flows.summary import Chain, lines
from flows.value_chain import value_chain
from schemas.errors import ContractError
from schemas.registers import AssetCard, JournalLine, Right
from tasks import store


def read(chain: Chain, stage: str, frame: str) -> pl.DataFrame:
    return store.scan(store.current(), chain.frames[stage][frame]).collect()


def balances() -> dict[str, tuple[int, int, int]]:
    return {
        b.frame: (b.rows_in, b.rows_out, b.rejected)
        for run in store.runs(store.current(), FACTOR)
        if run.publication.task in ("clean", "transform")
        for b in run.publication.balances
    }


def test_every_flight_is_accounted_for(chain: Chain) -> None:
    counted = balances()

    assert counted["flights"] == (336_776, 336_776, 0)
    assert counted["resource"] == (336_776, 336_776, 0)
    assert counted["weather"][0] == 26_115
    assert counted["airports"][0] == 1_458
    assert counted["planes"][0] == 3_322
    assert counted["airlines"][0] == 16


def test_the_resource_holds_the_numbers_counted_without_it(chain: Chain) -> None:
    resource = read(chain, "resource", "resource")

    assert resource.height == 336_776
    assert resource["dep_time"].null_count() == 8_255
    assert resource["arr_delay"].null_count() == 9_430
    assert resource["distance"].sum() == 350_217_607


def test_each_join_says_what_it_left_and_repeated(chain: Chain) -> None:
    joins = read(chain, "resource", "joins")

    assert joins["left_unmatched"].to_list() == [0, 7_602, 52_606, 1_556]
    assert joins["right_repeated"].to_list() == [0, 0, 0, 3]
    assert joins["rows_out"].to_list() == [336_776] * 4


def test_the_product_counts_every_flight_once(chain: Chain) -> None:
    product = read(chain, "product", "product")

    assert product["flights"].sum() == 336_776
    share = product["disrupted"] * 1000 // product["flights"]
    assert product["disrupted_per_mille"].to_list() == share.to_list()


def test_book_value_and_appraised_value_are_two_numbers(chain: Chain) -> None:
    row = read(chain, "asset", "valuation").row(0, named=True)

    assert 0 < row["book_fen"] != row["appraised_fen"] > 0


def test_the_journal_balances_and_the_schedule_ends_at_nothing(chain: Chain) -> None:
    journal = read(chain, "asset", "journal")
    by_entry = journal.group_by("entry").agg(pl.col("amount_fen").sum())
    schedule = read(chain, "asset", "amortization")

    assert by_entry["amount_fen"].to_list() == [0] * by_entry.height
    assert schedule["carrying_fen"].to_list()[-1] == 0


def test_the_loan_is_repaid_as_loan_03(chain: Chain) -> None:
    rows = read(chain, "capital", "repayment")

    assert rows.height == 12
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    assert (first["principal_fen"], first["interest_fen"]) == (41_666_667, 1_500_000)
    assert (last["principal_fen"], last["balance_fen"]) == (41_666_663, 0)
    assert rows["interest_fen"].sum() == 9_750_000


def test_the_loan_leads_back_to_file_member_and_bytes(chain: Chain) -> None:
    s = store.current()
    loan = store.resolve(s, "loan:BANK-2026-001")

    raw = [node for node in store.trace(s, loan.id) if node.origin is not None]

    found = {node.origin.member.rpartition("/")[2] for node in raw if node.origin}
    assert found >= {
        "flights.csv.zip!flights.csv",
        *(f"{n}.csv" for n in ("airlines", "airports", "planes", "weather")),
    }
    archive = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
    assert archive in {node.origin.file_sha256 for node in raw if node.origin}


def test_a_second_run_reuses_every_stage_and_adds_nothing(chain: Chain) -> None:
    before = len(store.runs(store.current(), ""))

    with Progress(Console(), quiet=True) as progress:
        again = value_chain.fn(FACTOR, AS_OF)

    assert [published.reused for _, published, _ in progress.done] == [True] * 22
    assert again.frames == chain.frames
    assert len(store.runs(store.current(), "")) == before


def test_the_store_verifies_after_the_chain(chain: Chain) -> None:
    assert store.verify(store.current()).exit == 0


def test_the_summary_says_all_five_stages(chain: Chain) -> None:
    said = dict(lines(chain))

    assert list(said) == ["raw", "resource", "product", "asset", "capital"]
    assert "336,776 rows" in said["resource"]
    assert "5,000,000.00" in said["capital"]
    assert "illustrative" in said["asset"]


def test_next_month_monitors_the_loan_and_pledges_nothing_new(chain: Chain) -> None:
    later = value_chain.fn(FACTOR, date(2026, 7, 31))

    position = read(later, "capital", "position").row(0, named=True)
    assert position["status"] == "live"
    assert read(later, "capital", "pledge").height == 0
    assert store.verify(store.current()).exit == 0


@pytest.mark.parametrize(
    ("task", "lacking"),
    [
        ("derive_task", "resource"),
        ("assetize_task", "resource, product"),
        ("capitalize_task", "resource, product, asset"),
    ],
)
def test_a_raw_artifact_can_be_neither_priced_nor_pledged(
    chain: Chain, task: str, lacking: str
) -> None:
    from flows import stages
    from flows.document import factor_named

    terms = factor_named(FACTOR)
    assert terms.product
    assert terms.asset
    raw = chain.frames["raw"]["flights"]
    rights = terms.live(Right)
    arguments = {
        "derive_task": ({"resource": raw}, terms.product.derivation),
        "assetize_task": (
            raw,
            chain.frames["asset"]["costs"],
            rights,
            terms.live(AssetCard),
            raw,
            terms.asset,
            AS_OF,
        ),
        "capitalize_task": (
            *(raw, rights, rights, terms.live(JournalLine), raw),
            *(terms.capital, AS_OF),
        ),
    }[task]

    with pytest.raises(ContractError, match=f"raw: it must pass the stages {lacking}"):
        getattr(stages, task)(*arguments)


def test_a_miswired_frame_is_refused_with_both_names(chain: Chain) -> None:
    from flows.document import factor_named
    from flows.stages import capitalize_task
    from schemas.registers import Pledge, Right

    terms = factor_named(FACTOR)
    product = chain.frames["product"]["product"]

    registers = map(terms.live, (Right, Pledge, JournalLine))

    with pytest.raises(ContractError, match=r"capitalize\.valuation .*'product'"):
        capitalize_task(product, *registers, product, terms.capital, AS_OF)
