"""Say whom a product serves: user, decision, benefit, and the uses that are refused."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.terms import Slug, Terms, Text

# What people write where they have nothing to say yet.
PLACEHOLDERS = frozenset(
    ("todo", "tbd", "tbc", "fixme", "xx", "xxx", "none", "null", "nil", "na", "n/a",
     "unknown", "placeholder", "待定", "待补充", "待填", "暂无", "无", "未知", "略")
)  # fmt: skip
EDGE = re.compile(r"^[\W_]+|[\W_]+$")


def is_placeholder(text: str) -> bool:
    """Say whether a text says nothing: ``TODO: later`` and ``…`` do, ``J68`` does not.

    Signs alone say nothing; so does a known word, alone or before a colon.
    """
    head = re.split(r"[:：(（]", text, maxsplit=1)[0]
    words = (EDGE.sub("", text).casefold(), EDGE.sub("", head).casefold())
    return any(not word or word in PLACEHOLDERS for word in words)


def said(text: str) -> str:
    """Refuse a placeholder."""
    if is_placeholder(text):
        raise ValueError("a placeholder says nothing; write it in words, or ask")
    return text


Said = Annotated[Text, AfterValidator(said)]


class Scenario(Terms):
    """Who decides what with the product, and what it must not be used for.

    A use is a short name and a sentence; an order names one of them, so that a request
    for a prohibited use can be refused.
    """

    user: Said = Field(description="Who buys or receives it")
    decision: Said = Field(description="The decision it serves")
    benefit: Said = Field(description="What the user gains")
    metric: Said = Field(description="How the gain is measured, with its unit")
    uses: dict[Slug, Said] = Field(
        min_length=1, description="Uses that are offered, by a short name"
    )
    prohibited_uses: dict[Slug, Said] = Field(
        min_length=1, description="Uses that are refused, by a short name"
    )
    industry: Text = Field(
        pattern=r"^[A-T](?:[0-9]{2,4})?(?: .+)?$",
        description="GB/T 4754 code of the industry, with its name: J68 insurance",
    )
    region: Said = Field(description="Where it speaks of: GB/T 2260 code, or words")

    @model_validator(mode="after")
    def _no_use_is_both(self) -> Self:
        if both := sorted(self.uses.keys() & self.prohibited_uses.keys()):
            raise ValueError(
                f"{', '.join(both)} is offered and prohibited; keep one of the two"
            )
        sentences = {plain(text): name for name, text in self.uses.items()}
        for name, text in self.prohibited_uses.items():
            if plain(text) in sentences:
                raise ValueError(
                    f"use {sentences[plain(text)]} and prohibited use {name} say the"
                    " same; keep one of the two"
                )
        return self


def plain(text: str) -> str:
    """Give a sentence without case, signs and spaces: to compare, not to show."""
    return re.sub(r"[\W_]+", "", text).casefold()
