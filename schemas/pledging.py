"""Acts of people over a pledge, and how it stands at the external register."""

from datetime import date, datetime
from typing import Annotated, Literal, NamedTuple, Self

import polars as pl
from pydantic import Field, model_validator

from schemas.entity import Role
from schemas.gates import Gates
from schemas.money import Yuan
from schemas.policy import CapitalRules
from schemas.registers import CollateralRoot, PledgeEvent
from schemas.terms import Slug, Terms, Text

PledgeKind = Literal[
    "perfect",
    "extend",
    "consent",
    "add",
    "substitute",
    "release_part",
    "cancel",
    "release",
]
NEEDED: dict[str, tuple[str, ...]] = {
    "perfect": ("registration", "registered_at", "valid_to", "evidence_sha256"),
    "extend": ("registration", "registered_at", "valid_to"),
    "consent": ("junior", "amount"),
    "add": ("asset", "version", "replaces", "amount"),
    "substitute": ("asset", "version", "replaces", "amount"),
    "release_part": ("amount",),
    "cancel": ("registration", "registered_at", "evidence_sha256"),
    "release": ("reason",),
}
OPTIONAL: dict[str, tuple[str, ...]] = {
    "release_part": ("asset",),
    "add": ("cap",),
    "substitute": ("cap",),
}
LONGEST = 30  # years that an entry may stand (中登网)


def years_on(day: date, years: int) -> date:
    """Give the day some years later; of 29 February the 28th."""
    return day.replace(year=day.year + years, day=min(day.day, 28))


OPTIONS: dict[str, str] = {
    "registration": "--registration NUMBER",
    "registered_at": "--at MOMENT",
    "valid_to": "--until DAY",
    "evidence_sha256": "--file (the document itself)",
    "junior": "--junior AGREEMENT",
    "amount": "--amount YUAN",
    "reason": "--reason",
    "asset": "--by FACTOR",
    "version": "--by FACTOR",
    "replaces": "--asset ASSET",
}
IN_BOTH: dict[str, str] = {
    "perfect": "registration 登记",
    "extend": "registration extended 展期",
    "consent": "consent to a junior pledge 同意顺位质押",
    "add": "collateral added 补充担保",
    "substitute": "collateral substituted 置换",
    "release_part": "partial release 部分解押",
    "cancel": "registration cancelled 注销登记",
    "release": "release 解押",
    "step_in": "step-in 接管经营",
}


class PledgeAct(Terms):
    """One event in the life of a pledge, as a person records it."""

    factor: Slug = Field(description="Factor whose asset was pledged first")
    entity: Slug = Field(description="Entity that pledged")
    request: Text = Field(description="The agreement's number")
    event: PledgeKind = Field(description="What happened")
    effective_on: date = Field(description="Day from which it holds")
    amount: Yuan | None = Field(None, gt=0, description="How much it is about, yuan")
    asset: str = Field("", description="Which asset secures it, or is let go")
    version: str = Field("", description="Its version")
    replaces: str = Field("", description="Which asset it takes the place of")
    cap: Yuan | None = Field(None, gt=0, description="The most that it may secure")
    junior: str = Field("", description="Agreement that may rank behind")
    registration: str = Field(
        "", description="Number at the external register 登记编号"
    )
    registered_at: datetime | None = Field(
        None, description="When it was registered there, with its zone"
    )
    valid_to: date | None = Field(None, description="Last day of the registration")
    evidence: Text = Field(pattern=r"\S", description="Document that proves it")
    evidence_sha256: str = Field(
        "", pattern=r"^(?:[0-9a-f]{64})?$", description="SHA-256 of the document"
    )
    reason: str = Field("", max_length=2_000, description="Why")
    owed: Yuan | None = Field(None, description="Filled in: owed on the day")
    waived: bool = Field(False, description="The lender lets its security go unpaid")

    @model_validator(mode="after")
    def _says_what_its_kind_says(self) -> Self:
        said = {n for n in type(self).model_fields if getattr(self, n)}
        said &= {n for names in NEEDED.values() for n in names} | {"cap"}
        needed = NEEDED[self.event]
        if missing := [OPTIONS[n] for n in needed if n not in said]:
            raise ValueError(f"{self.event} needs {', '.join(missing)}: add it")
        beside = {*needed, *OPTIONAL.get(self.event, ()), "evidence_sha256", "reason"}
        if strange := sorted(said - beside):
            raise ValueError(f"{self.event} has no {', '.join(strange)}")
        return self

    @model_validator(mode="after")
    def _the_register_keeps_time(self) -> Self:
        at = self.registered_at
        if at is not None and at.tzinfo is None:
            raise ValueError("registered_at: add its zone, 2026-07-01T10:00+08:00")
        if at is not None and at.date() > self.effective_on:
            raise ValueError("registered_at: lies after the day it holds from (--on)")
        if self.valid_to and self.valid_to > years_on(self.effective_on, LONGEST):
            raise ValueError("valid_to: a registration lasts 30 years at most")
        if self.valid_to and self.valid_to <= self.effective_on:
            raise ValueError("valid_to: the registration lasts beyond its first day")
        return self


class SecureTerms(Terms):
    """Another asset comes to secure a loan: beside what does, or in its place."""

    factor: Slug = Field(description="Factor whose asset comes")
    entity: Slug = Field(description="Entity that pledges")
    asset: Text = Field(description="The asset that comes")
    request: Text = Field(description="The agreement's number")
    pledgor: Text = Field(description="Who holds its right to operate")
    matures_on: date = Field(description="Day on which the loan matures")
    accounts: dict[Role, str] = Field(description="Chart of the entity")
    act: PledgeAct = Field(description="The event: how much, instead of what")
    rules: CapitalRules = Field(description="The lender's policy")


class Secured(NamedTuple):
    """Gates first; then the roots of the asset, and what happened to the pledge."""

    gates: Annotated[pl.LazyFrame, Gates]
    roots: Annotated[pl.LazyFrame, CollateralRoot]
    event: Annotated[pl.LazyFrame, PledgeEvent]
