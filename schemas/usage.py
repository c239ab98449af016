"""Terms and input of the act that seals what was delivered."""

from pydantic import Field

from schemas.registers import Usage
from schemas.terms import Slug, Terms


class Unsealed(Usage):
    """Deliveries of a factor's product that the chain does not hold yet."""


class MeterTerms(Terms):
    """Whose deliveries are sealed."""

    factor: Slug = Field(description="Factor that makes the product")
