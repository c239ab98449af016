"""Hold the dated rules that gates and valuations apply, apart from code."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from schemas.errors import FactorError
from schemas.money import Yuan
from schemas.terms import Name, Slug, Terms, Text


def several(text: object) -> object:
    """Read a rule that lists words: ``open, shared`` -> (open, shared)."""
    if not isinstance(text, str):
        return text
    return tuple(word.strip() for word in text.split(",") if word.strip())


Several = Annotated[tuple[str, ...], BeforeValidator(several)]


class Rules(Terms):
    """What one stage reads of a policy, and from when that policy applies."""

    policy: str = Field("", description="Filled in from the policy")
    applies_from: date = Field(date.max, description="Filled in from the policy")

    @classmethod
    def names(cls) -> list[str]:
        """List the rules to look up."""
        return [name for name in cls.model_fields if name not in Rules.model_fields]


T = TypeVar("T", bound=Rules)


class Rule(Terms):
    """One limit with its unit and where it comes from."""

    value: str = Field(description="The limit, as text")
    unit: Text = Field(description="fraction, days, CNY, yes or no, …")
    source: Text = Field(description="Standard and paragraph, or whose decision")
    status: Literal["law", "standard", "practice", "house"] = Field(
        description="How binding it is"
    )


class Policy(Terms):
    """A dated set of rules; a new rule is a new policy, not a new release."""

    id: Slug = Field(description="Name used by factor documents")
    effective_from: date = Field(description="First day on which it applies")
    rules: dict[Name, Rule] = Field(description="Rules by name")

    def resolve(self, rules: type[T]) -> T:
        """Pick the rules a stage reads.

        Raises:
            FactorError: A rule is missing or its value does not fit.
        """
        missing = [n for n in rules.names() if n not in self.rules]
        if missing:
            raise FactorError(f"policy {self.id} lacks the rules {missing}: add them")
        try:
            known = {"policy": self.id, "applies_from": self.effective_from}
            found = {name: self.rules[name].value for name in rules.names()}
            return rules.model_validate(known | found)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise FactorError(f"policy {self.id}, {where}: {first['msg']}") from None


class CapitalRules(Rules):
    """What a lender's policy asks of collateral."""

    max_ltv: Decimal = Field(gt=0, le=1, description="Loan over appraised value")
    exclusive_pledge: bool = Field(description="One live pledge an asset")
    recognised_only: bool = Field(description="Lend on assets in the books only")
    root_overlap: Decimal = Field(
        gt=0,
        le=1,
        decimal_places=6,
        description="From this overlap of rows two source tables are the same data",
    )
    reference_share: Decimal = Field(
        ge=0,
        le=1,
        decimal_places=6,
        description="Below this share of an asset's rows a source joins nothing",
    )
    refused_grades: Several = Field(description="Grades of data that carry no loan")
    free_supplies: Several = Field(description="Supplies of public data that stay free")
    refused_issuers: Several = Field(
        description="First digits of credit codes of those who may not borrow on data"
    )
    disposal_needs: Several = Field(
        description="Flags of the right to operate without which it cannot be sold"
    )
    min_quality: Decimal = Field(
        ge=0, le=1, decimal_places=6, description="Least quality score"
    )
    min_dscr: Decimal = Field(gt=0, description="Least debt service coverage a year")
    dscr_above: Yuan = Field(
        ge=0, description="A loan above it needs stated cash flows, yuan"
    )
    borrower_limit: Yuan = Field(gt=0, description="Lent to one borrower, yuan")
    industry_limit: Yuan = Field(gt=0, description="Lent to one industry, yuan")
    lender_limit: Yuan = Field(gt=0, description="Lent by one lender, yuan")


class DrawRules(Rules):
    """What a lender asks before it pays out."""

    registered_before_drawdown: bool = Field(
        description="The pledge stands at the external register before money is paid"
    )


class CloseRules(Rules):
    """What the books of an entity are closed by."""

    approval_above: Yuan = Field(ge=0, description="Entries above it need approval")
    vat_rate_services: Decimal = Field(
        ge=0, lt=1, description="Output VAT on licences and services"
    )


class DisclosureRules(Rules):
    """What a statement on data resources is made by."""

    material_share: Decimal = Field(
        gt=0, le=1, description="An asset above it is material: share of all carried"
    )


class RetentionRules(Rules):
    """How long the house keeps what came in as it came."""

    keep_raw_days: int = Field(
        gt=0, description="Raw files and rejects are due to be erased after it"
    )


class AssetRules(Rules):
    """What the accounting and appraisal policy fixes."""

    recognition_from: date = Field(description="No recognition before this day")
    appraisal_valid_months: int = Field(gt=0, description="Life of an appraisal")
    approval_above: Yuan = Field(ge=0, description="Entries above it need approval")
