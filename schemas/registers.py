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

from schemas.portfolio import STATES
from schemas.quality import WHOLE

PERIOD = r"^[0-9]{4}-(?:0[1-9]|1[0-2])$"
HEX = r"^(?:[0-9a-f]{64})?$"  # a sha256, or nothing
RIGHTS = ["hold", "process", "operate"]
RIGHT_EVENTS = ["grant", "change", "transfer", "renew", "revoke"]
DISPUTE_EVENTS = ["open", "lift"]
PRODUCTION_FACTORS = ["labour", "capital", "technology", "data", "service"]
EVENTS = [
    *("incur", "recognise", "expense", "amortise", "impair", "provision", "restore"),
    *("sell", "revenue", "dispose", "expire", "contribute", "transfer", "reverse"),
    *("borrow", "interest", "fee", "repay", "collect", "distribute"),
]
KINDS = ["intangible", "development expenditure", "inventory", "not recognised"]
ORIGINS = ["purchase", "internal", "other"]
SERVES = ["customers", "management", "sales", "development"]
METHODS = [
    *("straight_line", "units_of_use", "sum_of_years", "declining_balance", "none"),
]
DECISIONS = ["impair", "provision", "dispose", "expire", "contribute"]
LEAVING = ["dispose", "contribute", "expire"]  # after which the asset is gone
MODES = ["free", "flat", "per_call", "per_row", "tiers", "quota"]
UNITS = ["call", "row"]
FORMS = ["bundle", "service"]
ENTITLEMENT_EVENTS = ["grant", "renew", "revoke"]
NEW_KEY = "key replaced"  # reason of a renewal that brings another key alone
OFFER_EVENTS = ["withdraw", "restore"]
LINE_KINDS = ["flat", "quota", "call", "row", "tier"]
LOAN_KINDS = ["pledge_loan", "unsecured_line", "facility"]
LOAN_EVENTS = ["condition", "draw", "pay", "fee", "waive"]
PLEDGE_EVENTS = [
    *("perfect", "extend", "consent", "add", "substitute", "release_part"),
    *("cancel", "release", "step_in"),
]
COVER_STATES = [*STATES]


class Right(pa.DataFrameModel):
    """One event in the life of a right over an asset (数据二十条: three rights).

    ``grant`` 初始登记 opens a right from ``valid_from`` to ``valid_to``; ``change``
    变更, ``transfer`` 转移 and ``renew`` 续期 say from ``effective_on`` what holds
    instead; ``revoke`` 注销 ends it on ``effective_on``. ``number`` counts the events
    of a kind. Key: entity, certificate, right, event, number (one certificate may
    cover several rights).
    """

    entity: str
    asset: str
    right: str = pa.Field(isin=RIGHTS)
    event: str = pa.Field(isin=RIGHT_EVENTS)
    certificate: str
    holder: str
    basis: str
    scope: str
    evidence: str
    effective_on: pl.Date
    valid_from: pl.Date
    valid_to: pl.Date
    number: int = pa.Field(ge=1)
    field: str
    territory: str
    exclusive: bool
    sublicensable: bool
    evidence_sha256: str = pa.Field(str_matches=HEX)

    class Config:
        strict = True
        unique = ["entity", "certificate", "right", "event", "number"]


class Dispute(pa.DataFrameModel):
    """A dispute over an asset is opened, or lifted; open, it shuts every gate.

    ``asset`` is the name of the asset, or of the factor it is made of. Key: dispute,
    event.
    """

    dispute: str
    entity: str
    asset: str
    event: str = pa.Field(isin=DISPUTE_EVENTS)
    effective_on: pl.Date
    claimant: str
    ground: str
    evidence: str

    class Config:
        strict = True
        unique = ["dispute", "event"]


