"""Terms of an approval: who decided on what, signed with a key of one's own."""

from datetime import date
from typing import Literal

from pydantic import Field

from schemas.terms import Slug, Terms

Hex64 = r"^[0-9a-f]{64}$"


class Statement(Terms):
    """What an approver signs: every column of register Approval but the signature."""

    entity: Slug = Field(description="Whose books")
    subject: str = Field(pattern=Hex64, description="Digest of what shall be posted")
    decision: Literal["approve", "reject"] = Field(description="The decision")
    preparer_key: str = Field(pattern=Hex64, description="Fingerprint of who prepared")
    approver_key: str = Field(pattern=Hex64, description="Fingerprint of who decides")
    approver: str = Field(min_length=1, max_length=200, description="Who decides")
    decided_on: date = Field(description="Day of the decision")
    note: str = Field("", max_length=2_000, description="What the approver adds")


class Signed(Statement):
    """A statement with its signature: what a person hands over to be posted."""

    signature: str = Field(pattern=r"^[0-9a-f]{128}$", description="Ed25519, as hex")


class ApprovalTerms(Terms):
    """One signed decision to post."""

    factor: str = Field(description="Whose proposal it was: a factor, or an entity")
    signed: Signed = Field(description="The decision")

    @property
    def part(self) -> str:
        """Say which decision this is about."""
        return self.signed.subject[:12]
