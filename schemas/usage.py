"""Terms and input of the act that seals what was delivered."""

from pydantic import Field

from schemas.registers import Usage
from schemas.terms import Slug, Terms

MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"  # of usage, in UTC; sorts as time does


class Unsealed(Usage):
    """Deliveries of a factor's product that the chain does not hold yet."""


class MeterTerms(Terms):
    """Whose deliveries are sealed."""

    factor: Slug = Field(description="Factor that makes the product")
    zone: str = Field("", description="Time zone of its entity's books; empty: any")
    served: tuple[str, ...] = Field(
        (), description="Files that were served and are known to be the product"
    )
