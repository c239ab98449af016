"""Terms of the acts of people over rights: registration 登记 and dispute 异议."""

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.terms import Slug, Terms, Text

Kind = Literal["hold", "process", "operate"]
IN_CHINESE = {"hold": "持有权", "process": "加工使用权", "operate": "经营权"}
IN_ENGLISH = {
    "hold": "right to hold",
    "process": "right to process and use",
    "operate": "right to operate",
}
# What each kind of registration must state, and what it may state beside.
TERM = ("valid_from", "valid_to")
SCOPE = ("scope", "field", "territory", "exclusive", "sublicensable")
NEEDED: dict[str, tuple[str, ...]] = {
    "grant": ("right", "holder", "scope", *TERM),
    "change": (),
    "transfer": ("holder",),
    "renew": ("valid_to",),
    "revoke": (),
}
ALLOWED: dict[str, tuple[str, ...]] = {
    "grant": ("field", "territory", "exclusive", "sublicensable"),
    "change": SCOPE,
    "transfer": (),
    "renew": (),
    "revoke": (),
}


class RightAct(Terms):
    """One registration of a right: 初始, 变更, 转移, 续期 or 注销.

    A change says what of the scope is otherwise, a transfer who holds it, a renewal
    until when; nothing else moves. Without ``right`` it is about all rights of the
    certificate.
    """

    factor: Slug = Field(description="Factor whose asset is concerned")
    entity: Slug = Field(description="In whose books the asset stands")
    asset: Slug = Field(description="Name of the asset")
    event: Literal["grant", "change", "transfer", "renew", "revoke"] = Field(
        description="Initial registration, change, transfer, renewal or cancellation"
    )
    certificate: Text = Field(description="Registration certificate number")
    right: Kind | None = Field(None, description="Which right; none: all of them")
    effective_on: date = Field(description="First day on which it is so")
    basis: Text = Field(description="Why, and by whose decision")
    evidence: Text = Field(pattern=r"\S", description="Document that proves it")
    evidence_sha256: str = Field(
        "", pattern=r"^(?:[0-9a-f]{64})?$", description="SHA-256 of that document"
    )
    holder: Text | None = Field(None, description="Who holds it from then on")
    valid_from: date | None = Field(None, description="First day of a grant")
    valid_to: date | None = Field(None, description="Last day of the term")
    scope: Text | None = Field(None, description="What the right covers, in words")
    field: str | None = Field(None, description="Field of use; empty: any")
    territory: str | None = Field(None, description="Where it holds; empty: anywhere")
    exclusive: bool | None = Field(None, description="Nobody else has it")
    sublicensable: bool | None = Field(None, description="Others may be let use it")

    @model_validator(mode="after")
    def _says_what_its_kind_says(self) -> Self:
        said = {n for n in ("holder", *TERM, *SCOPE) if getattr(self, n) is not None}
        said |= {"right"} if self.right else set()
        needed, allowed = NEEDED[self.event], ALLOWED[self.event]
        if missing := [n for n in needed if n not in said]:
            raise ValueError(f"a {self.event} states {', '.join(missing)}")
        if strange := sorted(said - {"right", *needed, *allowed}):
            raise ValueError(f"a {self.event} does not change {', '.join(strange)}")
        if self.event == "change" and not said - {"right"}:
            raise ValueError(f"a change states one of {', '.join(SCOPE)}")
        return self

    @model_validator(mode="after")
    def _it_lasts(self) -> Self:
        first = self.valid_from or self.effective_on
        if self.valid_to and self.valid_to < first:
            raise ValueError(f"the term ends on {self.valid_to}, before {first}")
        return self


class DisputeAct(Terms):
    """A dispute over a factor is opened, or lifted 异议登记 · 解除."""

    factor: Slug = Field(description="Factor whose data, product or asset it is about")
    entity: Slug = Field(description="Entity that answers for the factor")
    event: Literal["open", "lift"] = Field(description="Opened, or lifted")
    number: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$",
        description="Number of the dispute, in letters, digits, dots, _, / and -",
    )
    claimant: str = Field("", max_length=2_000, description="Who raises it")
    ground: Text = Field(description="What is claimed, or why it is over")
    evidence: Text = Field(pattern=r"\S", description="Document that shows it")
    effective_on: date = Field(description="First day on which it is so")

    @model_validator(mode="after")
    def _somebody_raises_it(self) -> Self:
        if self.event == "open" and not self.claimant.strip():
            raise ValueError("claimant: say who raises the dispute")
        return self


class Title(Terms):
    """What right one input brings to a product: whose, from when to when, where.

    An empty holder is anybody, a missing day no end, no field any, no territory
    anywhere.
    """

    input: Text = Field(description="Which input, or which agreement")
    by: Literal["licence", "agreement", "right"] = Field(description="What gives it")
    right: Kind = Field(description="Which right")
    holder: str = Field("", description="Who may exercise it")
    valid_from: date | None = Field(None, description="First day")
    valid_to: date | None = Field(None, description="Last day")
    fields: tuple[str, ...] = Field((), description="Fields of use")
    territory: str = Field("", description="Where it holds")
    evidence: Text = Field(description="Licence, agreement or certificate")


class Claim(Terms):
    """A right as somebody would exercise it, to be held against the inputs' titles."""

    right: Kind = Field(description="Which right")
    holder: str = Field(description="Who would exercise it")
    first: date = Field(description="First day")
    last: date = Field(description="Last day")
    field: str = Field("", description="Field of use; empty: any")
    territory: str = Field("", description="Where; empty: anywhere")
