"""Acts of people over a loan: a condition is met, money is paid out, paid, or owed."""

from datetime import date
from typing import Annotated, Literal, NamedTuple

import polars as pl
from pydantic import Field, model_validator

from schemas.capital import Condition
from schemas.gates import Gates
from schemas.loan import BankCalendar, Keep, LoanPart, LprTable
from schemas.money import Yuan
from schemas.registers import LoanFact
from schemas.terms import Slug, Terms, Text


class LoanAct(Terms):
    """What happened to a loan, as a person records it."""

    factor: Slug = Field(description="Factor whose document states the loan")
    loan: Text = Field(description="Number of the agreement")
    event: Literal["condition", "draw", "pay", "fee", "waive"] = Field(
        description="What it was"
    )
    effective_on: date = Field(description="Day on which it happened")
    recorded_on: date = Field(description="Day on which it is recorded")
    amount: Yuan | None = Field(None, gt=0, description="Yuan; none of a condition")
    name: str = Field("", max_length=200, description="Of the condition, or the fee")
    keep: Keep | Literal["realised", ""] = Field(
        "", description="What stays where it repays early; or that it is of a sale"
    )
    reason: str = Field("", max_length=2_000, description="Why a default is waived")
    evidence: Text = Field(pattern=r"\S", description="Document that proves it")
    evidence_sha256: str = Field(
        "", pattern=r"^(?:[0-9a-f]{64})?$", description="SHA-256 of the document"
    )
    conditions: tuple[Condition, ...] = Field((), description="Of the agreement")
    tranche: LoanPart | None = Field(None, description="Tranche; none of a condition")
    lpr: LprTable = Field(LprTable(), description="Published values")
    calendar: BankCalendar = Field(BankCalendar(), description="Business days")

    @model_validator(mode="after")
    def _day_has_come(self) -> "LoanAct":
        if self.effective_on > self.recorded_on:
            raise ValueError(f"{self.effective_on} has not come: record it then")
        return self

    @model_validator(mode="after")
    def _says_what_its_kind_says(self) -> "LoanAct":
        if bool(self.name.strip()) != (self.event in ("condition", "fee")):
            raise ValueError("a condition and a fee have a name, and nothing else has")
        if (self.amount is None) != (self.event in ("condition", "waive")):
            raise ValueError("state the amount, in yuan; a condition has none")
        if bool(self.reason.strip()) != (self.event == "waive"):
            raise ValueError("reason: say why the default is waived")
        if self.keep and self.event != "pay":
            raise ValueError("only a payment repays early")
        return self


class DrawAct(LoanAct):
    """What is asked before a tranche is paid out."""

    agreed: Yuan = Field(gt=0, description="Amount of the tranche, yuan")
    signed_on: date = Field(description="First day on which it may be drawn")
    matures_on: date = Field(description="Day on which it is due at last")
    pledged: bool = Field(description="Whether it rests on a pledge")
    registered_first: bool = Field(description="Whether the register comes first")
    policy: str = Field(description="Policy that says so")
    altered: tuple[str, ...] = Field(
        (), description="Terms that the document says otherwise than they were agreed"
    )


class Drawn(NamedTuple):
    """What a drawdown hands over; gates first."""

    gates: Annotated[pl.LazyFrame, Gates]
    drawn: Annotated[pl.LazyFrame, LoanFact]
