"""Terms and frames of a statement on data resources (财会〔2023〕11号).

Book values come from the journal and the asset cards alone. The appraised value has a
frame of its own, and the statistical value is no part of a statement.
"""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal, NamedTuple, Self, get_args

import pandera.polars as pa
import polars as pl
from pydantic import Field, model_validator

from schemas.artifact import Hex
from schemas.entity import Account, CreditCode, Month, Role
from schemas.errors import ContractError
from schemas.money import Yuan
from schemas.policy import DisclosureRules
from schemas.registers import HEX, ORIGINS, PERIOD
from schemas.span import Span
from schemas.terms import Slug, Terms, Text

Line = Literal["inventory", "intangible", "development"]
LINES: list[str] = list(get_args(Line))
COLUMNS = ["purchase_fen", "internal_fen", "other_fen", "total_fen"]
INTANGIBLE = [
    *("gross", "gross_opening"),
    *("gross_increase", "gross_purchase", "gross_internal", "gross_other_increase"),
    *("gross_decrease", "gross_disposal", "gross_lapsed", "gross_other_decrease"),
    *("gross_closing", "amortised", "amortised_opening", "amortised_increase"),
    *("amortised_decrease", "amortised_disposal", "amortised_lapsed"),
    *("amortised_other_decrease", "amortised_closing"),
    *("impaired", "impaired_opening", "impaired_increase", "impaired_decrease"),
    *("impaired_closing", "carrying", "carrying_closing", "carrying_opening"),
]
INVENTORY = [
    *("gross", "gross_opening"),
    *("gross_increase", "gross_purchase", "gross_internal", "gross_other_increase"),
    *("gross_decrease", "gross_sale", "gross_lapsed", "gross_other_decrease"),
    *("gross_closing", "provided", "provided_opening", "provided_increase"),
    *("provided_decrease", "provided_reversal", "provided_write_off"),
    *("provided_closing", "carrying", "carrying_closing", "carrying_opening"),
]
DEVELOPMENT = [
    *("gross_opening", "gross_increase", "gross_decrease", "gross_recognised"),
    *("gross_other_decrease", "gross_closing", "impaired_opening"),
    *("impaired_increase", "impaired_decrease", "impaired_closing"),
    *("carrying_closing", "carrying_opening"),
]
ROWS: dict[Line, list[str]] = {
    "intangible": INTANGIBLE,
    "inventory": INVENTORY,
    "development": DEVELOPMENT,
}
HEADS = ["gross", "amortised", "impaired", "provided", "carrying"]
PARTS = ["mandatory", "voluntary"]
GROUNDS = ["pledge", "dispute"]


class Told(Terms):
    """What is told of an asset of its owner's own accord 自愿披露."""

    asset: Slug = Field(description="Asset that it is about")
    item: Text = Field(description="What it says: user, decision, benefit, …")
    said: str = Field(max_length=20_000, description="In the document's own words")
    source: str = Field("", max_length=2_000, description="Where it stands")


class Report(Terms):
    """The appraisal in force of an asset: told beside the books, labelled as such."""

    asset: Slug = Field(description="Asset that was appraised")
    report: Text = Field(description="Number of the report")
    appraiser: Text = Field(description="Who appraised it")
    valuation_date: date = Field(description="评估基准日")
    valid_to: date = Field(description="Last day on which it is used")
    value: Annotated[Yuan, Field(ge=0)] = Field(description="Appraised value, yuan")


