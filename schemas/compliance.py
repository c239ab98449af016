"""Answers of the compliance review 合规评估 of a product, each with its evidence."""

from datetime import date
from typing import Literal

from pydantic import Field

from schemas.terms import Terms, Text


class Answer(Terms):
    """Yes or no, and what shows it."""

    answer: bool = Field(description="Whether it is so")
    evidence: Text = Field(description="Document, register entry or digest")


class Consent(Terms):
    """On which ground personal information is processed and handed on."""

    basis: Literal[
        "none-personal",  # no personal information, or anonymised (PIPL art. 4)
        "consent", "contract", "statutory-duty", "public-health", "news",
        "published", "law",
    ] = Field(description="Legal basis: PIPL art. 13")  # fmt: skip
    separate: bool = Field(
        False, description="Separate consent for sensitive data and for handing on"
    )
    assessment: str = Field("", description="Impact assessment: PIPL arts. 55-56")
    evidence: Text = Field(description="Document, register entry or digest")


class PublicData(Terms):
    """Authorised operation of public data 公共数据授权运营."""

    supply: Literal["open", "shared", "authorised-free", "authorised-paid"] = Field(
        description="How the public data are supplied 供给方式"
    )
    authority: Text = Field(description="Data source department 数源部门")
    implementing_body: str = Field("", description="Implementing body 实施机构")
    operator: str = Field("", description="Operator 运营机构")
    agreement: str = Field("", description="Number of the operating agreement")
    fields: tuple[Text, ...] = Field((), description="Fields that are authorised")
    territory: str = Field("", description="Territory that is authorised")
    fee_rule: str = Field(
        "",
        description="Price order or clause that sets the fee 收费规则, if one is paid",
    )
    valid_from: date | None = Field(None, description="First day of the agreement")
    valid_to: date | None = Field(None, description="Last day of the agreement")
    raw_leaves: bool = Field(
        False, description="Whether raw rows leave the domain 原始数据不出域"
    )


class Compliance(Terms):
    """What a compliance review asks before a product is offered."""

    lawful_source: Answer = Field(description="Lawful source or authorisation chain")
    undisputed: Answer = Field(description="No unresolved dispute over ownership")
    third_party_rights: Answer = Field(description="Third parties' rights are cleared")
    important_assessed: Answer | None = Field(
        None, description="Important data were assessed; asked where the grade says so"
    )
    consent: Consent = Field(description="Ground for personal information")
    cross_border: Literal["none", "assessed", "contract", "certified"] = Field(
        "none", description="Whether it leaves the country, and on which ground"
    )
    cross_border_evidence: str = Field("", description="What shows that ground")
    use_limits: tuple[Text, ...] = Field((), description="Limits on its use")
    public_data: PublicData | None = Field(None, description="Where data are public")
