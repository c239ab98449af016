"""Terms and frames of a securitisation 资产支持专项计划: pool, label, waterfall.

A plan is a document of its own, ``deployments/pools/NAME.yaml``: it names its notes,
the loans that are offered to it (agreements of the store, a CSV of others, or both),
what they brought in, and the accounts of its books.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

import pandera.polars as pa
import polars as pl
from pydantic import Field, field_validator, model_validator

from schemas.asset import Proposed
from schemas.entity import Account
from schemas.gates import Gates
from schemas.money import LARGEST_FEN, Exact, Rate, Yuan
from schemas.policy import Rules
from schemas.portfolio import STATES, Share
from schemas.resource import Source
from schemas.terms import Slug, Terms, Text

PoolRole = Literal[
    "bank",
    "loans",
    "senior",
    "subordinated",
    "interest",
    "taxes",
    "fees",
    "senior_interest",
    "loss",
]
NUMBERS = (
    *("1002", "1303", "2502", "4001"),
    *("6011", "6403", "6421", "6411", "6702"),
)
POOL_CHART: dict[PoolRole, Account] = dict(
    zip(get_args(PoolRole), NUMBERS, strict=True)
)
"""Standard accounts; a plan states its own where they differ.

银行存款, 贷款, 应付债券, 实收资本 (次级份额), 利息收入, 税金及附加, 手续费及佣金支出,
利息支出, 信用减值损失.
"""


def column(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """Write a column of a plan's CSV. Any: what a document may hold."""
    written = name.removesuffix("_fen")
    known = {"name": name, "physicalName": written, "logicalType": kind}
    options = {"format": "yuan"} if name.endswith("_fen") else {}
    options |= more.pop("options", {})
    return {**known, "required": True, "logicalTypeOptions": options, **more}


LEAST = {"minimum": 0}
OFFERED_COLUMNS = [
    column("request", "string"),
    column("borrower", "string"),
    column("balance_fen", "integer", options=LEAST),
    column("data_pledged", "boolean"),
    column("overdue_days", "integer", options=LEAST),
    column(
        "state",
        "string",
        quality=[{"metric": "invalidValues", "validValues": [*STATES]}],
    ),
    column("matures_on", "date"),
]
COLLECTED_COLUMNS = [
    column("period", "integer", options={"minimum": 1}),
    column("paid_on", "date"),
    *(
        column(f"{name}_fen", "integer", options=LEAST)
        for name in ("interest", "principal", "recovered", "defaulted")
    ),
]


class PoolRules(Rules):
    """What makes a pool one of data assets."""

    label_share: Share = Field(
        description="More than this share of the pool rests on pledged data"
    )
    approval_above: Yuan = Field(ge=0, description="Entries above it need approval")


class HeldLoan(Terms):
    """A loan of the store that is offered to a pool, as its books stand."""

    request: Text = Field(description="Number of the agreement")
    borrower: Text = Field(description="Who owes")
    balance: Yuan = Field(ge=0, description="Principal owed at the cut-off, yuan")
    overdue_days: int = Field(ge=0, description="Days past due at the cut-off")
    matures_on: date = Field(description="Day of the last instalment")