class DiscloseTerms(Terms):
    """Whose statement, of which periods, and what only a person can say of it."""

    factor: str = Field("", description="The entity again: its run is of no one factor")
    entity: Slug = Field(description="Whose statement")
    name: Text = Field(description="Registered name")
    credit_code: CreditCode = Field(description="Unified social credit code")
    first: Month = Field(description="First period")
    last: Month = Field(description="Last period")
    accounts: dict[Role, Account] = Field(description="The entity's chart")
    total: dict[Line, Annotated[Yuan, Field(ge=0)]] = Field(
        default_factory=dict,
        description="What the balance sheet's lines hold in all, at the closing",
    )
    told: tuple[Told, ...] = Field((), description="Voluntary text, by asset")
    reports: tuple[Report, ...] = Field((), description="Appraisals in force")
    illustrative: bool = Field(False, description="Rights, parties and money made up")
    supersedes: Hex | None = Field(None, description="The statement that it replaces")
    reason: str = Field("", max_length=2_000, description="Why it does")
    rules: DisclosureRules = Field(description="What the entity's policy fixes")

    @model_validator(mode="after")
    def _a_reason_is_of_something(self) -> Self:
        if bool(self.supersedes) != bool(self.reason.strip()):
            raise ValueError(
                "a statement that replaces another says why: give a reason"
            )
        return self

    @property
    def span(self) -> Span:
        """The periods of the statement."""
        return Span(self.first, self.last)


class RollForward(pa.DataFrameModel):
    """A table of the statement, row by row as the rule orders them. Key: table, number.

    27 rows of intangible assets, 21 of inventory, 12 of development expenditure; a
    heading has no amounts. Columns are how it was obtained: purchased, self-developed
    or self-processed, otherwise, and their total.
    """

    table: str = pa.Field(isin=LINES)
    number: int = pa.Field(ge=1)
    row: str
    purchase_fen: int = pa.Field(nullable=True)
    internal_fen: int = pa.Field(nullable=True)
    other_fen: int = pa.Field(nullable=True)
    total_fen: int = pa.Field(nullable=True)

    class Config:
        strict = True
        unique = ["table", "number"]


class OfWhich(pa.DataFrameModel):
    """A line 其中：数据资源 of the balance sheet; null where there is none. Key: line.

    It is part of ``parent_fen`` (null: not stated) and adds to no total. ``exceeds``:
    it is more than its parent, which cannot be. ``change`` is in whole per cent.
    """

    line: str = pa.Field(isin=LINES)
    closing_fen: int = pa.Field(nullable=True)
    opening_fen: int = pa.Field(nullable=True)
    change: int = pa.Field(nullable=True)
    parent_fen: int = pa.Field(nullable=True)
    exceeds: bool

    class Config:
        strict = True
        unique = ["line"]


class Carried(pa.DataFrameModel):
    """What is carried of one asset at the closing. Key: line, asset.

    ``months_left`` is null where nothing is spread. ``material``: above the share of
    all data resources that the policy states.
    """

    line: str = pa.Field(isin=LINES)
    asset: str
    origin: str = pa.Field(isin=ORIGINS)
    gross_fen: int
    amortised_fen: int
    impaired_fen: int
    carrying_fen: int
    months_left: int = pa.Field(nullable=True, ge=0)
    material: bool

    class Config:
        strict = True
        unique = ["line", "asset"]


class Research(pa.DataFrameModel):
    """Research and development of the periods: expensed, and capitalised. Key: asset.

    Source: CAS 6 art. 24 (6).
    """

    asset: str
    expensed_fen: int
    capitalised_fen: int

    class Config:
        strict = True
        unique = ["asset"]


class Restricted(pa.DataFrameModel):
    """An asset that is pledged or disputed at the closing. Key: asset, ground, number.

    ``carrying_fen`` is that of the whole asset, however often it is pledged;
    ``secured_fen`` the principal, null of a dispute.
    """

    asset: str
    ground: str = pa.Field(isin=GROUNDS)
    number: str
    party: str
    since: pl.Date
    until: pl.Date = pa.Field(nullable=True)
    carrying_fen: int
    secured_fen: int = pa.Field(nullable=True)

    class Config:
        strict = True
        unique = ["asset", "ground", "number"]


class Note(pa.DataFrameModel):
    """One thing that the notes tell of an asset. Key: number.

    A change of estimate has what was said ``before``. ``source`` names card, decision,
    register or document.
    """

    number: int = pa.Field(ge=1)
    part: str = pa.Field(isin=PARTS)
    asset: str
    item: str
    said: str
    before: str
    on: pl.Date = pa.Field(nullable=True)
    source: str

    class Config:
        strict = True
        unique = ["number"]


