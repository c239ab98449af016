"""How an earlier release tells of persons: what a new one is held against it by."""

from pydantic import Field

from schemas.terms import Terms


class Earlier(Terms):
    """The columns of a release by which persons are counted in it, by its own terms."""

    release: str = Field(description="Its name for people")
    classes: tuple[str, ...] = Field(
        (), description="Quasi-identifiers, or the columns that name a cell"
    )
    count: str = Field("", description="Column that counts persons, of a table of them")
    subject: str = Field("", description="Column that names a person")
    shows: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Of each class column the columns that its query makes it of",
    )
