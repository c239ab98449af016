"""Zero proof: two registers in one report, and a doubt of either stays a doubt."""

from collections import Counter
from collections.abc import Iterator

import polars as pl
import pytest

from flows.answer import answer_of
from schemas.artifact import Stage
from schemas.errors import StoreError
from tasks import store
from tests.sets.ran import Ran, needed, packaged, run_of

BEFORE = {"enterprise-env": Stage.PRODUCT, "us-water-systems": Stage.PRODUCT}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    needed("enterprise_env_tw/facilities.csv")
    packaged("us_water_quality_data", "data/water-quality.json.gz")
    home = tmp_path_factory.mktemp("zero")
    with run_of("zero-proof", home, through=Stage.PRODUCT, before=BEFORE) as ran:
        yield ran


def test_every_subject_of_both_registers_has_one_answer(ran: Ran) -> None:
    product = ran.rows("product")
    answers = Counter(product.select("register", "certificate").iter_rows())

    assert product.height == 2_016 + 42_679
    assert answers == {
        ("pollutants, Hsinchu County", "issued"): 1_274,
        ("pollutants, Hsinchu County", "refused"): 392,
        ("pollutants, Hsinchu County", "cannot certify"): 350,
        ("drinking water, US", "issued"): 4_710,
        ("drinking water, US", "refused"): 17_874,
        ("drinking water, US", "cannot certify"): 20_095,
    }


def test_unknown_is_never_clean(ran: Ran) -> None:
    product = ran.rows("product")
    unknown = product.filter(pl.col("violations").is_null())

    assert unknown.height == 18_884
    assert set(unknown["certificate"]) == {"cannot certify"}
    assert set(product.filter(certificate="issued")["violations"]) == {0}


@pytest.mark.usefixtures("ran")
def test_one_applicant_is_answered_and_one_on_no_register_is_not_clean() -> None:
    known = answer_of("zero-proof", ["subject=J59A2288"])

    # A penalty of another facility names its number: 403 rows do not, one does.
    assert known["rows"][0][2:4] == [
        "cannot certify",
        "a penalty elsewhere names its number or its name",
    ]
    with pytest.raises(StoreError, match="which is no clean record"):
        answer_of("zero-proof", ["subject=J0000000"])


def test_the_report_rests_on_the_bytes_of_both_registers(ran: Ran) -> None:
    s = store.current()
    made = store.resolve(s, "zero-proof/product/product")

    roots = [node.origin for node in store.trace(s, made.id) if node.origin]

    files = {root.file_sha256[:16] for root in roots}
    assert "534a50f945cd9785" in files  # the release of the water systems
    assert len(files) == 4  # and facilities, penalties, register
    assert ran.chain.factor == "zero-proof"
