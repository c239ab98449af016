"""Name the reporting entity whose books a factor enters."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator

from schemas.terms import Slug, Terms, Text

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
Role = Literal[
    "bank",
    "payroll",
    "inventory",
    "intangible",
    "research",
    "development",
    "expense",
]
Account = Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]


def credit_code_is_sound(code: str) -> bool:
    """Check a unified social credit code (GB 32100). 91110000600037341L -> True."""
    if len(code) != 18 or any(c not in ALPHABET for c in code):
        return False
    weighted = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17]))
    return (weighted + ALPHABET.index(code[17])) % 31 == 0


def _sound(code: str) -> str:
    if not credit_code_is_sound(code):
        raise ValueError("not a unified social credit code (GB 32100): check it")
    return code


CreditCode = Annotated[str, AfterValidator(_sound)]


class Entity(Terms):
    """A legal entity: its code, its clock and its chart of accounts."""

    entity: Slug = Field(description="Name used by factor documents")
    name: Text = Field(description="Registered name")
    credit_code: CreditCode = Field(
        description="Unified social credit code 统一社会信用代码"
    )
    zone: str = Field("Asia/Shanghai", description="Time zone of its dates")
    accounts: dict[Role, Account] = Field(description="Account number of each role")

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"no time zone {zone!r}: use a name like Asia/Shanghai"
            ) from error
        return zone
