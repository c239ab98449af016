"""What every document is written in: frozen, closed terms, and how things are named."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
# Signs that repaint a terminal or turn a line around: C0 and C1 but tab and line end,
# and the bidirectional ones (UAX 9).
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def _to_be_read(text: str) -> str:
    if UNSEEN.search(text):
        raise ValueError("holds a control character: write plain text")
    return text


Text = Annotated[
    str, Field(min_length=1, max_length=2_000), AfterValidator(_to_be_read)
]


class Terms(BaseModel):
    """What a person chooses: frozen, closed, each field described."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True
    )

    def identity(self) -> dict[str, Any]:
        """Return what of these terms may change a result; enters keys and ids."""
        return self.model_dump(mode="json")

    @property
    def part(self) -> str:
        """Say which part of a stage this is about (a source); shown in brackets."""
        return ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Name the keys that the seam must read from the environment for them."""
        return ()


class TaskTerms(Terms):
    """Terms of a stage task that a document may name as ``product.task``."""

    factor: Slug | Literal[""] = Field("", description="Filled in from the document")
