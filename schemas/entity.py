"""Name the reporting entity whose books a factor enters."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator

from schemas.errors import ContractError
from schemas.terms import Slug, Terms, Text

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
Role = Literal[
    "bank",
    "receivable",
    "inventory",
    "provision",
    "investment",
    "intangible",
    "amortisation",
    "impairment",
    "payroll",
    "input_vat",
    "output_vat",
    "research",
    "development",
    "revenue",
    "cost_of_sales",
    "selling",
    "expense",
    "impairment_loss",
    "disposal",
    "nonoperating_loss",
    "short_term_loan",
    "long_term_loan",
    "interest_payable",
    "interest_expense",
]
Account = Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]
Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(?:0[1-9]|1[0-2])$")]
NUMBERS = (
    *("1002", "1122", "1405", "1471", "1511", "1701", "1702", "1703"),
    *("2211", "22210101", "22210107", "530101", "530102"),
    *("6001", "6401", "6601", "6602", "6701", "6115", "6711"),
    *("2001", "2501", "2231", "6603"),
)
CHART: dict[Role, str] = dict(zip(get_args(Role), NUMBERS, strict=True))
"""Standard accounts 会计科目; two or more digits are added where one is divided."""


def account_of(role: str, accounts: Mapping[Role, str], entity: str) -> str:
    """Find the account of a role in an entity's chart: ``bank`` -> 1002.

    Raises:
        ContractError: The chart has no account for it.
    """
    number = {str(name): account for name, account in accounts.items()}.get(role)
    if number is None:
        raise ContractError(
            f"entity {entity} has no account for {role!r}: add it to its accounts"
        )
    return number


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
    """A legal entity: its code, its clock, its chart of accounts, its policy.

    An account that is not stated is the one of the Chinese standard chart: bank 1002.
    """

    entity: Slug = Field(description="Name used by factor documents")
    name: Text = Field(description="Registered name")
    credit_code: CreditCode = Field(
        description="Unified social credit code 统一社会信用代码"
    )
    zone: str = Field("Asia/Shanghai", description="Time zone of its dates")
    policy: Slug = Field(
        "cn-2025",
        description="Dated rules of its books: a file in deployments/policies",
    )
    books_from: Month | None = Field(
        None, description="First period of its books, as in 2026-01; none: any"
    )
    accounts: dict[Role, Account] = Field(
        default_factory=dict,
        validate_default=True,
        description="Account number of each role that differs from the standard chart",
    )

    @field_validator("accounts")
    @classmethod
    def _the_rest_is_standard(cls, accounts: dict[Role, str]) -> dict[Role, str]:
        return CHART | accounts

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
