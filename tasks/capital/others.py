"""Look around before a loan: what rests on the same data already, and what is lent.

Only what concerns the loan is handed on, so that its file tells nothing of others: the
pledges that meet its roots, and three sums.
"""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

import polars as pl

from schemas.capital import CapitalTerms
from schemas.collateral import Fingerprint
from schemas.contract import frame_of
from schemas.errors import FactorError
from schemas.money import exact_fen
from schemas.registers import CollateralRoot, JournalLine, Loan, Pledge, PledgeEvent
from schemas.survey import Lent, Met, Surveyed
from tasks.capital.borrower import exposures
from tasks.capital.collateral import Joint, meeting
from tasks.capital.coverage import ppm
from tasks.capital.roots import UNROOTED, rooted_by
from tasks.pledged import Held, held

Row = dict[str, Any]  # one row of a register
NOTHING: dict[type[Any], pl.LazyFrame] = {
    register: frame_of(register, []).lazy()
    for register in (Pledge, PledgeEvent, CollateralRoot, Loan, JournalLine)
}


def survey(
    terms: CapitalTerms,
    as_of: date,
    pledges: Annotated[pl.LazyFrame, "compared"] = NOTHING[Pledge],
    events: Annotated[pl.LazyFrame, "compared"] = NOTHING[PledgeEvent],
    known: Annotated[pl.LazyFrame, "compared"] = NOTHING[CollateralRoot],
    loans: Annotated[pl.LazyFrame, "compared"] = NOTHING[Loan],
    repaid: Annotated[pl.LazyFrame, "compared"] = NOTHING[JournalLine],
    roots: Annotated[pl.LazyFrame, Fingerprint] = UNROOTED,
) -> Surveyed:
    """Find the pledges that rest on the same data, and what is lent beside this loan.

    Args:
        terms: The loan.
        as_of: The day; a line without pledge counts until it matures.
        pledges: All pledges, contract Pledge.
        events: All that happened to them, contract PledgeEvent.
        known: All their roots, contract CollateralRoot.
        loans: All loans, contract Loan.
        repaid: Entries of repayments in the borrowers' books, contract JournalLine.
        roots: What the asset rests on.

    Raises:
        FactorError: The terms lack their policy.
    """
    if terms.rules is None:
        raise FactorError("capital: no policy was resolved; name one in the document")
    ordered = pledges.collect().sort("pledged_on", "request", maintain_order=True)
    every = held(
        ordered.to_dicts(), events.collect().to_dicts(), known.collect().to_dicts()
    )
    ended = {one.request for one in every if one.released}
    return Surveyed(
        met=frame_of(Met, met(terms, rooted_by(roots, terms), every)).lazy(),
        lent=frame_of(
            Lent,
            lent(terms, remaining(loans.collect(), repaid.collect()), ended, as_of),
        ).lazy(),
    )


def met(
    terms: CapitalTerms, roots: pl.DataFrame, every: list[Held]
) -> Iterable[tuple[Any, ...]]:
    """Write a row for each asset of each pledge that meets this one; itself first."""
    assert terms.rules is not None
    asked = {
        "request": terms.agreement,
        "entity": terms.entity,
        "asset": terms.asset,
        "rank": terms.rank,
        "exclusive": terms.rules.exclusive_pledge,
        "principal_fen": exact_fen(terms.principal),
        "cap_fen": 0,
        "meets_ppm": ppm(terms.rules.root_overlap),
        "minor_ppm": ppm(terms.rules.reference_share),
    }
    new = Held(asked, (), roots.to_dicts())
    own = (new.request, terms.entity, terms.asset, terms.rank)
    yield *own, asked["exclusive"], 0, 0, 0, ""
    if not terms.pledged:
        return
    joined = meeting(new, every)
    for other in every:
        if other.request in joined:
            yield from rows_of(other, joined[other.request], new.request)


def rows_of(other: Held, joints: list[Joint], junior: str) -> Iterable[tuple[Any, ...]]:
    """Write what another pledge secures, asset by asset."""
    shared = ", ".join(f"{one.place} ({one.overlap_ppm} ppm)" for one in joints)
    for (entity, asset), cap in other.caps.items():
        yield (
            *(other.request, entity, asset, other.pledge["rank"]),
            *(bool(other.pledge["exclusive"]), other.secured[asset], cap),
            *(other.consents(junior), shared),
        )


def lent(
    terms: CapitalTerms, loans: pl.DataFrame, ended: set[str], as_of: date
) -> Iterable[tuple[str, str, int, int]]:
    """Add up what other live loans come to, by borrower, industry and lender.

    A pledge that was released ends its loan, a line without pledge ends with its term.
    """
    others = loans.filter(
        pl.col("loan") != terms.agreement,
        ~pl.col("loan").is_in([*ended]),
        (pl.col("kind") != "unsecured_line") | (pl.col("matures_on") >= as_of),
    ).with_columns(section=pl.col("industry").str.slice(0, 1))
    column = {"borrower": "borrower_code", "industry": "section", "lender": "lender"}
    for measure, names in exposures(terms).items():
        for name in names:
            mine = others.filter(pl.col(column[measure]) == name)
            sums = int(mine["amount_fen"].sum()), mine["loan"].n_unique()
            yield measure, name, *sums


def remaining(
    loans: Annotated[pl.DataFrame, Loan], repaid: Annotated[pl.DataFrame, JournalLine]
) -> pl.DataFrame:
    """Take off what the books say was repaid of principal; else all that was agreed.

    The entry of a repayment is called ``repay/LOAN-1/3``, of a tranche
    ``repay/LOAN-1/a/3``; it debits 2001 or 2501.
    """
    debits = repaid.filter(pl.col("account").str.contains("^(?:2001|2501)"))
    paid = debits.group_by(
        part=pl.col("entry").str.extract(r"^repay/(.+)/[0-9]+$", 1)
    ).agg(paid=pl.col("amount_fen").sum())
    tranche = pl.concat_str("loan", "tranche", separator="/")
    part = pl.when(kind="facility").then(tranche).otherwise("loan")
    known = loans.with_columns(part=part).join(paid, on="part", how="left")
    left = (pl.col("amount_fen") - pl.col("paid").fill_null(0)).clip(0)
    return known.with_columns(amount_fen=left).select(loans.columns)