class PoolTerms(Terms):
    """A pool of loans and the two classes of notes on it."""

    factor: str = Field("", description="The plan again: its run is of no one factor")
    pool: Slug = Field(description="Name of the plan and of this file")
    title: Text = Field(description="One line for people")
    illustrative: bool = Field(False, description="Parties and money are made up")
    entity: Slug = Field(description="Its books: a file in deployments/entities")
    policy: Slug = Field(description="Dated rules: a file in deployments/policies")
    agreements: tuple[Text, ...] = Field(
        (), description="Loans of the store that are offered, by number"
    )
    held: tuple[HeldLoan, ...] = Field((), description="Filled in: those loans")
    offered: Source | None = Field(None, description="Other loans that are offered")
    collected: Source | None = Field(
        None, description="What the pool brought in, by payment day"
    )
    principal_accounts: tuple[Account, ...] = Field(
        ("2001", "2501"),
        description="Accounts of the loans' principal in their borrowers' books",
    )
    accounts: dict[PoolRole, Account] = Field(
        default_factory=dict,
        validate_default=True,
        description="Account of each role that differs from the standard chart",
    )
    cut_off: date = Field(
        description="封包日: what is collected after it is the pool's"
    )
    matures_on: date = Field(description="Last day of the notes")
    senior: Yuan = Field(
        gt=0, description="优先级: principal of the senior notes, yuan"
    )
    subordinated: Yuan = Field(ge=0, description="次级: the rest of the pool, yuan")
    coupon_rate: Rate = Field(ge=0, description="Senior, fraction per year, ACT/365")
    tax_rate: Exact = Field(ge=0, lt=1, description="Of interest that is collected")
    fee_rate: Rate = Field(
        ge=0, description="Servicer, custodian and manager; of the pool, ACT/365"
    )
    turbo_above: Exact = Field(
        ge=0, le=1, decimal_places=6, description="Defaulted share that accelerates"
    )
    rules: PoolRules | None = Field(None, description="Filled in from the policy")

    @field_validator("accounts")
    @classmethod
    def _the_rest_is_standard(
        cls, accounts: dict[PoolRole, Account]
    ) -> dict[PoolRole, Account]:
        return POOL_CHART | accounts

    @field_validator("offered", mode="before")
    @classmethod
    def _loans_have_known_columns(cls, given: Any) -> Any:  # Any: what a file holds
        return with_columns(given, "offered", OFFERED_COLUMNS, "request")

    @field_validator("collected", mode="before")
    @classmethod
    def _periods_have_known_columns(cls, given: Any) -> Any:  # Any: what a file holds
        return with_columns(given, "collected", COLLECTED_COLUMNS, "period")

    @model_validator(mode="after")
    def _days_follow(self) -> Self:
        if self.matures_on <= self.cut_off:
            raise ValueError("matures_on must come after cut_off")
        return self


def with_columns(given: Any, name: str, columns: list[dict[str, Any]], key: str) -> Any:
    """Give a CSV of a plan its fixed contract. Any: what a document may hold."""
    if not isinstance(given, Mapping):
        return given
    fixed = {"name": name, "columns": columns, "key": [key]}
    return {**given, **fixed, "max_rejected_rate": 0}


class Pooled(pa.DataFrameModel):
    """A loan as it is offered to a pool. Key: request (the agreement's number).

    ``data_pledged`` is true where a registered pledge of data secures it.
    """

    request: str
    borrower: str
    balance_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    data_pledged: bool
    overdue_days: int = pa.Field(ge=0)
    state: str = pa.Field(isin=STATES)
    matures_on: pl.Date

    class Config:
        strict = True
        unique = ["request"]


class Screened(pa.DataFrameModel):
    """Whether a loan is eligible; else every ground. Key: request."""

    request: str
    balance_fen: int = pa.Field(ge=0)
    data_pledged: bool
    eligible: bool
    ground: str

    class Config:
        strict = True
        unique = ["request"]


class Pool(NamedTuple):
    """Gates first, then every loan that was offered."""

    gates: Annotated[pl.LazyFrame, Gates]
    loans: Annotated[pl.LazyFrame, Screened]


class Collected(pa.DataFrameModel):
    """What the pool's loans brought in up to a payment day. Key: period.

    ``defaulted_fen`` is principal of loans that defaulted in the period, no cash;
    ``recovered_fen`` is cash of loans that defaulted before.
    """

    period: int = pa.Field(ge=1, unique=True)
    paid_on: pl.Date
    interest_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    principal_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    recovered_fen: int = pa.Field(ge=0, le=LARGEST_FEN)
    defaulted_fen: int = pa.Field(ge=0, le=LARGEST_FEN)

    class Config:
        strict = True
        unique = ["period"]


class Distributed(pa.DataFrameModel):
    """What a payment day pays to whom. Key: period.

    ``cash_fen`` is the sum of the five that follow it. ``arrears_fen`` of taxes, fees
    and senior interest stand unpaid and come first the next time, without interest.
    """

    period: int = pa.Field(ge=1)
    paid_on: pl.Date
    days: int = pa.Field(ge=1)
    turbo: bool
    cash_fen: int = pa.Field(ge=0)
    taxes_fen: int = pa.Field(ge=0)
    fees_fen: int = pa.Field(ge=0)
    senior_interest_fen: int = pa.Field(ge=0)
    senior_principal_fen: int = pa.Field(ge=0)
    subordinated_fen: int = pa.Field(ge=0)
    arrears_fen: int = pa.Field(ge=0)
    senior_balance_fen: int = pa.Field(ge=0)
    pool_balance_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["period"]


class PaidOut(NamedTuple):
    """Gates first; then what each payment day pays, and the entries of the plan."""

    gates: Annotated[pl.LazyFrame, Gates]
    distributed: Annotated[pl.LazyFrame, Distributed]
    journal: Annotated[pl.LazyFrame, Proposed]
