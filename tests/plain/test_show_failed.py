"""What ``show --failed`` says of money, and that it says no value of a row."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows import operate
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import ContractError, FactorError, SourceError
from schemas.registers import Loan, PledgeEvent
from tasks import store
from tests import leased, shop
from tests.builders import temporary_store
from tests.command import Said, datafactor
from tests.store import build

VOUCHER = "V1,1,making,Cloud,2026-06-01,rain,development,staff,600000.00,E-1,labour,,,"
WORDS = "six-lakh"
BROKEN = VOUCHER.replace("600000.00", WORDS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Rain is pledged, its next version is not; then its voucher says words."""
    home = tmp_path_factory.mktemp("failed")
    shop.prepare(home)
    terms = json.loads(leased.document())
    terms["capital"] |= {"principal": "200000.00"}
    (home / "factors" / "rain.yaml").write_text(json.dumps(terms), "utf-8")
    (home / "vouchers.csv").write_text(f"{leased.HEADING}\n{VOUCHER}\n", "utf-8")
    with temporary_store(home, **shop.places(home)):
        value_chain.fn("rain", shop.DAY)
        with (home / "rain.csv").open("a") as more:
            more.write("40,a,7\n")
        value_chain.fn("rain", shop.DAY, Stage.ASSET)
        (home / "vouchers.csv").write_text(f"{leased.HEADING}\n{BROKEN}\n", "utf-8")
        with pytest.raises(ContractError):
            value_chain.fn("rain", shop.DAY)
        yield home


def test_the_newest_version_alone_would_have_no_money_on_it(home: Path) -> None:
    s = store.current()
    newest = [store.resolve(s, f"rain/{stage}").id for stage in ("product", "asset")]

    assert store.weigh(s, *newest).pledged_fen == 0


def asked(home: Path, *question: str) -> Said:
    """Ask on the command line, of the same store."""
    where: dict[str, Any] = {"DATAFACTOR_HOME": str(home / "home"), **shop.places(home)}
    return datafactor(*question, home=home, **where)


def test_a_failure_says_what_is_lent_on_the_factor_as_impact_does(home: Path) -> None:
    (fact,) = operate.failures()
    weighed = asked(home, "impact", "rain/product", "--json").data

    assert (fact["state"], fact["title"]) == ("failed", "clean[vouchers]")
    assert "1 of 1 rows of vouchers break the contract" in fact["sentence"]
    assert (weighed["pledged"], weighed["outstanding"]) == ("200,000.00",) * 2
    owed = "200,000.00 CNY of loans (LOAN-9), 200,000.00 CNY of that outstanding"
    assert fact["sentence"].endswith(f"; on it rest {owed}")


def test_a_terminal_says_the_same_of_all_and_of_one_and_no_value(home: Path) -> None:
    (fact,) = operate.failures()
    told, of_rain, of_snow = (
        asked(home, "show", *more)
        for more in (["--failed"], ["rain", "--failed"], ["snow", "--failed"])
    )

    assert told.exit == of_rain.exit == of_snow.exit == 0
    head, said = told.out.splitlines()
    assert head.startswith("FAILED   rain clean[vouchers]  2")
    assert said.strip() == fact["sentence"]
    assert of_rain.out == told.out
    assert "nothing failed or was refused" in of_snow.out
    assert asked(home, "show", "--failed", "--json").data == [fact]
    assert WORDS not in told.out


def test_a_plain_run_keeps_what_stopped_it_before_its_stages(home: Path) -> None:
    """A cron job has no page; the file is back, and the run reuses everything."""
    away = (home / "rain.csv").rename(home / "away")
    for factor in ("rain", "snow"):  # there is no such document: a slip of the pen
        with pytest.raises((SourceError, FactorError)):
            value_chain.fn(factor, shop.DAY, Stage.PRODUCT)
    told = [fact["sentence"] for fact in operate.failures() if fact["task"] != "clean"]
    away.rename(home / "rain.csv")
    value_chain.fn("rain", shop.DAY, Stage.PRODUCT)

    (said,) = told
    assert said.startswith("value-chain: there is no file rain.csv")
    assert said.endswith("200,000.00 CNY of that outstanding")
    assert [fact["task"] for fact in operate.failures()] == ["clean"], "the voucher's"


def test_what_is_lent_to_an_entity_rests_on_its_books_and_on_the_whole_house(
    home: Path,
) -> None:
    for name in ("jiangbei-data", ""):
        money = operate.resting(name)
        assert (money.loans, money.lent_fen) == (("LOAN-9",), 20_000_000)
        assert money.owed_fen == 20_000_000
    assert str(operate.resting("another-entity")) == "no money rests on it"


def test_a_sentence_names_three_loans_and_counts_the_others() -> None:
    four = operate.Money(("A", "B", "C", "D"), 4, 400, None, 100)

    assert str(four) == (
        "on it rest 4.00 CNY of loans (A, B, C and 1 more) and 1.00 CNY of orders"
    )
    assert "(A, B, C)," in str(four._replace(loans=four.loans[:3], many=3, owed_fen=1))


def test_a_pledge_that_was_released_is_no_money_at_risk(home: Path) -> None:
    leased.post(PledgeEvent, build.event("release", request="LOAN-9"))

    assert str(operate.resting("rain")) == "no money rests on it"
    assert str(operate.resting("jiangbei-data")) == "no money rests on it"


def test_what_was_lent_without_a_pledge_still_rests_on_the_books(home: Path) -> None:
    """The pledged loan is over; nobody has shown that this one is."""
    known = {"entity": "jiangbei-data", "factor": "rain"}
    leased.post(Loan, build.loan(loan="LINE-1", amount_fen=300_000, **known))

    money = operate.resting("jiangbei-data")

    assert (money.loans, money.lent_fen) == (("LINE-1",), 300_000)
