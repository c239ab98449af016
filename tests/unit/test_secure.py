"""Another asset secures a loan by what it is worth, and by what it rests on."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from schemas.collateral import Fingerprint
from schemas.entity import CHART
from schemas.errors import RegisterError
from schemas.pledging import PledgeAct, Secured, SecureTerms
from schemas.registers import Dispute, Pledge, PledgeEvent, Right
from tasks.capital.secure import secure
from tests.finance_case import (
    HOLDER,
    failed,
    lender_rules,
    pledged,
    posted,
    right_event,
    valued,
)
from tests.store.build import frame_of, sha

DAY = date(2025, 7, 1)


def act(**changed: Any) -> PledgeAct:
    said: dict[str, Any] = {
        "factor": "other",
        "entity": "jiangbei",
        "request": "LOAN-1",
        "event": "add",
        "effective_on": DAY,
        "amount": "1000000.00",
        "asset": "other-asset",
        "version": "1.0.0",
        "replaces": "index-asset",
        "evidence": "LETTER-4",
    }
    return PledgeAct.model_validate(said | changed)


def secured(rooted: bool = True, disputes: Any = (), **changed: Any) -> Secured:
    """An asset of 8,968,000.00, of which 0.60 may be lent: 5,380,800.00."""
    root = (sha("other"), "other/rows!rows.csv", 10, 1_000_000, "")
    roots = pl.DataFrame(
        [root] if rooted else [],
        schema={n: c.dtype.type for n, c in Fingerprint.to_schema().columns.items()},
        orient="row",
    )
    return secure(
        valued(**changed.pop("valuation", {})),
        built(Right, [right_event("operate", asset="other-asset")]),
        changed.pop("journal", posted(("1701", 100))).lazy(),
        roots.lazy(),
        built(Pledge, [pledged()]),
        frame_of(PledgeEvent, changed.pop("events", ())).lazy(),
        SecureTerms(
            factor="other",
            entity="jiangbei",
            asset="other-asset",
            request="LOAN-1",
            pledgor=HOLDER,
            matures_on=date(2026, 6, 20),
            accounts=dict(CHART),
            act=act(**changed),
            rules=lender_rules(),
        ),
        DAY,
        frame_of(Dispute, disputes).lazy(),
    )


def built(contract: Any, rows: list[tuple[Any, ...]]) -> pl.LazyFrame:
    names = [*contract.to_schema().columns]
    return frame_of(contract, [dict(zip(names, r, strict=True)) for r in rows]).lazy()


def test_a_top_up_moves_what_it_secures_and_names_its_own_cap_and_roots() -> None:
    made = secured()

    (event,) = made.event.collect().to_dicts()
    assert (event["event"], event["number"], event["amount_fen"]) == (
        *("add", 1),
        100_000_000,
    )
    assert (event["asset"], event["replaces"]) == ("other-asset", "index-asset")
    assert event["cap_fen"] == 538_080_000
    (root,) = made.roots.collect().to_dicts()
    assert (root["request"], root["asset"]) == ("LOAN-1", "other-asset")
    assert failed(made.gates) == {}


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"rooted": False}, "collateral_roots"),
        ({"valuation": {"charged": False}}, "not_free"),
        ({"valuation": {"valid_to": date(2025, 6, 30)}}, "appraisal"),
        ({"valuation": {"appraised_fen": 166_666_666}}, "loan_to_value"),
        ({"journal": posted()}, "recognised_asset"),
    ],
)
def test_an_asset_that_cannot_bear_it_shuts_its_gate_and_secures_nothing(
    changed: dict[str, Any], gate: str
) -> None:
    made = secured(**changed)

    assert gate in failed(made.gates)
    assert made.event.collect().is_empty()


def test_a_substitution_takes_the_whole_place() -> None:
    with pytest.raises(RegisterError, match=r"takes all 5,000,000\.00 CNY"):
        secured(event="substitute")

    (event,) = secured(event="substitute", amount="5000000.00").event.collect().rows()
    assert event[1] == "substitute"
