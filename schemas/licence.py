"""Licences as permissions, prohibitions and duties, in the actions of ODRL and CC REL.

Source: ODRL 2.2 Vocabulary; Creative Commons Rights Expression Language.
"""

from typing import Literal

from pydantic import Field

from schemas.terms import Terms, Text

Permission = Literal[
    "use", "reproduce", "present", "derive", "distribute", "sell", "commercialize"
]
Duty = Literal["attribute", "share-alike", "include-notice", "state-changes"]


class Licence(Terms):
    """On what terms something is offered.

    What is not permitted is not offered; a prohibition says so to an input that would
    permit it.
    """

    name: Text = Field(description="Name or SPDX identifier")
    permissions: tuple[Permission, ...] = Field(description="What a customer may do")
    prohibitions: tuple[Permission, ...] = Field(
        (), description="What a customer may not do"
    )
    duties: tuple[Duty, ...] = Field((), description="What a customer must do")
    attribution: str = Field("", description="The words of the attribution")
    clauses: tuple[Text, ...] = Field((), description="Further terms, in words")
    territory: str = Field("", description="Where it may be used; empty: anywhere")
    evidence: str = Field("", description="Agreement or page where the terms stand")
