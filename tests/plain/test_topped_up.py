"""A loan is topped up by another asset's own worth, and never by its own data again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import pledges
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused, RegisterError
from schemas.registers import CollateralRoot, Pledge
from tasks import store
from tests import leased, shop
from tests.store.build import pledge, root

LOAN, DAY = "LOAN-9", shop.DAY


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Rain is pledged; wind is an asset like it over forty other rows, and free."""
    with leased.leased(tmp_path, through=Stage.CAPITAL):
        write(tmp_path, [f"{900 + n},{'cd'[n % 2]},{n * 7 % 89}" for n in range(40)])
        value_chain.fn("wind", DAY, Stage.ASSET)
        yield tmp_path


def write(home: Path, rows: list[str]) -> None:
    """Write the document, vouchers and data of wind."""
    text = leased.document().replace("rain", "wind").replace('"C-', '"W-')
    text = text.replace("vouchers.csv", "bills.csv")
    head, _, _ = text.partition(', "capital": {')
    (home / "factors" / "wind.yaml").write_text(f"{head}}}", "utf-8")
    bills = leased.VOUCHERS.replace("V", "W").replace("E-", "F-")
    (home / "bills.csv").write_text(f"{leased.HEADING}{bills}", "utf-8")
    (home / "wind.csv").write_text("\n".join(["day,town,tenths_mm", *rows]) + "\n")


def top_up(amount: str, event: str = "add") -> pledges.Facts:
    """Let wind secure some of the loan."""
    said = {"amount": amount, "evidence": "LETTER-4", "replaces": "", "reason": ""}
    return pledges.secured_by(LOAN, event, "wind", DAY, **said)


def test_another_asset_secures_a_part_once_and_within_what_it_is_worth(
    home: Path,
) -> None:
    first, again = top_up("50000.00"), top_up("50000.00")

    assert first == again
    assert first["secured"] == {"rain-asset": "150,000.00", "wind-asset": "50,000.00"}
    assert "collateral added 补充担保" in [e["called"] for e in first["events"]]
    assert {r["place"].split("!")[0] for r in first["roots"]} == {
        "rain/rain",
        "wind/wind",
    }
    with pytest.raises(RegisterError, match=r"rain-asset secures 150,000\.00 CNY"):
        top_up("150000.01")
    assert store.verify(store.current()).exit == 0


def test_a_substitute_takes_the_whole_place_and_frees_the_first(home: Path) -> None:
    made = top_up("200000.00", "substitute")

    assert made["secured"] == {"wind-asset": "200,000.00"}


def test_what_secures_another_loan_tops_up_none(home: Path) -> None:
    """Wind's own file is pledged under another name: a root of the same digest."""
    taken = store.digest(home / "wind.csv")
    leased.post(CollateralRoot, root("LOAN-7", asset="storm", root=taken))
    leased.post(Pledge, pledge("LOAN-7", asset="storm", exclusive=True))

    with pytest.raises(RegisterError, match="already pledged under LOAN-7"):
        top_up("50000.00")
    assert pledges.told(LOAN, DAY)["secured"] == {"rain-asset": "200,000.00"}


def test_a_disputed_asset_tops_up_none(home: Path) -> None:
    from flows.rights import dispute

    said = {"claimant": "Town", "ground": "its masts", "evidence": "COURT-1"}
    dispute("wind", "open", DAY, number="CASE-2", **said)

    with pytest.raises(Refused, match="CASE-2"):
        top_up("50000.00")
    assert [e["called"] for e in pledges.told(LOAN, DAY)["events"]] == [
        "registration 登记"
    ]
