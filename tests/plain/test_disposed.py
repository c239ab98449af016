"""What left the books carries no loan, whatever it cost and is appraised at."""

from datetime import date
from pathlib import Path

import pytest

from flows.close_period import close_period
from flows.decide import decide
from flows.demo import AS_OF, FACTOR
from flows.market import rows_of
from flows.summary import lines
from flows.value_chain import value_chain
from schemas.artifact import Stage
from schemas.errors import Refused
from schemas.registers import JournalLine, Pledge
from tests.builders import temporary_store
from tests.june import ENTITY, PERIOD, laid_out

GONE = (
    "intangible, carried at 0.00 CNY in the ledger, for it left the books or is written"
    " off; it must be carried as an asset"
)


def test_an_asset_that_was_disposed_of_gets_no_loan(tmp_path: Path) -> None:
    sold = {"decision": "D-1", "proceeds": "1000000.00", "counterparty": "Buyer"}
    with temporary_store(tmp_path, **laid_out(tmp_path)):
        # The summary needs no document: one that lies anywhere may be run by its path.
        factors = tmp_path / "deployments" / "factors"
        outside = (factors / f"{FACTOR}.yaml").rename(tmp_path / f"{FACTOR}.yaml")
        made = value_chain.fn(str(outside), AS_OF, Stage.ASSET)
        # by hand: the vouchers of tests/june.py, 1,155,500.51 in all
        cost = "book value 1,155,500.51 CNY at cost"
        assert cost in (said := dict(lines(made))["asset"])
        assert "carried at 1,155,500.51 CNY in the ledger" in said

        outside.rename(factors / outside.name)
        on = date(2026, 6, 25)
        decide(FACTOR, "dispose", on, **sold, evidence="DEED-1", reason="sold")
        close_period.fn(ENTITY, PERIOD)
        held = rows_of(JournalLine, entity=ENTITY, account="1701")
        assert sum(line["amount_fen"] for line in held) == 0 < len(held)

        again = dict(lines(value_chain.fn(FACTOR, AS_OF, Stage.ASSET)))["asset"]
        assert cost in again
        assert "carried at 0.00 CNY in the ledger" in again
        with pytest.raises(Refused) as refused:
            value_chain.fn(FACTOR, AS_OF)
        assert refused.value.grounds == (GONE,)
        assert rows_of(Pledge, entity=ENTITY) == []
