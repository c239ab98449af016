"""Terms of the acts of people over posted figures: decision 决定 and reversal 冲销."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.money import Yuan
from schemas.terms import Slug, Terms, Text

Kind = Literal["impair", "provision", "dispose", "expire", "contribute"]
Amount = Annotated[Yuan, Field(ge=0)]
Number = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
FIGURES = ("fair_value", "costs", "value_in_use", "proceeds", "tax")
ALLOWED: dict[str, tuple[str, ...]] = {
    "impair": ("fair_value", "costs", "value_in_use"),
    "provision": ("fair_value", "costs", "tax"),
    "dispose": ("proceeds", "tax"),
    "expire": (),
    "contribute": ("proceeds", "tax"),
}
IN_BOTH: dict[str, str] = {
    "impair": "impairment test 减值测试",
    "provision": "net realisable value test 存货跌价测试",
    "dispose": "disposal 处置",
    "expire": "expiry of the right 权利到期",
    "contribute": "contribution to equity 作价出资",
}


class DecisionAct(Terms):
    """What a person decides of an asset after recognition, and on which figures.

    An impairment test states fair value (and the costs of disposal) or value in use or
    both (CAS 8 art. 6); a provision the expected price, with costs of completion and
    sale, and taxes (CAS 1 art. 15); a disposal or contribution what comes for it.
    """

    factor: Slug = Field(description="Factor whose asset is concerned")
    entity: Slug = Field(description="In whose books the asset stands")
    asset: Slug = Field(description="Name of the asset")
    decision: Number = Field(description="Number of the decision, as in the minutes")
    event: Kind = Field(description="What is decided")
    decided_on: date = Field(description="Day on which it takes effect")
    recorded_on: date = Field(description="The day today, in the entity's zone")
    fair_value: Amount | None = Field(None, description="Fair value, or price, yuan")
    costs: Amount | None = Field(None, description="Of disposal, or to complete, yuan")
    value_in_use: Amount | None = Field(None, description="Value in use, yuan")
    proceeds: Amount | None = Field(None, description="What comes, without tax, yuan")
    tax: Amount | None = Field(None, description="VAT or sales taxes, yuan")
    counterparty: str = Field(
        "", max_length=200, description="Buyer, or who is paid in"
    )
    evidence: Text = Field(pattern=r"\S", description="Document that proves it")
    reason: Text = Field(pattern=r"\S", description="Why")

    @model_validator(mode="after")
    def _is_not_ahead(self) -> Self:
        if self.decided_on > self.recorded_on:
            raise ValueError(
                f"{self.decided_on} lies ahead: record a decision when it takes effect"
            )
        return self

    @model_validator(mode="after")
    def _has_its_figures(self) -> Self:
        said = [name for name in FIGURES if getattr(self, name) is not None]
        if strange := [name for name in said if name not in ALLOWED[self.event]]:
            raise ValueError(f"a decision to {self.event} has no {', '.join(strange)}")
        wants = {"impair": "fair_value or value_in_use", "provision": "fair_value"}
        if self.event in ("dispose", "contribute") and self.proceeds is None:
            raise ValueError(f"a decision to {self.event} states its proceeds")
        stated = (self.fair_value, self.value_in_use)
        if self.event in wants and all(figure is None for figure in stated):
            raise ValueError(f"a decision to {self.event} states {wants[self.event]}")
        return self

    @property
    def part(self) -> str:
        """Say which decision this is."""
        return self.decision


class ReversalAct(Terms):
    """Take a posted entry back 冲销: the same amounts on the other side."""

    factor: Slug = Field(description="Factor whose asset is concerned")
    entity: Slug = Field(description="In whose books the entry stands")
    entry: Text = Field(description="Key of the entry, as `datafactor books` shows it")
    booked_on: date = Field(description="Day of the reversal")
    evidence: Text = Field(pattern=r"\S", description="Document that proves it")
    reason: Text = Field(pattern=r"\S", description="Why")

    @property
    def part(self) -> str:
        """Say which entry this is about."""
        return self.entry
