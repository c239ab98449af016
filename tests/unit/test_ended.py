"""What a flow says of what stopped it, where no stage could."""

from datetime import date

import httpx

from flows.ended import Asked, stopped
from schemas.artifact import Stage

RAIN = Asked("value-chain", "rain", date(2026, 6, 1), Stage.PRODUCT, whole=True)


def test_a_server_that_went_away_is_told_without_its_address() -> None:
    gone = httpx.ConnectError("http://somebody:password@server:4200: refused")

    assert stopped(RAIN, gone) == (
        "value-chain: the Prefect server does not answer; what was published stands:"
        " start the server, then run again, and what is done is reused"
    )
