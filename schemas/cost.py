"""Terms and frames of cost pools: which products bear a voucher, and by what key.

What a run consumed or a customer took (rows, calls, bytes) is a key 分配动因 by which
the cost of a voucher is shared out. It is never a cost: without a voucher there is
nothing to share.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self, get_args

import pandera.polars as pa
from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.money import Exact
from schemas.registers import PERIOD
from schemas.terms import Slug, Terms

Driver = Literal[
    "shares", "published_rows", "calls", "delivered_rows", "delivered_bytes"
]
DRIVERS: list[str] = list(get_args(Driver))
MEASURED = DRIVERS[1:]
SOLD = MEASURED[1:]  # as the register of usage counts them
PHASES = ["research", "development", "operation"]
# Not directly attributable 不可直接归属, whatever the phase: CAS 6 art. 12 and its
# application guidance leave out training, introduction, administration and overheads.
INDIRECT = ["training", "advertising", "marketing", "administration", "overhead"]


class Pool(Terms):
    """A cost pool: its products, and the key by which they share its cost."""

    driver: Driver = Field(
        "shares",
        description="shares: fixed ones; published_rows: rows of each product;"
        " calls, delivered_rows, delivered_bytes: what its customers took",
    )
    shares: dict[Slug, Exact] = Field(
        default_factory=dict, description="Share of each product (driver shares)"
    )
    products: tuple[Slug, ...] = Field(
        (), description="Products that share it by what is measured of them"
    )

    @model_validator(mode="before")
    @classmethod
    def _plain_shares(cls, told: Any) -> Any:  # Any: what the file holds
        plain = isinstance(told, Mapping) and not {"driver", "shares"} & set(told)
        return {"shares": told} if plain else told

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Tell an editor of the plain form too: the share of each product."""
        share = {"type": "string", "description": "Share, as a number in quotes"}
        return {**handler(core), "patternProperties": {r"^[a-z][a-z0-9-]*$": share}}

    @model_validator(mode="after")
    def _it_can_be_shared(self) -> Self:
        if self.driver != "shares":
            if self.shares or not self.products:
                raise ValueError(
                    f"driver {self.driver} measures: list products, and no shares"
                )
            return self
        if self.products:
            raise ValueError("fixed shares name their products: leave products out")
        shares = self.shares.values()
        if not shares or min(shares) < 0 or not any(shares):
            raise ValueError("shares must be 0 or more, not all 0")
        return self


class DriverTerms(Terms):
    """Whose use is measured, for which pools."""

    factor: str = Field(description="Factor whose asset bears the cost")
    products: tuple[Slug, ...] = Field(description="Products that are measured")


class DriverCount(pa.DataFrameModel):
    """How much of a product was made or used in a month. Key: product, driver, period.

    A key of allocation, in rows, calls or bytes; never an amount of money.
    """

    product: str
    driver: str = pa.Field(isin=MEASURED)
    period: str = pa.Field(str_matches=PERIOD)
    quantity: int = pa.Field(ge=0)

    class Config:
        strict = True
        unique = ["product", "driver", "period"]


class Allocation(pa.DataFrameModel):
    """What each product bears of a voucher line. Key: voucher, line, product.

    ``share`` is the weight that stood in the document, or that was measured in
    ``period``; the parts of a line are re-performed from it alone: ``amount_fen`` sums
    to the line, ``tax_fen`` to the input tax that its voucher states. A line that takes
    another back has the shares of that line: its parts are those of what it leaves of
    it, less those of what it found.
    """

    pool: str
    voucher: str
    line: int = pa.Field(ge=1)
    product: str
    driver: str = pa.Field(isin=DRIVERS)
    period: str = pa.Field(str_matches=PERIOD)
    share: str
    amount_fen: int
    tax_fen: int

    class Config:
        strict = True
        unique = ["voucher", "line", "product"]
