"""Sell a pledged asset after a default: pay everybody in order, and end its pledges.

Costs come first, then rank by rank interest and principal, and what is left is the
pledgor's (Civil Code arts. 414, 428, 561; ``tasks.capital.enforce``). The registers
learn four things in one publication: what each loan was paid, that the asset is sold,
that the registrations are cancelled and that the pledges are released.

In the pledgor's books (domain.md §3.3) what a loan is paid is entered as any payment:
2231, 2001 or 2501 / 1002; the close of the month takes the asset out by the decision
``dispose``: 1002, 1702, 1703 / 1701, 2221, ±6115. Its proceeds are those of the sale
less the costs of enforcement, which so lessen the gain (CAS 6 art. 22). A surplus is
what is left in 1002.

Sold for 6,000,000.00, costs 100,000.00, interest 7,500.00, principal 5,000,000.00 ->
disposal for 5,900,000.00, 5,007,500.00 paid to the lender, 892,500.00 left.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any

import polars as pl

from schemas.contract import frame_of
from schemas.enforcement import (
    COSTS,
    INTEREST,
    PRINCIPAL,
    Claim,
    OwedPart,
    Realised,
    SaleTerms,
    SecuredClaim,
)
from schemas.gates import Gates
from schemas.lending import LoanAct
from schemas.money import exact_fen, yuan
from schemas.registers import (
    LEAVING,
    AssetEvent,
    CoverState,
    Dispute,
    JournalLine,
    LoanFact,
    PeriodClose,
    Pledge,
    PledgeEvent,
)
from tasks.capital.contribute import in_an_open_month
from tasks.capital.eligibility import Answer, carrying, in_the_ledger
from tasks.capital.enforce import enforce, in_default
from tasks.capital.lend import record_loan_fact
from tasks.finance import largest_remainder
from tasks.pledged import Held, held
from tasks.rights import UNDISPUTED, disputed

Row = dict[str, Any]  # one row of a register


def realise(
    cover: Annotated[pl.LazyFrame, CoverState],
    pledges: Annotated[pl.LazyFrame, Pledge],
    events: Annotated[pl.LazyFrame, PledgeEvent],
    facts: Annotated[pl.LazyFrame, LoanFact],
    journal: Annotated[pl.LazyFrame, JournalLine],
    decided: Annotated[pl.LazyFrame, AssetEvent],
    closed: Annotated[pl.LazyFrame, PeriodClose],
    terms: SaleTerms,
    as_of: date,
    disputes: Annotated[pl.LazyFrame, Dispute] = UNDISPUTED,
) -> Realised:
    """Pay the proceeds of a sale out, and end the pledges of what was sold.

    Args:
        cover: States of the pledge as the watch recorded them.
        pledges: Pledges of the pledgor's entity.
        events: What happened to pledges.
        facts: What happened to loans.
        journal: What is posted of the asset.
        decided: What was decided of it before: it leaves the books once.
        closed: Closed months of the entity.
        terms: What came in, and what each pledge secures.
        as_of: Day of the sale.
        disputes: Disputes over the factor or its asset.

    Raises:
        RegisterError: A payment does not follow what was recorded of its loan.
    """
    names = (terms.factor, terms.asset)
    known = held(pledges.collect().to_dicts(), events.collect().to_dicts(), ())
    fen = carrying(journal.collect(), terms.accounts)
    gates = [
        in_default(cover.collect(), terms.agreement, terms.overdue, as_of),
        sold_whole(journal.collect(), fen, decided.collect(), terms),
        disputed(disputes.collect(), names, as_of),
        in_an_open_month(closed.collect(), as_of),
        entries_are_cancelled(known, terms),
    ]
    sold = all(passed for _, passed, _, _ in gates)
    satisfied = enforce(claims_of(terms), terms).collect()
    paid = payments(satisfied, facts.collect(), terms, as_of) if sold else []
    left = [disposal(satisfied, terms, as_of)] if sold and fen else []
    ends = [*endings(known, terms, as_of)] if sold else []
    return Realised(
        gates=frame_of(Gates, [(*gate, as_of) for gate in gates]).lazy(),
        satisfied=satisfied.lazy(),
        paid=frame_of(LoanFact, paid).lazy(),
        disposal=frame_of(AssetEvent, left).lazy(),
        ended=frame_of(PledgeEvent, ends).lazy(),
    )


def sold_whole(
    journal: Annotated[pl.DataFrame, JournalLine],
    fen: int | None,
    decided: Annotated[pl.DataFrame, AssetEvent],
    terms: SaleTerms,
) -> Answer:
    """Ask for an asset that the close can take out: intangible, or not carried."""
    gone = decided.filter(pl.col("event").is_in(LEAVING))["decision"].to_list()
    stock = {terms.accounts[r] for r in ("inventory", "provision")}
    lines = journal.filter(pl.col("account").is_in([*stock]))
    passed = int(lines["amount_fen"].sum()) == 0
    said = in_the_ledger(fen)
    if not passed:
        said += ", as inventory: it is sold by an invoice"
    if gone:
        said += f"; it leaves by decision {', '.join(gone)}"
    return "carried", passed and not gone, said, "register JournalLine"


def claims_of(terms: SaleTerms) -> Annotated[pl.LazyFrame, Claim]:
    """Sum up what each pledge secures, in the order in which they stand."""
    rows = [
        (
            *(claim.agreement, claim.lender, rank),
            sum(exact_fen(part.interest) for part in claim.parts),
            sum(exact_fen(part.principal) for part in claim.parts),
        )
        for rank, claim in enumerate(terms.claims, 1)
    ]
    return frame_of(Claim, rows).lazy()


def payments(
    satisfied: pl.DataFrame, facts: pl.DataFrame, terms: SaleTerms, on: date
) -> list[tuple[object, ...]]:
    """Record what each loan is paid, tranche by tranche. Contract: LoanFact.

    Tranches share by what is owed of each; a loan that gets nothing has no payment.
    """
    made: list[tuple[object, ...]] = []
    for claim in terms.claims:
        got = satisfied.filter(
            pl.col("part").is_in([INTEREST, PRINCIPAL]), agreement=claim.agreement
        )
        for part, amount in shared(int(got["paid_fen"].sum()), claim):
            act = payment(claim, part, amount, terms, on)
            row = record_loan_fact(facts.lazy(), act).collect()
            facts = pl.concat([facts, row])
            made += row.rows()
    return made


def shared(amount: int, claim: SecuredClaim) -> Iterator[tuple[OwedPart, int]]:
    """Share what a loan is paid among its tranches, to the fen."""
    owed = {
        part.tranche.tranche: exact_fen(part.interest) + exact_fen(part.principal)
        for part in claim.parts
    }
    if amount:
        split = largest_remainder(amount, owed)
        for part in claim.parts:
            if split[part.tranche.tranche]:
                yield part, split[part.tranche.tranche]


def payment(
    claim: SecuredClaim, part: OwedPart, amount: int, terms: SaleTerms, on: date
) -> LoanAct:
    """Write the payment of one tranche: what is not due yet is repaid early by it."""
    return LoanAct(
        factor=claim.factor,
        loan=claim.agreement,
        event="pay",
        effective_on=on,
        recorded_on=on,
        amount=yuan(amount),
        keep="realised",
        evidence=terms.evidence,
        evidence_sha256=terms.evidence_sha256,
        tranche=part.tranche,
        lpr=terms.lpr,
        calendar=terms.calendar,
    )


def disposal(satisfied: pl.DataFrame, terms: SaleTerms, on: date) -> tuple[object, ...]:
    """Write the decision by which the close takes the asset out. Contract: AssetEvent.

    Proceeds less the costs that were paid of them.
    """
    costs = int(satisfied.filter(part=COSTS)["paid_fen"].sum())
    net = exact_fen(terms.proceeds) - costs
    return (
        *(terms.entity, terms.asset, terms.evidence, "dispose", on),
        *(None, None, None, net, exact_fen(terms.tax)),
        *(terms.buyer, terms.evidence, f"enforcement of {terms.agreement}"),
    )


def concerned(known: Sequence[Held], terms: SaleTerms) -> Iterator[Held]:
    """Find the pledges that what was sold secured."""
    sold = {claim.agreement for claim in terms.claims}
    for one in known:
        if one.request in sold and one.secured.get(terms.asset, 0) > 0:
            yield one


def entries_are_cancelled(known: Sequence[Held], terms: SaleTerms) -> Answer:
    """Ask that no pledge of it stands at the external register any more 注销登记."""
    standing = [
        one.request
        for one in concerned(known, terms)
        if one.of("perfect") and not one.of("cancel")
    ]
    if not standing:
        said = "no entry stands at the external register"
        return "registration", True, said, "register PledgeEvent"
    said = (
        f"the external register still holds {', '.join(standing)}: cancel it there and"
        f" record that by `datafactor pledge {standing[0]} cancel`, then pay out"
    )
    return "registration", False, said, "register PledgeEvent"


def endings(
    known: Sequence[Held], terms: SaleTerms, on: date
) -> Iterator[tuple[object, ...]]:
    """Release what was sold. Contract: PledgeEvent."""
    for one in concerned(known, terms):
        yield (
            *(one.request, "release", 1, on, None, "", "", "", None, "", "", "", None),
            *(terms.evidence, terms.evidence_sha256, f"sold under {terms.agreement}"),
        )