class Cost(pa.DataFrameModel):
    """One line of a voucher: what was paid, to whom, for which pool.

    A negative amount names in ``reverses`` the ``voucher/line`` that it takes back.
    ``file_sha256`` is the digest of the voucher's file. Key: entity, voucher, line.
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
    amount_fen: int = pa.Field(ne=0)
    evidence: str
    production_factor: str = pa.Field(isin=PRODUCTION_FACTORS)
    file_sha256: str = pa.Field(str_matches=HEX)
    reverses: str

    class Config:
        strict = True
        unique = ["entity", "voucher", "line"]


class JournalLine(pa.DataFrameModel):
    """One line of a journal entry: debit positive, credit negative.

    The lines of an ``entry`` sum to 0. ``asset`` is empty where none is concerned,
    ``voucher`` the number of the document behind it 原始凭证, ``approval`` the digest
    that was approved, empty below the threshold. Key: entity, entry, line.
    """

    entity: str
    entry: str
    line: int = pa.Field(ge=1)
    booked_on: pl.Date
    period: str = pa.Field(str_matches=PERIOD)
    account: str
    amount_fen: int = pa.Field(ne=0)
    memo: str
    asset: str
    event: str = pa.Field(isin=EVENTS)
    voucher: str
    approval: str = pa.Field(str_matches=HEX)

    class Config:
        strict = True
        unique = ["entity", "entry", "line"]


class AssetCard(pa.DataFrameModel):
    """How an asset is carried 资产卡片, as estimated from ``effective_on``.

    A change of estimate is the next ``number``; it works forward only (CAS 28 art. 9).
    ``life_months`` null is an indefinite life, ``units`` what it will serve in all
    where the method is units of use, ``right_ends`` the last day of the right to
    operate. ``serves`` decides which expense bears the amortisation. Key: entity,
    asset, number.
    """

    entity: str
    asset: str
    number: int = pa.Field(ge=1)
    factor: str
    product: str
    version: str
    kind: str = pa.Field(isin=KINDS)
    origin: str = pa.Field(isin=ORIGINS)
    serves: str = pa.Field(isin=SERVES)
    method: str = pa.Field(isin=METHODS)
    life_months: int = pa.Field(nullable=True, gt=0)
    residual_fen: int = pa.Field(ge=0)
    units: int = pa.Field(nullable=True, gt=0)
    available_from: pl.Date = pa.Field(nullable=True)
    right_ends: pl.Date = pa.Field(nullable=True)
    effective_on: pl.Date
    life_basis: str

    class Config:
        strict = True
        unique = ["entity", "asset", "number"]


class AssetEvent(pa.DataFrameModel):
    """What a person decided of an asset after recognition, and on which figures.

    ``impair``: recoverable is the higher of ``fair_value_fen`` less ``costs_fen`` and
    ``value_in_use_fen`` (CAS 8 art. 6). ``provision``: net realisable value is the
    price ``fair_value_fen`` less ``costs_fen`` (completion, selling) and ``tax_fen``
    (CAS 1 art. 15). ``dispose`` and ``contribute`` bring ``proceeds_fen`` without
    ``tax_fen``. Null where not asked. Key: entity, asset, decision.
    """

    entity: str
    asset: str
    decision: str
    event: str = pa.Field(isin=DECISIONS)
    decided_on: pl.Date
    fair_value_fen: int = pa.Field(nullable=True, ge=0)
    costs_fen: int = pa.Field(nullable=True, ge=0)
    value_in_use_fen: int = pa.Field(nullable=True, ge=0)
    proceeds_fen: int = pa.Field(nullable=True, ge=0)
    tax_fen: int = pa.Field(nullable=True, ge=0)
    counterparty: str
    evidence: str
    reason: str

    class Config:
        strict = True
        unique = ["entity", "asset", "decision"]


class Approval(pa.DataFrameModel):
    """A person's signed decision over the digest of what shall be posted.

    ``signature`` is Ed25519 over the canonical JSON of all other columns. The database
    refuses an approver who prepared it. Key: subject, approver_key.
    """

    entity: str
    subject: str = pa.Field(str_matches=HEX)
    decision: str = pa.Field(isin=["approve", "reject"])
    preparer_key: str = pa.Field(str_matches=HEX)
    approver_key: str = pa.Field(str_matches=HEX)
    approver: str
    decided_on: pl.Date
    note: str
    signature: str

    class Config:
        strict = True
        unique = ["subject", "approver_key"]


class PeriodClose(pa.DataFrameModel):
    """A month that is closed: its entity posts nothing there or before any more.

    Key: entity, period.
    """

    entity: str
    period: str = pa.Field(str_matches=PERIOD)
    closed_on: pl.Date
    entries: int = pa.Field(ge=0)
    trial_balance_sha256: str = pa.Field(str_matches=HEX)

    class Config:
        strict = True
        unique = ["entity", "period"]


class Loan(pa.DataFrameModel):
    """One tranche of a loan as it was agreed; a plain loan has the tranche ``1``.

    ``kind``: a loan on a pledge 质押贷款, an unsecured line with data as evidence 增信,
    or a facility of several lenders 银团. ``asset`` is what it rests on, or what its
    evidence speaks of. Key: loan (the agreement's number), tranche.
    """

    loan: str
    tranche: str
    entity: str
    factor: str
    asset: str
    version: str
    kind: str = pa.Field(isin=LOAN_KINDS)
    lender: str
    borrower: str
    borrower_code: str
    industry: str
    amount_fen: int = pa.Field(gt=0)
    signed_on: pl.Date
    matures_on: pl.Date

    class Config:
        strict = True
        unique = ["loan", "tranche"]


class LoanFact(pa.DataFrameModel):
    """What happened to a loan, with its voucher.

    ``condition``: the condition precedent ``name`` is met; ``draw``: ``amount_fen`` was
    paid out; ``pay``: the borrower paid; ``fee``: a fee ``name`` fell due; ``waive``:
    the lender waives a default, for ``reason``. ``number`` counts the events of a kind.
    A payment is never dated before the one recorded last. Key: loan, event, number.
    """

    loan: str
    event: str = pa.Field(isin=LOAN_EVENTS)
    number: int = pa.Field(ge=1)
    tranche: str
    effective_on: pl.Date
    amount_fen: int = pa.Field(nullable=True, gt=0)
    name: str
    evidence: str
    evidence_sha256: str = pa.Field(str_matches=HEX)
    reason: str

    class Config:
        strict = True
        unique = ["loan", "event", "number"]


class Pledge(pa.DataFrameModel):
    """One pledge of an asset version for a loan.

    ``cap_fen`` is the most that may ever be secured by this asset; the register refuses
    a pledge that would exceed it, and any second one while ``exclusive``, save one of a
    lower ``rank`` (1 is the senior) with the recorded consent of those before it.
    Assets that share source roots count as one: ``meets_ppm`` is the overlap from which
    a root is the same, ``minor_ppm`` the share of a product's rows below which a root
    is a small reference table that joins nothing. Key: request (the agreement's
    number).
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
    rank: int = pa.Field(ge=1)
    meets_ppm: int = pa.Field(gt=0, le=WHOLE)
    minor_ppm: int = pa.Field(ge=0, le=WHOLE)

    class Config:
        strict = True
        unique = ["request"]


class CollateralRoot(pa.DataFrameModel):
    """A table of source bytes that a pledged asset rests on.

    ``root`` is the sha256 of the decompressed member, ``place`` where it was found,
    ``weight_ppm`` its rows over those of the product, at most all of them, ``sketch`` a
    sample of its row hashes, by which the same data is known in another dress. Data
    that changes under a live pledge adds roots. Key: request, asset, root.
    """

    request: str
    entity: str
    asset: str
    version: str
    root: str = pa.Field(str_matches=r"^[0-9a-f]{64}$")
    place: str
    rows: int = pa.Field(ge=0)
    weight_ppm: int = pa.Field(ge=0, le=WHOLE)
    sketch: str

    class Config:
        strict = True
        unique = ["request", "asset", "root"]


class PledgeEvent(pa.DataFrameModel):
    """One event in the life of a pledge.

    ``perfect`` records the external registration 登记 (number, time, digest of the
    search result), valid to ``valid_to``; until then, and after it, the pledge is
    unperfected. ``extend`` prolongs it. ``consent``: the senior lender lets ``junior``
    (the number of another agreement) secure up to ``amount_fen`` behind it. ``add`` and
    ``substitute`` secure ``amount_fen`` by ``asset`` instead of by ``replaces``:
    some of it, or all. ``release_part`` lets go of ``amount_fen`` on ``asset``;
    ``cancel`` records that the external entry was cancelled 注销登记, and only then may
    ``release`` follow, which ends the pledge. ``step_in``: the lender took the right to
    operate over. Key: request, event, number.
    """

    request: str
    event: str = pa.Field(isin=PLEDGE_EVENTS)
    number: int = pa.Field(ge=1)
    effective_on: pl.Date
    amount_fen: int = pa.Field(nullable=True, gt=0)
    asset: str
    version: str
    replaces: str
    cap_fen: int = pa.Field(nullable=True, gt=0)
    junior: str
    registration: str
    registered_at: str
    valid_to: pl.Date = pa.Field(nullable=True)
    evidence: str
    evidence_sha256: str = pa.Field(str_matches=HEX)
    reason: str

    class Config:
        strict = True
        unique = ["request", "event", "number"]


class CoverState(pa.DataFrameModel):
    """A change in how a pledge covers its loan, as the watch found it.

    ``value_fen``, the ratios and the cures are null where the value cannot be shown.
    ``ground`` holds every ground, joined by "; ". Key: request, number.
    """

    request: str
    number: int = pa.Field(ge=1)
    watched_on: pl.Date
    before: str = pa.Field(isin=COVER_STATES)
    state: str = pa.Field(isin=COVER_STATES)
    outstanding_fen: int = pa.Field(ge=0)
    value_fen: int = pa.Field(nullable=True, ge=0)
    ltv_ppm: int = pa.Field(nullable=True, ge=0)
    coverage_ppm: int = pa.Field(nullable=True, ge=0)
    repay_fen: int = pa.Field(nullable=True, ge=0)
    top_up_fen: int = pa.Field(nullable=True, ge=0)
    ground: str
    evidence: str

    class Config:
        strict = True
        unique = ["request", "number"]


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


class Erasure(pa.DataFrameModel):
    """An artifact's bytes were removed for good 清除; its hash and lineage stay.

    ``subject`` is its id, ``name`` what it was (``factor/stage/frame``), ``person`` who
    removed it. Raw bytes never come back, whoever brings them; a frame may be made
    again of other inputs, where what had to go is missing. Key: subject.
    """

    subject: str = pa.Field(str_matches=r"^[0-9a-f]{64}$")
    sha256: str = pa.Field(str_matches=r"^[0-9a-f]{64}$")
    kind: str = pa.Field(isin=["raw", "frame", "manifest", "document"])
    name: str
    erased_on: pl.Date
    reason: str
    person: str

    class Config:
        strict = True
        unique = ["subject"]


REGISTERS: tuple[type[pa.DataFrameModel], ...] = (
    *(Right, Dispute, Cost, AssetCard, AssetEvent, Approval),
    *(JournalLine, PeriodClose),
    *(Loan, LoanFact, CollateralRoot, Pledge, PledgeEvent, CoverState),
    *(Order, Entitlement, Usage, Invoice, ProductEvent),
    Erasure,
)
