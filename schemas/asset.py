"""Terms and frames of the third stage: rights, cost, recognition, appraisal."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

import pandera.polars as pa
import polars as pl
from pydantic import Field, field_validator, model_validator

from schemas.appraisal import Appraisal, AppraisalInputs, Ending
from schemas.artifact import Hex
from schemas.cost import PHASES, Allocation, Pool
from schemas.entity import Role
from schemas.gates import Gates
from schemas.money import Yuan
from schemas.national import NationalTerms, NationalValue
from schemas.offer import Ceiling
from schemas.policy import AssetRules
from schemas.registers import (
    PERIOD,
    PRODUCTION_FACTORS,
    AssetCard,
    Cost,
    JournalLine,
    PeriodClose,
    Right,
)
from schemas.resource import Source
from schemas.rights import Title
from schemas.terms import Slug, Terms, Text

Condition = Literal[
    "technical_feasibility",
    "intention_to_complete",
    "way_to_benefit",
    "resources_and_ability",
    "reliable_measurement",
]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
Evidence = Annotated[Text, Field(pattern=r"\S", description="Document that proves it")]


def one_of(words: list[str]) -> dict[str, Any]:  # Any: what a document may hold
    """Write the rule that a text is one of some words."""
    return {"metric": "invalidValues", "validValues": words}


VOUCHER_COLUMNS: list[dict[str, Any]] = [  # Any: what a document may hold
    {"name": name, "logicalType": kind, "required": True, **more}
    for name, kind, more in (
        ("voucher", "string", {}),
        ("line", "integer", {"logicalTypeOptions": {"minimum": 1}}),
        ("pool", "string", {}),
        ("supplier", "string", {}),
        ("incurred_on", "date", {}),
        ("project", "string", {}),
        ("phase", "string", {"quality": [one_of(PHASES)]}),
        ("kind", "string", {}),
        ("amount", "integer", {"logicalTypeOptions": {"format": "yuan"}}),
        ("evidence", "string", {"required": False}),  # a gate asks for it
        (
            "production_factor",
            "string",
            {"quality": [one_of(PRODUCTION_FACTORS)]},
        ),
        ("file_sha256", "string", {"required": False}),
        ("reverses", "string", {"required": False}),
        (
            "tax",
            "integer",
            {"required": False, "logicalTypeOptions": {"format": "yuan"}},
        ),
    )
]


class GrantedRight(Terms):
    """One right over the asset, as a certificate or contract grants it."""

    right: Literal["hold", "process", "operate"] = Field(
        description="持有权, 加工使用权 or 经营权"
    )
    certificate: Text = Field(description="Registration certificate number")
    holder: Text = Field(description="Who holds the right")
    basis: Text = Field(description="Collection, contract, authorisation or law")
    scope: Text = Field(description="Field and territory")
    evidence: Evidence
    valid_from: date = Field(description="First day of the right")
    valid_to: date = Field(description="Last day of the right")
    field: str = Field(
        "", max_length=2_000, description="Field of use, industry code; empty: any"
    )
    territory: str = Field(
        "", max_length=2_000, description="Where it holds, GB/T 2260; empty: anywhere"
    )
    exclusive: bool = Field(False, description="Nobody else has this right 独占")
    sublicensable: bool = Field(
        False, description="The holder may let others use it 可转授权"
    )
    evidence_sha256: str = Field(
        "", pattern=r"^(?:[0-9a-f]{64})?$", description="SHA-256 of the evidence"
    )

    @model_validator(mode="after")
    def _it_lasts(self) -> Self:
        if self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        return self


class Answered(Terms):
    """An answer with what proves it."""

    answer: bool = Field(description="yes (true) or no (false)")
    evidence: Evidence


class Met(Terms):
    """One of the five development conditions (CAS 6 art. 9), as it was met."""

    condition: Condition = Field(description="Which of the five")
    met_on: date = Field(description="Day from which it is met")
    evidence: Evidence
    evidence_sha256: Hex = Field(description="Digest of that document's file")
    evidence_on: date | None = Field(
        None, description="Day of that document, where it is not met_on"
    )
    signer: Text = Field(description="Who signed")

    @property
    def counts_from(self) -> date:
        """The day from which it is shown to be met: no earlier than its evidence."""
        return max(self.met_on, self.evidence_on or self.met_on)


class RecognitionTerms(Terms):
    """The facts that the recognition tree asks for (财会〔2023〕11号)."""

    origin: Literal["internal", "purchase"] = Field(description="How it was obtained")
    purpose: Literal["use", "sale"] = Field(
        description="Used or licensed repeatedly, or held for sale"
    )
    controlled: Answered = Field(description="Lawfully owned or controlled")
    past_transaction: Answered = Field(description="By a past transaction or event")
    probable_benefit: Answered = Field(description="Benefits are probable")
    measurable: Answered = Field(description="Cost can be measured reliably")
    charged: Answered = Field(
        description="Sold, licensed for a charge or used inside; no if free to all"
    )
    identifiable: Answered = Field(
        description="Separable, or from a contractual or legal right"
    )
    conditions: tuple[Met, ...] = Field((), description="Development conditions met")
    available_from: date | None = Field(None, description="Day it was ready for use")

    @field_validator("conditions")
    @classmethod
    def _each_is_stated_once(cls, conditions: tuple[Met, ...]) -> tuple[Met, ...]:
        if len({met.condition for met in conditions}) < len(conditions):
            raise ValueError("a condition is stated twice: keep the day it was met")
        return conditions


class AmortizationTerms(Terms):
    """How the cost is spread over the life (CAS 6 arts. 16 to 18).

    The life is the shortest of the economic life, the right to operate, and the
    contract; ``tasks.asset.amortize.useful_life`` says which one shortened it.
    """

    method: Literal[
        "straight_line", "units_of_use", "sum_of_years", "declining_balance"
    ] = Field(
        description="直线法, 工作量法 (units_of_use), 年数总和法 (sum_of_years) or"
        " 双倍余额递减法 (declining_balance): how the benefits are used up"
    )
    life_months: int = Field(
        gt=0, le=1_200, description="Economic life, from the month it is available"
    )
    contract_ends: date | None = Field(
        None, description="Last day of the contract that it serves, if there is one"
    )
    life_basis: Text = Field(description="Why this life")
    residual: Annotated[Yuan, Field(ge=0)] = Field(
        Decimal(0), description="Residual 残值, yuan; 0 unless a buyer is bound"
    )
    residual_basis: str = Field(
        "", max_length=2_000, description="Promise to buy, or active market, of it"
    )
    units: int | None = Field(
        None, gt=0, description="Units it will serve in all (units_of_use)"
    )
    serves: Literal["customers", "management", "sales", "development"] = Field(
        "customers", description="Whom it serves; decides the account of the charge"
    )

    @model_validator(mode="after")
    def _units_are_stated_where_they_count(self) -> Self:
        if (self.method == "units_of_use") != (self.units is not None):
            raise ValueError(
                "units go with method units_of_use, and only with it: state both"
            )
        return self

    @model_validator(mode="after")
    def _a_residual_has_a_ground(self) -> Self:
        if self.residual and not self.residual_basis.strip():
            raise ValueError(
                "a residual needs residual_basis: a promise to buy or an active market"
                " (CAS 6 art. 18); else leave it at 0"
            )
        return self


class AssetTerms(Terms):
    """How a product becomes an asset."""

    factor: str = Field("", description="Filled in from the document")
    entity: str = Field("", description="Filled in from the document")
    holder: str = Field("", description="Filled in: registered name of the entity")
    product: str = Field("", description="Filled in from the product")
    product_version: str = Field("", description="Filled in from the product")
    name: Slug = Field(description="Stable name of the asset")
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$", description="Version appraised")
    rights: tuple[GrantedRight, ...] = Field(min_length=1, description="Rights bundle")
    costs: Source = Field(description="Voucher file 凭证")
    evidence_files: str = Field(
        "", description="Folder of the evidence files, each called after its document"
    )
    at_hand: dict[str, Hex] = Field(
        default_factory=dict,
        description="Filled in: digest of each evidence file, by its name",
    )
    pools: dict[Text, Pool] = Field(
        min_length=1, description="How the products of each cost pool share it"
    )
    recognition: RecognitionTerms = Field(description="Facts for the recognition tree")
    amortization: AmortizationTerms = Field(description="Life and method")
    appraisal: tuple[Appraisal, ...] = Field((), description="Appraisals")
    ceiling: Ceiling | None = Field(None, description="Filled in from the product")
    authorised: Ending | None = Field(None, description="Filled in from the product")
    titles: tuple[Title, ...] = Field((), description="Filled in from the product")
    free: tuple[str, ...] = Field(
        (), description="Filled in: supplies of public data that stay free of charge"
    )
    national_accounts: tuple[NationalTerms, ...] = Field(
        (), description="Own-account data by year, for official statistics"
    )
    approval_above: Annotated[Yuan, Field(ge=0)] | None = Field(
        None, description="An entry above it needs approval; else the policy's, yuan"
    )
    accounts: dict[Role, str] = Field(
        default_factory=dict, description="Filled in from the entity"
    )
    rules: AssetRules | None = Field(None, description="Filled in from the policy")

    @field_validator("costs", mode="before")
    @classmethod
    def _vouchers_have_known_columns(cls, costs: Any) -> Any:  # Any: what a file holds
        if not isinstance(costs, Mapping):
            return costs
        fixed = {"columns": VOUCHER_COLUMNS, "key": ["voucher", "line"]}
        return {**costs, "name": "vouchers", **fixed, "max_rejected_rate": 0}

    @field_validator("rights")
    @classmethod
    def _each_is_granted_once(
        cls, rights: tuple[GrantedRight, ...]
    ) -> tuple[GrantedRight, ...]:
        if len({(r.certificate, r.right) for r in rights}) < len(rights):
            raise ValueError("a certificate grants the same right twice: keep one")
        for one, other in combinations(rights, 2):
            meet = one.valid_from <= other.valid_to and other.valid_from <= one.valid_to
            alone = one.right == other.right and (one.exclusive or other.exclusive)
            if meet and alone and one.holder != other.holder:
                raise ValueError(
                    f"{one.certificate} and {other.certificate} grant the right to"
                    f" {one.right} to two holders, one of them exclusively: keep one"
                )
        return rights


Outcome = Literal[
    "intangible", "development expenditure", "inventory", "not recognised"
]
OUTCOMES: list[str] = list(get_args(Outcome))


class Recognition(pa.DataFrameModel):
    """The path through the recognition tree. Key: step.

    ``outcome`` is empty where the path goes on, and stands on the last step.
    """

    step: int = pa.Field(ge=1)
    question: str
    answer: str
    paragraph: str
    evidence: str
    outcome: str = pa.Field(isin=["", *OUTCOMES])

    class Config:
        strict = True
        unique = ["step"]


class Amortization(pa.DataFrameModel):
    """The schedule to carrying amount 0. Key: month."""

    month: int = pa.Field(ge=1)
    period: str = pa.Field(str_matches=PERIOD)
    charge_fen: int = pa.Field(ge=0)
    accumulated_fen: int = pa.Field(ge=0)
    carrying_fen: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["month"]


class Valuation(pa.DataFrameModel):
    """Book value and appraised value, side by side, never mixed. Key: asset, version.

    ``book_fen`` is accumulated recognised cost, before amortisation is posted;
    ``appraised_fen`` is 0 where nobody has reported by the day; ``appraised_on`` is the
    valuation date, ``approach`` each approach with its weight (``income 0.7, market
    0.3``). A report that is named with approach ``none`` does not stand: its income
    lasts beyond the right to operate. ``charged`` is false for a free public good.
    """

    entity: str
    asset: str
    version: str
    outcome: str = pa.Field(isin=OUTCOMES)
    charged: bool
    book_fen: int = pa.Field(ge=0)
    appraised_fen: int = pa.Field(ge=0)
    approach: str
    appraiser: str
    report: str
    appraised_on: pl.Date = pa.Field(nullable=True)
    valid_to: pl.Date = pa.Field(nullable=True)

    class Config:
        strict = True
        unique = ["asset", "version"]


class PostTerms(Terms):
    """Under which conditions proposed entries enter the books of an entity."""

    factor: str = Field(description="Whose run proposes them")
    entity: str = Field(description="Whose books they enter")
    asset: str = Field("", description="Asset of which they are all there is; or none")
    complete: tuple[str, ...] = Field((), description="Events of which they are so")
    policy: str = Field(description="Policy that states the threshold")
    approval_above: Annotated[Yuan, Field(ge=0)] = Field(
        description="An entry above it needs another person's approval, yuan"
    )
    thresholds: dict[str, Annotated[Yuan, Field(ge=0)]] = Field(
        default_factory=dict, description="Assets with a threshold of their own"
    )
    terms_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Digest of the terms that propose them"
    )
    closes: str = Field("", description="Month that is closed with them; or none")
    closed_on: date | None = Field(None, description="Day of that close")


class Proposed(JournalLine):
    """Journal lines as the facts support them; ``post`` enters what is new of them."""


class Posted(NamedTuple):
    """What enters the journal; gates first."""

    gates: Annotated[pl.LazyFrame, Gates]
    posted: Annotated[pl.LazyFrame, JournalLine]
    period: Annotated[pl.LazyFrame, PeriodClose]


class Asset(NamedTuple):
    """What the third stage hands over; gates first."""

    gates: Annotated[pl.LazyFrame, Gates]
    rights: Annotated[pl.LazyFrame, Right]
    costs: Annotated[pl.LazyFrame, Cost]
    allocation: Annotated[pl.LazyFrame, Allocation]
    recognition: Annotated[pl.LazyFrame, Recognition]
    journal: Annotated[pl.LazyFrame, Proposed]
    cards: Annotated[pl.LazyFrame, AssetCard]
    amortization: Annotated[pl.LazyFrame, Amortization]
    appraisal_inputs: Annotated[pl.LazyFrame, AppraisalInputs]
    valuation: Annotated[pl.LazyFrame, Valuation]
    national: Annotated[pl.LazyFrame, NationalValue]
