"""Contracts of what is posted: a frame of one of these enters the books with its run.

A stage that returns a frame annotated with one of these contracts has it checked
*and* posted in the publishing transaction; the register's own UNIQUE and CHECK may
still refuse, and then nothing of the run is published. The store holds the one mapping
from contract to table (``tasks/store/registers.py``).

Keys name the business event (the agreement, the voucher, the certificate), never a run
or its date: the same row again is a no-op, other content under the same key is refused.
Amounts are integer fen.
"""

import pandera.polars as pa
import polars as pl

PERIOD = r"^[0-9]{4}-(?:0[1-9]|1[0-2])$"
RIGHTS = ["hold", "process", "operate"]
MODES = ["free", "flat", "per_call", "per_row", "tiers", "quota"]
UNITS = ["call", "row"]
FORMS = ["bundle", "service"]
ENTITLEMENT_EVENTS = ["grant", "renew", "revoke"]
NEW_KEY = "key replaced"  # reason of a renewal that brings another key alone
OFFER_EVENTS = ["withdraw", "restore"]
LINE_KINDS = ["flat", "quota", "call", "row", "tier"]


class Right(pa.DataFrameModel):
    """One event in the life of a right over an asset (数据二十条: three rights).

    ``grant`` opens a right from ``valid_from`` to ``valid_to``; ``revoke`` ends it on
    ``effective_on``. Key: entity, certificate, right, event (one certificate may
    cover several rights).
    """

    entity: str
    asset: str
    right: str = pa.Field(isin=RIGHTS)
    event: str = pa.Field(isin=["grant", "revoke"])
    certificate: str
    holder: str
    basis: str
    scope: str
    evidence: str
    effective_on: pl.Date
    valid_from: pl.Date
    valid_to: pl.Date

    class Config:
        strict = True
        unique = ["entity", "certificate", "right", "event"]


class Cost(pa.DataFrameModel):
    """One line of a voucher: what was paid, to whom, for which pool.

    Key: entity, voucher, line.
    """

    entity: str
    voucher: str
    line: int = pa.Field(ge=1)
    pool: str
    supplier: str
    incurred_on: pl.Date
    project: str
    phase: str = pa.Field(isin=["research", "development", "operation"])
    kind: str
    amount_fen: int = pa.Field(gt=0)
    evidence: str

    class Config:
        strict = True
        unique = ["entity", "voucher", "line"]


class JournalLine(pa.DataFrameModel):
    """One line of a journal entry: debit positive, credit negative.

    The lines of an ``entry`` sum to 0. Key: entity, entry, line.
    """

    entity: str
    entry: str
    line: int = pa.Field(ge=1)
    booked_on: pl.Date
    period: str = pa.Field(str_matches=PERIOD)
    account: str
    amount_fen: int = pa.Field(ne=0)
    memo: str

    class Config:
        strict = True
        unique = ["entity", "entry", "line"]


class Pledge(pa.DataFrameModel):
    """One pledge of an asset version for a loan.

    ``cap_fen`` is the most that may ever be pledged on this asset; the register refuses
    a pledge that would exceed it, and any second one while ``exclusive``. Key: request
    (the agreement's number).
    """

    request: str
    entity: str
    asset: str
    version: str
    lender: str
    principal_fen: int = pa.Field(gt=0)
    cap_fen: int = pa.Field(gt=0)
    exclusive: bool
    pledged_on: pl.Date
    matures_on: pl.Date

    class Config:
        strict = True
        unique = ["request"]


class Order(pa.DataFrameModel):
    """What a customer ordered of a product, for which use, at the price of that day.

    ``fields`` and ``filters`` are names joined by commas, ``price`` the offer's price
    as canonical JSON; ``amount_fen`` is what the order itself costs (flat, quota),
    before any use. ``rows_limit`` null: all rows; ``quota`` null: no limit. Key: order.
    """

    order: str
    entity: str
    factor: str
    product: str
    version: str
    customer: str
    customer_code: str
    use: str
    licence: str
    fields: str
    filters: str
    rows_limit: int = pa.Field(nullable=True, gt=0)
    quota: int = pa.Field(nullable=True, gt=0)
    unit: str = pa.Field(isin=UNITS)
    price_mode: str = pa.Field(isin=MODES)
    price: str
    amount_fen: int = pa.Field(ge=0)
    valid_from: pl.Date
    valid_to: pl.Date
    ordered_on: pl.Date

    class Config:
        strict = True
        unique = ["order"]


class Entitlement(pa.DataFrameModel):
    """One event in the life of what an order entitles to.

    ``entitlement`` is the order's number. ``grant`` and ``renew`` open a term from
    ``valid_from`` to ``valid_to``, both days included, and add ``quota`` units (null:
    no limit); ``revoke`` ends all terms on ``effective_on``, the first day without.
    ``key_sha256`` is the hash of the API key; the last renewal's opens. A renewal for
    reason ``NEW_KEY`` repeats a term, adds no units, and is not invoiced. Key:
    entitlement, event, number.
    """

    entitlement: str
    event: str = pa.Field(isin=ENTITLEMENT_EVENTS)
    number: int = pa.Field(ge=1)
    key_sha256: str
    quota: int = pa.Field(nullable=True, gt=0)
    valid_from: pl.Date
    valid_to: pl.Date
    effective_on: pl.Date
    reason: str

    class Config:
        strict = True
        unique = ["entitlement", "event", "number"]


class Usage(pa.DataFrameModel):
    """One delivery as it was granted, sealed into the chain by ``meter``.

    ``at`` is UTC (``2026-07-01T12:00:00.000000Z``), ``period`` its month in the zone
    of the order's entity, ``served`` the artifact that was read. A long answer is
    granted piece by piece: its first piece counts the call, others 0. Key: delivery.
    """

    delivery: str
    entitlement: str
    at: str
    period: str = pa.Field(str_matches=PERIOD)
    form: str = pa.Field(isin=FORMS)
    calls: int = pa.Field(ge=0)
    rows: int = pa.Field(ge=0)
    bytes: int = pa.Field(ge=0)
    fields: str
    served: str

    class Config:
        strict = True
        unique = ["delivery"]


class Invoice(pa.DataFrameModel):
    """One line of an invoice: quantity × unit price, rounded half up to the fen.

    A correction is a line with the opposite quantity and amount that names the invoice
    it ``reverses``. Amounts are without tax. Key: invoice, line.
    """

    invoice: str
    line: int = pa.Field(ge=1)
    entity: str
    order: str
    period: str = pa.Field(str_matches=PERIOD)
    kind: str = pa.Field(isin=LINE_KINDS)
    quantity: int = pa.Field(ne=0)
    unit_price: str
    amount_fen: int
    issued_on: pl.Date
    reverses: str

    class Config:
        strict = True
        unique = ["invoice", "line"]


class ProductEvent(pa.DataFrameModel):
    """A product is withdrawn from sale, or offered again. Key: entity, product, number.

    ``number`` counts both kinds of event, so that two at once cannot both stand.
    """

    entity: str
    product: str
    number: int = pa.Field(ge=1)
    factor: str
    event: str = pa.Field(isin=OFFER_EVENTS)
    effective_on: pl.Date
    reason: str
    evidence: str

    class Config:
        strict = True
        unique = ["entity", "product", "number"]


REGISTERS: tuple[type[pa.DataFrameModel], ...] = (
    *(Right, Cost, JournalLine, Pledge),
    *(Order, Entitlement, Usage, Invoice, ProductEvent),
)
