"""Terms of the act that removes bytes for good: erasure 清除."""

from datetime import date

from pydantic import Field

from schemas.artifact import Kind
from schemas.terms import Slug, Terms, Text


class Condemned(Terms):
    """An artifact whose bytes are to be removed."""

    id: str = Field(pattern=r"^[0-9a-f]{64}$", description="What it is")
    kind: Kind = Field(description="raw, frame, manifest or document")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Their hash")
    name: Text = Field(description="What they are: factor/stage/frame")


class ErasureAct(Terms):
    """What a person has removed, why, and which loans she knows to rest on it.

    Personal information is deleted when its purpose is served, the term to keep it
    has passed or consent is withdrawn (PIPL 个人信息保护法 art. 47). The reason stays
    in the chain for ever: it names the request, never the person.
    """

    factor: Slug = Field(description="Whose runs yielded the bytes")
    erased_on: date = Field(description="The day today, in the entity's zone")
    person: Text = Field(description="Who removes them")
    reason: Text = Field(pattern=r"\S", description="Why: a request or a rule")
    artifacts: tuple[Condemned, ...] = Field(min_length=1, description="What goes")
    despite: tuple[str, ...] = Field((), description="Live loans that rest on it")
