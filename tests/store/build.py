"""Build publications by hand, and a small chain that ends in a loan."""

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from schemas.artifact import (
    ArtifactRef,
    CheckCount,
    Input,
    Kind,
    Made,
    Origin,
    Posting,
    Publication,
    Stage,
)
from schemas.registers import (
    Approval,
    AssetCard,
    AssetEvent,
    CollateralRoot,
    Cost,
    CoverState,
    Dispute,
    Entitlement,
    Erasure,
    Invoice,
    JournalLine,
    Loan,
    LoanFact,
    Order,
    PeriodClose,
    Pledge,
    PledgeEvent,
    ProductEvent,
    Right,
    Usage,
)
from tasks import store
from tasks.store import Store
from tasks.store.registers import ADDED

DAY = date(2026, 6, 30)
LOAN = "the loan BANK-2026-001 of 5,000,000.00"


def sha(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def made(
    s: Store,
    frame: str,
    content: pl.DataFrame | bytes,
    id: str = "",
    kind: Kind | None = None,
    origin: Origin | None = None,
    roles: tuple[str, ...] | None = None,
) -> Made:
    """Place content and name it."""
    with store.scratch(s) as folder:
        part = folder / "part"
        if isinstance(content, bytes):
            part.write_bytes(content)
        else:
            content.write_parquet(part)
        size = part.stat().st_size
        sha256 = store.place(s, part, private=frame.endswith(".rejects"))
    ref = ArtifactRef(
        id=id or sha(f"{frame} {sha256}"),
        sha256=sha256,
        name=frame,
        rows=0 if isinstance(content, bytes) else content.height,
        contract="",
        kind=kind or ("raw" if isinstance(content, bytes) else "frame"),
    )
    return Made(frame=frame, ref=ref, bytes=size, origin=origin, roles=roles)


def run(
    *artifacts: Made,
    task: str = "transform",
    stage: Stage = Stage.RESOURCE,
    inputs: dict[str, ArtifactRef] | None = None,
    register: str = "",
    **more: Any,
) -> Publication:
    """Make a publication; its last artifact is what is posted."""
    given = inputs or {}
    key = sha(f"{task} {[m.ref.id for m in artifacts]} {sorted(given)}")
    postings: tuple[Posting, ...] = ()
    if register:
        ref = artifacts[-1].ref
        postings = (Posting(register=register, artifact=ref.id, rows=ref.rows),)
    facts: dict[str, Any] = {
        "status": "COMPLETE",
        "factor": "flights",
        "key": key,
        "code": sha("code"),
        "terms": {"rate": 0.05, "name": "航班"},
    }
    return Publication(
        task=task,
        stage=stage,
        artifacts=artifacts,
        inputs=tuple(Input(role=r, id=i.id) for r, i in given.items()),
        postings=postings,
        **{**facts, **more},
    )


def frame_of(contract: Any, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Make a frame with a contract's columns and types."""
    columns = contract.to_schema().columns
    return pl.DataFrame(
        list(rows), schema={n: c.dtype.type for n, c in columns.items()}
    )


def pledge(request: str = "BANK-2026-001", **more: Any) -> dict[str, Any]:
    """Write one pledge: 5,000,000.00 under a cap of 8,000,000.00."""
    return {
        "request": request,
        "entity": "jiangbei",
        "asset": "disruption",
        "version": "1.0.0",
        "lender": "Bank of Jiangbei",
        "principal_fen": 500_000_000,
        "cap_fen": 800_000_000,
        "exclusive": False,
        "pledged_on": DAY,
        "matures_on": date(2027, 6, 30),
        "rank": 1,
        "meets_ppm": 300_000,
        "minor_ppm": 50_000,
        **more,
    }


def loan(**more: Any) -> dict[str, Any]:
    """Write the one tranche of that loan."""
    return {
        "loan": "BANK-2026-001",
        "tranche": "1",
        "entity": "jiangbei",
        "factor": "flights",
        "asset": "disruption",
        "version": "1.0.0",
        "kind": "pledge_loan",
        "lender": "Bank of Jiangbei",
        "borrower": "jiangbei",
        "borrower_code": "91110000600037341L",
        "industry": "I64",
        "amount_fen": 500_000_000,
        "signed_on": DAY,
        "matures_on": date(2027, 6, 30),
        **more,
    }


def fact(event: str = "pay", number: int = 1, **more: Any) -> dict[str, Any]:
    """Write a payment of 15,500.00."""
    return {
        "loan": "BANK-2026-001",
        "event": event,
        "number": number,
        "tranche": "1",
        "effective_on": date(2026, 7, 31),
        "amount_fen": 1_550_000,
        "name": "",
        "evidence": "bank slip 7",
        "evidence_sha256": sha("bank slip 7"),
        "reason": "",
        **more,
    }


def root(request: str = "BANK-2026-001", **more: Any) -> dict[str, Any]:
    """Write the one root of that pledge."""
    return {
        "request": request,
        "entity": "jiangbei",
        "asset": "disruption",
        "version": "1.0.0",
        "root": sha("flights.csv"),
        "place": "flights/flights!flights.csv",
        "rows": 336_776,
        "weight_ppm": 1_000_000,
        "sketch": "",
        **more,
    }


def event(
    kind: str, number: int = 1, request: str = "BANK-2026-001", **more: Any
) -> dict[str, Any]:
    """Write one event in the life of that pledge."""
    return {
        "request": request,
        "event": kind,
        "number": number,
        "effective_on": date(2026, 7, 1),
        "amount_fen": None,
        "asset": "",
        "version": "",
        "replaces": "",
        "cap_fen": None,
        "junior": "",
        "registration": "",
        "registered_at": "",
        "valid_to": None,
        "evidence": "letter 11",
        "evidence_sha256": sha("letter 11"),
        "reason": "",
        **more,
    }


def cover(number: int = 1, **more: Any) -> dict[str, Any]:
    """Write that a pledge went from normal to warning."""
    return {
        "request": "BANK-2026-001",
        "number": number,
        "watched_on": date(2026, 7, 2),
        "before": "normal",
        "state": "warning",
        "outstanding_fen": 500_000_000,
        "value_fen": 800_000_000,
        "ltv_ppm": 625_000,
        "coverage_ppm": 1_600_000,
        "repay_fen": 100_000_000,
        "top_up_fen": 200_000_000,
        "ground": "loan to value 0.625000 reached 0.600000",
        "evidence": "the valuation",
        **more,
    }


def line(number: int, amount_fen: int, entry: str = "recognise/1") -> dict[str, Any]:
    """Write one journal line."""
    return {
        "entity": "jiangbei",
        "entry": entry,
        "line": number,
        "booked_on": DAY,
        "period": "2026-06",
        "account": "1701",
        "amount_fen": amount_fen,
        "memo": "recognition",
        "asset": "disruption",
        "event": "recognise",
        "voucher": "V-1",
        "approval": "",
    }


def cost(**more: Any) -> dict[str, Any]:
    """Write one line of a voucher."""
    return {
        "entity": "jiangbei",
        "voucher": "V-1",
        "line": 1,
        "pool": "cleaning",
        "supplier": "a supplier",
        "incurred_on": DAY,
        "project": "flights",
        "phase": "development",
        "kind": "labour",
        "amount_fen": 12_345,
        "evidence": "invoice 1",
        "production_factor": "labour",
        "file_sha256": sha("invoice 1"),
        "reverses": "",
        **more,
    }


def right(**more: Any) -> dict[str, Any]:
    """Write the grant of a right."""
    return {
        "entity": "jiangbei",
        "asset": "disruption",
        "right": "hold",
        "event": "grant",
        "certificate": "C-1",
        "holder": "jiangbei",
        "basis": "collected by itself",
        "scope": "all",
        "evidence": "certificate",
        "effective_on": DAY,
        "valid_from": DAY,
        "valid_to": date(2030, 1, 1),
        "number": 1,
        "field": "insurance",
        "territory": "CN",
        "exclusive": True,
        "sublicensable": False,
        "evidence_sha256": sha("certificate"),
        **more,
    }


def dispute(event: str = "open", **more: Any) -> dict[str, Any]:
    """Write that a third party claims the data."""
    return {
        "dispute": "D-1",
        "entity": "jiangbei",
        "asset": "disruption",
        "event": event,
        "effective_on": DAY,
        "claimant": "a claimant",
        "ground": "collected from its site",
        "evidence": "letter 9",
        **more,
    }


def card(number: int = 1, **more: Any) -> dict[str, Any]:
    """Write the card of an intangible asset of five years."""
    return {
        "entity": "jiangbei",
        "asset": "disruption",
        "number": number,
        "factor": "flights",
        "product": "route-risk",
        "version": "1.0.0",
        "kind": "intangible",
        "origin": "internal",
        "serves": "customers",
        "method": "straight_line",
        "life_months": 60,
        "residual_fen": 0,
        "units": None,
        "available_from": DAY,
        "right_ends": date(2031, 6, 30),
        "effective_on": DAY,
        "life_basis": "peers",
        **more,
    }


def decision(number: str = "M-1", **more: Any) -> dict[str, Any]:
    """Write an impairment test that found 900.00 recoverable."""
    return {
        "entity": "jiangbei",
        "asset": "disruption",
        "decision": number,
        "event": "impair",
        "decided_on": DAY,
        "fair_value_fen": 90_000,
        "costs_fen": 0,
        "value_in_use_fen": 80_000,
        "proceeds_fen": None,
        "tax_fen": None,
        "counterparty": "",
        "evidence": "report 3",
        "reason": "quality fell",
        **more,
    }


def approval(**more: Any) -> dict[str, Any]:
    """Write that another person approved."""
    return {
        "entity": "jiangbei",
        "subject": sha("subject"),
        "decision": "approve",
        "preparer_key": sha("preparer"),
        "approver_key": sha("approver"),
        "approver": "the controller",
        "decided_on": DAY,
        "note": "",
        "signature": "00",
        **more,
    }


def closing(period: str = "2026-06", **more: Any) -> dict[str, Any]:
    """Write that a month is closed."""
    return {
        "entity": "jiangbei",
        "period": period,
        "closed_on": date(2026, 7, 1),
        "entries": 1,
        "trial_balance_sha256": sha("trial balance"),
        **more,
    }


def order(number: str = "SO-1", **more: Any) -> dict[str, Any]:
    """Write an order of 100 calls for 300.00 in the second half of 2026."""
    return {
        "order": number,
        "entity": "jiangbei",
        "factor": "flights",
        "product": "route-risk",
        "version": "1.0.0",
        "customer": "a customer",
        "customer_code": "91110000600037341L",
        "use": "pricing",
        "licence": "terms",
        "fields": "route,rate",
        "filters": "",
        "rows_limit": None,
        "quota": 100,
        "unit": "call",
        "price_mode": "quota",
        "price": "{}",
        "amount_fen": 30_000,
        "valid_from": date(2026, 7, 1),
        "valid_to": date(2026, 12, 31),
        "ordered_on": DAY,
        **more,
    }


def entitlement(event: str = "grant", number: int = 1, **more: Any) -> dict[str, Any]:
    """Write one event of the entitlement of that order."""
    return {
        "entitlement": "SO-1",
        "event": event,
        "number": number,
        "key_sha256": sha("key"),
        "quota": 100,
        "valid_from": date(2026, 7, 1),
        "valid_to": date(2026, 12, 31),
        "effective_on": DAY,
        "reason": "",
        **more,
    }


def usage(delivery: str = "D-1", **more: Any) -> dict[str, Any]:
    """Write one delivery of seven rows."""
    return {
        "delivery": delivery,
        "entitlement": "SO-1",
        "at": "2026-07-01T01:00:00.000000Z",
        "period": "2026-07",
        "form": "service",
        "calls": 1,
        "rows": 7,
        "bytes": 210,
        "fields": "route,rate",
        "served": sha("served"),
        **more,
    }


def invoice(number: int = 1, **more: Any) -> dict[str, Any]:
    """Write one line of an invoice."""
    return {
        "invoice": "SO-1/2026-07",
        "line": number,
        "entity": "jiangbei",
        "order": "SO-1",
        "period": "2026-07",
        "kind": "quota",
        "quantity": 1,
        "unit_price": "300.00",
        "amount_fen": 30_000,
        "issued_on": date(2026, 8, 1),
        "reverses": "",
        **more,
    }


def withdrawal(number: int = 1, **more: Any) -> dict[str, Any]:
    """Write that a product is no longer offered."""
    return {
        "entity": "jiangbei",
        "product": "route-risk",
        "number": number,
        "factor": "flights",
        "event": "withdraw",
        "effective_on": DAY,
        "reason": "the source is disputed",
        "evidence": "letter 7",
        **more,
    }


def erasure(**more: Any) -> dict[str, Any]:
    """Write that bytes which no artifact has were removed."""
    return {
        "subject": sha("a person"),
        "sha256": sha("a person's file"),
        "kind": "raw",
        "name": "flights/resource/people",
        "erased_on": DAY,
        "reason": "request 12",
        "person": "the officer",
        **more,
    }


def sold_product(s: Store) -> None:
    """Publish the product that ``usage`` says was served."""
    rows = pl.DataFrame({"route": ["JFK-LAX"], "rate": [1]})
    product = made(s, "product", rows, sha("served"))
    store.publish(s, run(product, task="productize", stage=Stage.PRODUCT))


SAMPLES: dict[Any, dict[str, Any]] = {
    Right: right(),
    Dispute: dispute(),
    Cost: cost(),
    AssetCard: card(),
    AssetEvent: decision(),
    Approval: approval(),
    JournalLine: line(1, 100),
    PeriodClose: closing(),
    Loan: loan(),
    LoanFact: fact(),
    CollateralRoot: root(),
    Pledge: pledge(),
    PledgeEvent: event("perfect"),
    CoverState: cover(),
    Order: order(),
    Entitlement: entitlement(),
    Usage: usage(),
    Invoice: invoice(),
    ProductEvent: withdrawal(),
    Erasure: erasure(),
}
REJECTED = pl.DataFrame(
    {
        "_source": ["flights", "flights"],
        "_member": ["flights.csv", "flights.csv"],
        "_line": [3, 9],
        "_reasons": [0b101, 0b010],
        "distance": ["x7", "-1"],
    }
)


def post_row(s: Store, contract: Any, row: dict[str, Any], task: str) -> Any:
    """Publish a run that posts one row."""
    name = contract.__name__
    posted = made(s, "pledge", frame_of(contract, [row]), sha(f"{task} {name} {row}"))
    return store.publish(s, run(posted, task=task, stage=Stage.CAPITAL, register=name))


def post_pledge(s: Store, row: dict[str, Any], task: str = "capitalize") -> Any:
    """Publish a run that posts one pledge."""
    return post_row(s, Pledge, row, task)


def aged(frame: pl.DataFrame, contract: Any, old: bool) -> pl.DataFrame:
    """Leave out the columns that a register gained later, if a frame is to be old."""
    return frame.drop(ADDED[contract]) if old else frame


def chain(s: Store, folder: Path, *, old: bool = False) -> dict[str, Any]:
    """Publish raw bytes → resource → product → journal → pledge, as five runs.

    ``old``: the frames of journal and pledge lack what their registers gained later.
    """
    file = folder / "flights.csv"
    file.write_bytes(b"flight,distance\n1,100\n2,x7\n")
    origin = Origin(
        path="flights.csv", file_sha256=store.digest(file), member="", licence="CC0"
    )
    refs: dict[str, ArtifactRef] = {}

    def step(publication: Publication) -> None:
        refs.update(store.publish(s, publication).refs)

    raw = made(s, "flights", file.read_bytes(), origin=origin)
    step(run(raw, task="collect"))
    resource = made(s, "resource", pl.DataFrame({"flight": [1], "distance": [100]}))
    counts = [("flights", c, 2, n) for c, n in (("a", 1), ("b", 1), ("c", 1))]
    step(
        run(
            made(s, "flights.rejects", REJECTED),
            resource,
            inputs={"sources.flights": refs["flights"]},
            checks=tuple(
                CheckCount(frame=f, check=c, examined=e, failed=n)
                for f, c, e, n in counts
            ),
        )
    )
    product = made(s, "product", pl.DataFrame({"route": ["JFK-LAX"], "rate": [1]}))
    inputs = {"resource": refs["resource"]}
    step(run(product, task="productize", stage=Stage.PRODUCT, inputs=inputs))
    lines = frame_of(JournalLine, [line(1, 120_000), line(2, -120_000)])
    step(
        run(
            made(s, "journal", aged(lines, JournalLine, old)),
            task="assetize",
            stage=Stage.ASSET,
            inputs={"product": refs["product"]},
            register="JournalLine",
        )
    )
    pledged = frame_of(Pledge, [pledge()])
    step(
        run(
            made(s, "pledge", aged(pledged, Pledge, old)),
            task="capitalize",
            stage=Stage.CAPITAL,
            inputs={"valuation": refs["journal"]},
            register="Pledge",
        )
    )
    return refs
