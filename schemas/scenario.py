"""Say whom a product serves: user, decision, benefit, and the uses that are refused."""

from pydantic import Field

from schemas.terms import Slug, Terms, Text


class Scenario(Terms):
    """Who decides what with the product, and what it must not be used for.

    A use is a short name and a sentence; an order names one of them, so that a request
    for a prohibited use can be refused.
    """

    user: Text = Field(description="Who buys or receives it")
    decision: Text = Field(description="The decision it serves")
    benefit: Text = Field(description="What the user gains")
    metric: Text = Field(description="How the gain is measured, with its unit")
    uses: dict[Slug, Text] = Field(
        min_length=1, description="Uses that are offered, by a short name"
    )
    prohibited_uses: dict[Slug, Text] = Field(
        min_length=1, description="Uses that are refused, by a short name"
    )
    industry: Text = Field(
        pattern=r"^[A-T](?:[0-9]{2,4})?(?: .+)?$",
        description="GB/T 4754 code of the industry, with its name: J68 insurance",
    )
    region: Text = Field(description="Where it speaks of: GB/T 2260 code, or words")
