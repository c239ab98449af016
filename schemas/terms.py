"""What every document is written in: frozen, closed terms, and how things are named."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Text = Annotated[str, Field(min_length=1, max_length=2_000)]


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
