"""A pool shared by sealed use: from the delivery over the meter to the allocation."""

import json
from datetime import date
from pathlib import Path

import pytest

from flows.deliver import deliver
from flows.market import Asked, rows_of, take_order, usage
from flows.meter import meter
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import StoreError
from schemas.registers import Cost, JournalLine
from tasks import store
from tasks.finance import months_later
from tests import shop
from tests.finance_case import facts, right

HEADING = (
    "voucher,line,pool,supplier,incurred_on,project,phase,kind,amount,evidence,"
    "production_factor,file_sha256,reverses,tax"
)
HELD = {
    "holder": "Jiangbei Data Operations Co., Ltd. (illustrative)",
    "valid_from": "2020-01-01",
    "valid_to": "2099-12-31",
}
ASSET = {
    "name": "rain-asset",
    "version": "1.0.0",
    "rights": [right(kind, **HELD) for kind in ("hold", "process", "operate")],
    "costs": {"path": "vouchers.csv", "licence": "own books"},
    "pools": {"hosting": {"driver": "delivered_rows", "products": ["daily-rain"]}},
    "recognition": facts(),
    "amortization": {
        "method": "straight_line",
        "life_months": 60,
        "life_basis": "peers",
    },
}


def test_cost_is_shared_by_deliveries_once_they_are_sealed(tmp_path: Path) -> None:
    with shop.shop(tmp_path):
        take_order("rain", Asked("Crop Cover", shop.CODE, "claims", "SO-1"))
        deliver("SO-1", tmp_path / "out")
        month = date.fromisoformat(f"{usage('rain')[0]['months'][0]['month']}-01")
        line = f"V1,1,hosting,Cloud,{month},rain,operation,cloud,100.01,E-5,service,,,"
        (tmp_path / "vouchers.csv").write_text(f"{HEADING}\n{line}\n", "utf-8")
        document = f"{shop.DOCUMENT}\nasset: {json.dumps(ASSET)}\n"
        (tmp_path / "factors" / "rain.yaml").write_text(document, "utf-8")
        last = months_later(month, 1)

        with pytest.raises(StoreError, match="is not sealed: `datafactor meter` first"):
            value_chain.fn("rain", last, Stage.ASSET)
        meter()
        made = value_chain.fn("rain", last, Stage.ASSET).frames

        s = store.current()
        (part,) = store.scan(s, made["asset"]["allocation"]).collect().to_dicts()
        assert (part["driver"], part["share"]) == ("delivered_rows", str(shop.DAYS))
        assert (part["period"], part["amount_fen"]) == (f"{month:%Y-%m}", 10_001)
        assert [row["amount_fen"] for row in rows_of(Cost)] == [10_001]
        booked = {row["account"]: row["amount_fen"] for row in rows_of(JournalLine)}
        assert booked == {"6602": 10_001, "1002": -10_001}
        assert store.verify(s).exit == 0
