"""Terms and frames of enforcement: step-in, sale, and who is paid in which order."""

from typing import Annotated, NamedTuple

import pandera.polars as pa
import polars as pl
from pydantic import Field

from schemas.entity import Role
from schemas.gates import Gates
from schemas.loan import BankCalendar, LoanPart, LprTable
from schemas.money import LARGEST_FEN, Yuan
from schemas.registers import AssetEvent, LoanFact, PledgeEvent, Right
from schemas.terms import Slug, Terms, Text

COSTS, INTEREST, PRINCIPAL, SURPLUS = "costs", "interest", "principal", "surplus"
PARTS = (COSTS, INTEREST, PRINCIPAL, SURPLUS)


class Overdue(Terms):
    """For how long a loan is overdue, and from when that is a default."""

    days: int = Field(0, ge=0, description="Days past due on the day, by its book")
    above: int = Field(description="More days than these are a default")
    rule: Text = Field(description="Rule of the policy that says so")


class StepInTerms(Terms):
    """How a lender takes over the right to operate after a default."""

    overdue: Overdue | None = Field(None, description="Filled in: how late the loan is")
    factor: str = Field("", description="Filled in from the document")
    asset: str = Field("", description="Filled in from the pledge")
    version: str = Field("", description="Filled in from the pledge")
    agreement: Text = Field(description="Number of the agreement in default")
    pledgor: Text = Field(description="Who holds the right to operate")
    lender: Text = Field(description="Who takes it over")
    basis: Text = Field(description="Clause or judgment that allows the step-in")
    evidence: Text = Field(pattern=r"\S", description="Notice or judgment")
    evidence_sha256: str = Field(
        "", pattern=r"^(?:[0-9a-f]{64})?$", description="SHA-256 of that document"
    )


class SteppedIn(NamedTuple):
    """Gates first; then the transfers to register, and the event of the pledge."""

    gates: Annotated[pl.LazyFrame, Gates]
    rights: Annotated[pl.LazyFrame, Right]
    event: Annotated[pl.LazyFrame, PledgeEvent]


class RealisationTerms(Terms):
    """What enforcement brought in, and what it cost."""

    asset: str = Field("", description="Filled in from the asset")
    pledgor: Text = Field(description="Who gets what is left")
    enforcer: Text = Field(description="Who bore the costs: court, auctioneer, lender")
    proceeds: Yuan = Field(ge=0, description="Of sale or operation, yuan")
    costs: Yuan = Field(ge=0, description="Of enforcement, yuan")


class OwedPart(Terms):
    """What is owed of one tranche on the day, all of it due by the default."""

    tranche: LoanPart = Field(description="Which, with its terms")
    interest: Yuan = Field(ge=0, description="Interest, penalty and fees, yuan")
    principal: Yuan = Field(ge=0, description="Principal, yuan")


class SecuredClaim(Terms):
    """What one pledge secures, as the loan's book has it."""

    agreement: Text = Field(description="Number of the agreement")
    factor: Slug = Field(description="Factor whose document states the loan")
    lender: Text = Field(description="Who is paid")
    parts: tuple[OwedPart, ...] = Field(description="By tranche; none if undrawn")


class SaleTerms(RealisationTerms):
    """The sale of a pledged asset: who is paid in which order, and what ends."""

    factor: Slug = Field(description="Factor behind the pledge")
    entity: Slug = Field(description="Pledgor, in whose books the asset stands")
    agreement: Text = Field(description="Number of the agreement in default")
    overdue: Overdue | None = Field(None, description="Filled in: how late the loan is")
    buyer: Text = Field(description="Who took the asset over")
    tax: Yuan = Field(ge=0, description="Output VAT beside the proceeds, yuan")
    evidence: Text = Field(pattern=r"\S", description="Record of the sale")
    evidence_sha256: str = Field(
        "", pattern=r"^(?:[0-9a-f]{64})?$", description="SHA-256 of that document"
    )
    claims: tuple[SecuredClaim, ...] = Field(
        min_length=1, description="Live pledges of the asset, the senior first"
    )
    accounts: dict[Role, str] = Field(description="The entity's chart")
    lpr: LprTable = Field(LprTable(), description="Published values")
    calendar: BankCalendar = Field(BankCalendar(), description="Business days")


class Claim(pa.DataFrameModel):
    """What a pledge secures on the day of payment. Key: agreement.

    ``rank`` 1 is the senior pledge, by the time of registration; penalty interest is
    interest.
    """

    agreement: str
    lender: str
    rank: int = pa.Field(ge=1, unique=True)
    interest_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    principal_fen: int = pa.Field(ge=0, le=LARGEST_FEN)

    class Config:
        strict = True
        unique = ["agreement"]


class Satisfied(pa.DataFrameModel):
    """Who is paid what of the proceeds, in this order. Key: position.

    ``paid_fen`` sums to the proceeds. ``agreement`` is empty for costs and surplus;
    what stays ``unpaid_fen`` remains a debt of the borrower without this security.
    """

    position: int = pa.Field(ge=1)
    part: str = pa.Field(isin=PARTS)
    agreement: str
    payee: str
    due_fen: int = pa.Field(ge=0)
    paid_fen: int = pa.Field(ge=0)
    unpaid_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["position"]


class Realised(NamedTuple):
    """Gates first; then who is paid what, and what the registers learn of it."""

    gates: Annotated[pl.LazyFrame, Gates]
    satisfied: Annotated[pl.LazyFrame, Satisfied]
    paid: Annotated[pl.LazyFrame, LoanFact]
    disposal: Annotated[pl.LazyFrame, AssetEvent]
    ended: Annotated[pl.LazyFrame, PledgeEvent]