class Appraised(pa.DataFrameModel):
    """An appraised value, told of one's own accord; no book value. Key: asset."""

    asset: str
    report: str
    appraiser: str
    valuation_date: pl.Date
    valid_to: pl.Date
    appraised_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["asset"]


class Tie(pa.DataFrameModel):
    """Two figures that must be the same, each added up by itself. Key: number."""

    number: int = pa.Field(ge=1)
    table: str = pa.Field(isin=LINES)
    rule: str
    row: str
    column: str
    left_fen: int
    right_fen: int
    difference_fen: int = pa.Field(isin=[0])

    class Config:
        strict = True
        unique = ["number"]

    @classmethod
    def refusal(cls, rejects: pl.DataFrame) -> str:
        """Say how many ties are broken, and the first of them."""
        first = rejects.row(0, named=True)
        return (
            f"{rejects.height} ties of the statement are broken, first {first['rule']}"
            f" in {first['table']}, {first['row']}: the journal holds what the tables"
            " do not show; look at it with `datafactor books`"
        )


class Statement(pa.DataFrameModel):
    """Which statement this is, and which one it replaces, and why. Key: entity, first.

    ``content`` names by a digest all that it says; ``closed``: its last period was
    closed when it was made.
    """

    entity: str
    name: str
    credit_code: str
    first: str = pa.Field(str_matches=PERIOD)
    last: str = pa.Field(str_matches=PERIOD)
    closed: bool
    illustrative: bool
    entries: int = pa.Field(ge=0)
    policy: str
    material_share: str
    content: str = pa.Field(str_matches=HEX)
    supersedes: str = pa.Field(str_matches=HEX)
    reason: str

    class Config:
        strict = True
        unique = ["entity", "first"]


class Given(NamedTuple):
    """What a statement is made of: register rows of the entity."""

    journal: pl.DataFrame
    cards: pl.DataFrame
    decisions: pl.DataFrame
    pledges: pl.DataFrame
    pledged: pl.DataFrame
    disputes: pl.DataFrame
    closes: pl.DataFrame


class Tables(NamedTuple):
    """All that a statement says, before it is laid out."""

    roll: pl.DataFrame
    lines: pl.DataFrame
    carried: pl.DataFrame
    research: pl.DataFrame
    restricted: pl.DataFrame
    notes: pl.DataFrame
    appraised: pl.DataFrame
    ties: pl.DataFrame
    statement: pl.DataFrame


class Disclosure(NamedTuple):
    """What the stage hands over: the frames, and both files."""

    roll: Annotated[pl.LazyFrame, RollForward]
    lines: Annotated[pl.LazyFrame, OfWhich]
    carried: Annotated[pl.LazyFrame, Carried]
    research: Annotated[pl.LazyFrame, Research]
    restricted: Annotated[pl.LazyFrame, Restricted]
    notes: Annotated[pl.LazyFrame, Note]
    appraised: Annotated[pl.LazyFrame, Appraised]
    ties: Annotated[pl.LazyFrame, Tie]
    statement: Annotated[pl.LazyFrame, Statement]
    workbook: Annotated[Iterator[bytes], "document"]
    page: Annotated[Iterator[bytes], "document"]


def measured(accounts: dict[Role, str]) -> dict[str, tuple[Line, str, int]]:
    """Say which account is what of which table, and on which side it grows.

    1702 -> intangible, amortised, −1.

    Raises:
        ContractError: One account has two meanings, so that no table could tell them
            apart.
    """
    meant: dict[Role, tuple[Line, str, int]] = {
        "intangible": ("intangible", "gross", 1),
        "amortisation": ("intangible", "amortised", -1),
        "impairment": ("intangible", "impaired", -1),
        "inventory": ("inventory", "gross", 1),
        "provision": ("inventory", "provided", -1),
        "development": ("development", "gross", 1),
    }
    found = {accounts[role]: said for role, said in meant.items()}
    if len(found) < len(meant):
        raise ContractError(
            "the entity's chart gives one account to two of intangible, amortisation,"
            " impairment, inventory, provision and development: divide it"
        )
    return found
