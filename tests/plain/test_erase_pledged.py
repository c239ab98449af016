"""Nobody takes away what a lender lent on without naming the loan."""

import pytest

from flows.demo import FACTOR
from flows.erase import erase, lines, refuse_unnamed
from flows.summary import Chain
from schemas.errors import RegisterError, StoreError
from tasks import store

SOURCE, LOAN = f"{FACTOR}/resource/flights", "BANK-2026-001"


def test_bytes_that_a_live_loan_rests_on_are_not_erased_before_it_is_named(
    chain: Chain,
) -> None:
    before = len(store.runs(store.current()))

    told = erase([SOURCE], "", [], ever=False)
    assert told["live_loans"] == [LOAN]
    assert told["pledged"] == "5,000,000.00"
    assert f"!! live loans rest on it: {LOAN}" in lines([SOURCE], told)

    with pytest.raises(RegisterError, match=f"add --despite {LOAN}"):
        erase([SOURCE], "request 12", ["BANK-2026-999"], ever=False)

    s = store.current()
    assert len(store.runs(s)) == before
    assert store.path(s, store.resolve(s, SOURCE).sha256).exists()
    refuse_unnamed([LOAN], [LOAN])  # named, it goes


def test_the_pledge_itself_and_the_books_are_kept_by_law(chain: Chain) -> None:
    for frame in ("capital/pledge", "asset/journal"):
        with pytest.raises(StoreError, match="is posted: its rows stand in"):
            erase([f"{FACTOR}/{frame}"], "request 12", [LOAN], ever=False)
