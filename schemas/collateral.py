"""Terms and frames by which data is known again, whatever it is called."""

from typing import Any

import pandera.polars as pa
from pydantic import Field

from schemas.artifact import ArtifactRef
from schemas.quality import WHOLE
from schemas.terms import Slug, Terms


class FingerprintTerms(Terms):
    """Whose collateral is told by what its sources hold."""

    factor: Slug = Field(description="Whose sources they are, with those it takes in")
    product: ArtifactRef = Field(description="The product that was followed back")
    rows: int = Field(ge=0, description="Of the product, or of its resource if fewer")

    def identity(self) -> dict[str, Any]:
        """Leave the product out: it leads to the sources and adds nothing to them."""
        return self.model_dump(mode="json", exclude={"product"})


class Fingerprint(pa.DataFrameModel):
    """A source table that an asset rests on, by what it holds.

    ``root`` is the sha256 of its decompressed bytes or, of several members, that of
    their sorted digests; ``place`` tells people where it was found. ``weight_ppm`` is
    its rows over those of the product, at most all of them; ``sketch`` is what
    ``tasks.capital.sketch`` takes of its rows. Key: root.
    """

    root: str = pa.Field(str_matches=r"^[0-9a-f]{64}$")
    place: str
    rows: int = pa.Field(ge=0)
    weight_ppm: int = pa.Field(ge=0, le=WHOLE)
    sketch: str

    class Config:
        strict = True
        unique = ["root"]
