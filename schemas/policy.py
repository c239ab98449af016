"""Hold the dated rules that gates and valuations apply, apart from code."""

from datetime import date
from decimal import Decimal
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from schemas.contract import Name, Slug, Terms, Text
from schemas.errors import FactorError

T = TypeVar("T", bound=Terms)


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
        missing = [n for n in rules.model_fields if n not in self.rules]
        if missing:
            raise FactorError(f"policy {self.id} lacks the rules {missing}: add them")
        try:
            return rules.model_validate(
                {name: self.rules[name].value for name in rules.model_fields}
            )
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise FactorError(f"policy {self.id}, {where}: {first['msg']}") from error


class CapitalRules(Terms):
    """What a lender's policy asks of collateral."""

    max_ltv: Decimal = Field(gt=0, le=1, description="Loan over appraised value")
    exclusive_pledge: bool = Field(description="One live pledge an asset")


class AssetRules(Terms):
    """What the accounting and appraisal policy fixes."""

    recognition_from: date = Field(description="No recognition before this day")
    appraisal_valid_months: int = Field(gt=0, description="Life of an appraisal")
