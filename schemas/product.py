"""Terms of the second stage: a product with a user, a decision and a licence."""

from typing import Annotated, Literal, NamedTuple

import polars as pl
from pydantic import Field

from schemas.contract import Declared, Name, Slug, Terms, Text
from schemas.gates import Gates


class Scenario(Terms):
    """Who decides what with the product, and what it must not be used for."""

    user: Text = Field(description="Who buys or receives it")
    decision: Text = Field(description="The decision it serves")
    benefit: Text = Field(description="What the user gains, with its measure")
    prohibited_uses: tuple[Text, ...] = Field(
        min_length=1, description="Uses that are refused"
    )
    industry: Text = Field(description="Industry, by name or GB/T 4754 code")


class Licence(Terms):
    """On what terms the product is offered."""

    name: Text = Field(description="Name or SPDX identifier")
    permissions: tuple[Text, ...] = Field(description="What a customer may do")
    prohibitions: tuple[Text, ...] = Field((), description="What a customer may not")
    duties: tuple[Text, ...] = Field((), description="What a customer must do")


class ProductTerms(Declared):
    """How a resource becomes a product."""

    factor: Slug | Literal[""] = Field("", description="Filled in from the document")
    name: Slug = Field(description="Stable name of the product")
    version: str = Field(
        pattern=r"^\d+\.\d+\.\d+$", description="Semantic version of its contract"
    )
    query: str = Field(min_length=1, description="SELECT over the resource")
    order: tuple[Name, ...] = Field((), description="Sort order of the product")
    licence: Licence = Field(description="Licence of the product")


class Product(NamedTuple):
    """What the second stage hands over."""

    gates: Annotated[pl.LazyFrame, Gates]
    product: Annotated[pl.LazyFrame, ProductTerms.contract]
