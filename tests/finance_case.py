"""Build what the third and fourth stage are given: terms, vouchers, rights, pledges.

The base case is ACC-09 of the project's oracles: 200,000.00 of research, 80,000.00 of
development before the five conditions are met, 600,000.00 after, 20,000.00 of training,
ready on 2025-04-18. Dates the oracle leaves open are chosen here.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from schemas.asset import Asset, AssetTerms, Valuation
from schemas.capital import Capital, CapitalTerms
from schemas.collateral import Fingerprint
from schemas.contract import frame_of
from schemas.cost import DriverCount
from schemas.entity import CHART
from schemas.gates import Gates
from schemas.policy import AssetRules, CapitalRules
from schemas.quality import Indicator, Score
from schemas.registers import (
    AssetCard,
    Cost,
    JournalLine,
    Loan,
    PeriodClose,
    Pledge,
    Right,
)
from tasks.asset.assetize import assetize
from tasks.capital.capitalize import capitalize
from tasks.capital.others import survey
from tasks.rights import UNDISPUTED

HOLDER = "Jiangbei Data (illustrative)"
CODE = "91110000600037341L"  # ID-02
ACCOUNTS = dict(CHART)
CONDITIONS = [
    "technical_feasibility",
    "intention_to_complete",
    "way_to_benefit",
    "resources_and_ability",
    "reliable_measurement",
]
VOUCHER = {
    "voucher": pl.String,
    "line": pl.Int64,
    "pool": pl.String,
    "supplier": pl.String,
    "incurred_on": pl.Date,
    "project": pl.String,
    "phase": pl.String,
    "kind": pl.String,
    "amount": pl.Int64,
    "evidence": pl.String,
    "production_factor": pl.String,
    "file_sha256": pl.String,
    "reverses": pl.String,
    "tax": pl.Int64,
}
YES = {"answer": True, "evidence": "E-1"}
NO = {"answer": False, "evidence": "E-2"}
AS_OF = date(2025, 4, 30)


def voucher(
    number: str,
    on: date,
    phase: str,
    kind: str,
    amount: int,
    evidence: str | None = "INV",
    *,
    pool: str = "index",
    reverses: str = "",
    tax: int | None = None,
    sha256: str = "",
) -> tuple[Any, ...]:
    """One voucher line of the index's own pool; amount and tax in fen."""
    return (
        number,
        1,
        pool,
        "Supplier",
        on,
        "P",
        phase,
        kind,
        amount,
        f"INV-{number}" if evidence == "INV" else evidence,
        "service",
        sha256,
        reverses,
        tax,
    )


ACC_09 = (
    voucher("V1", date(2024, 11, 30), "research", "staff", 20_000_000),
    voucher("V2", date(2025, 1, 14), "development", "staff", 8_000_000),
    voucher("V3", date(2025, 1, 15), "development", "staff", 36_000_000),
    voucher("V4", date(2025, 2, 28), "development", "cloud", 12_000_000),
    voucher("V5", date(2025, 3, 31), "development", "labelling", 9_000_000),
    voucher("V6", date(2025, 4, 18), "development", "registration", 3_000_000),
    voucher("V7", date(2025, 4, 20), "operation", "training", 2_000_000),
)


def facts(**changed: Any) -> dict[str, Any]:
    """What the recognition tree is told."""
    proof = {"evidence": "E-3", "evidence_sha256": "e3" * 32, "signer": "CFO"}
    met = [{"condition": c, "met_on": "2025-01-10", **proof} for c in CONDITIONS]
    met[2]["met_on"] = "2025-01-15"
    return {
        "origin": "internal",
        "purpose": "use",
        "controlled": YES,
        "past_transaction": YES,
        "probable_benefit": YES,
        "measurable": YES,
        "charged": YES,
        "identifiable": YES,
        "conditions": met,
        "available_from": "2025-04-18",
    } | changed


def right(kind: str, **changed: Any) -> dict[str, Any]:
    """One right as the document grants it."""
    return {
        "right": kind,
        "certificate": f"C-{kind}",
        "holder": HOLDER,
        "basis": "collection",
        "scope": "insurance",
        "evidence": f"CERT-{kind}",
        "valid_from": "2025-01-01",
        "valid_to": "2031-12-31",
    } | changed


def sourced(**figure: Any) -> dict[str, Any]:
    """A figure with where it comes from."""
    said = {"source": "E-4", "dated": "2025-04-01", "derivation": "as the source says"}
    return said | figure


def income(**changed: Any) -> dict[str, Any]:
    """VAL-06 of the oracles: 764,964.47."""
    return {
        "method": "direct",
        "weight": "1",
        "tax": "pre-tax",
        "prices": "nominal",
        "rate": {
            "tax": "pre-tax",
            "prices": "nominal",
            "parts": {
                "risk_free": sourced(value="0.02"),
                "risk": sourced(value="0.10"),
            },
        },
        "forecast": {
            "measure": "revenue",
            "inflow": sourced(values=["300000", "320000", "340000"]),
        },
    } | changed


def appraisal(*methods: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """One report: by VAL-06 alone, if no other methods are given."""
    used = methods or (income(),)
    kinds = {"replacement_cost": "cost", "comparable_deals": "market"}
    approaches = {kinds.get(str(m["method"]), "income") for m in used}
    unused = {"cost", "income", "market"} - approaches
    stated: dict[str, Any] = {
        "appraiser": "Appraisers (illustrative)",
        "report": "R-1",
        "signers": [
            {"name": "Appraiser A", "registration": "1"},
            {"name": "Appraiser B", "registration": "2"},
        ],
        "valuation_date": "2025-04-20",
        "reported_on": "2025-04-20",
        "purpose": "pledge",
        "value_type": "market value",
        "premises": "three licences",
        "methods": list(used),
        "weights_because": "one tells more",
        "not_used": dict.fromkeys(sorted(unused), "no figures"),
    }
    if "income" in approaches:
        stated["economic_life"] = sourced(value="60")
    return stated | changed


def asset_terms(**changed: Any) -> AssetTerms:
    """The terms of ACC-09, with policy, entity and product filled in."""
    stated: dict[str, Any] = {
        "factor": "index",
        "entity": "jiangbei",
        "product": "index",
        "product_version": "1.0.0",
        "name": "index-asset",
        "version": "1.0.0",
        "rights": [right("hold"), right("process"), right("operate")],
        "costs": {"path": "vouchers.csv", "licence": "own books"},
        "pools": {"index": {"index": "1"}},
        "recognition": facts(),
        "amortization": {
            "method": "straight_line",
            "life_months": 60,
            "life_basis": "peers",
        },
        "appraisal": [appraisal()],
        "accounts": ACCOUNTS,
        "rules": AssetRules(
            policy="test-policy",
            applies_from=date(2024, 1, 1),
            recognition_from=date(2024, 1, 1),
            appraisal_valid_months=12,
            approval_above=Decimal("5000000.00"),
        ),
    }
    return AssetTerms.model_validate(stated | changed)


def vouchers(rows: Sequence[tuple[Any, ...]] = ACC_09) -> pl.LazyFrame:
    """Vouchers as the seam parses them."""
    return pl.DataFrame(list(rows), schema=VOUCHER, orient="row").lazy()


def right_event(kind: str, event: str = "grant", **changed: Any) -> tuple[Any, ...]:
    """One row of the register of rights."""
    row = {
        "entity": "jiangbei",
        "asset": "index-asset",
        "right": kind,
        "event": event,
        "certificate": f"C-{kind}",
        "holder": HOLDER,
        "basis": "collection",
        "scope": "insurance",
        "evidence": f"CERT-{kind}",
        "effective_on": date(2025, 1, 1),
        "valid_from": date(2025, 1, 1),
        "valid_to": date(2031, 12, 31),
        "number": 1,
        "field": "",
        "territory": "",
        "exclusive": False,
        "sublicensable": False,
        "evidence_sha256": "",
    }
    return tuple((row | changed).values())


def make_asset(
    terms: AssetTerms | None = None,
    rows: Sequence[tuple[Any, ...]] = ACC_09,
    rights: Sequence[tuple[Any, ...]] = (),
    as_of: date = AS_OF,
    product_rows: int = 3,
    cards: pl.DataFrame | None = None,
    score: pl.LazyFrame | None = None,
    drivers: Sequence[tuple[Any, ...]] = (),
    closed: pl.DataFrame | None = None,
    spent: pl.DataFrame | None = None,
    disputes: pl.LazyFrame = UNDISPUTED,
) -> Asset:
    """Run the third stage."""
    product = pl.LazyFrame({"route": range(product_rows)})
    posted = frame_of(Right, rights).lazy()
    before = (frame_of(AssetCard, []) if cards is None else cards).lazy()
    terms = terms or asset_terms()
    held = scored() if score is None else score
    counted = {"measured": frame_of(DriverCount, drivers).lazy()}
    given = (product, vouchers(rows), posted, before, held, terms, as_of)
    done = (frame_of(PeriodClose, []) if closed is None else closed).lazy()
    counts = counted if drivers else {}
    known = (frame_of(Cost, []) if spent is None else spent).lazy()
    return assetize(*given, counts, disputes=disputes, closed=done, spent=known)


DRAWDOWN = date(2025, 6, 20)


def capital_terms(**changed: Any) -> CapitalTerms:
    """LOAN-03 of the oracles."""
    stated: dict[str, Any] = {
        "factor": "index",
        "entity": "jiangbei",
        "asset": "index-asset",
        "version": "1.0.0",
        "kind": "pledge_loan",
        "agreement": "LOAN-1",
        "lender": "Bank (illustrative)",
        "borrower": {"name": HOLDER, "credit_code": CODE},
        "principal": "5000000.00",
        "annual_rate": "0.036",
        "months": 12,
        "method": "equal_principal",
        "drawdown": DRAWDOWN,
        "renewed": {"rain": "P1D"},
        "accounts": ACCOUNTS,
        "rules": lender_rules(),
    }
    return CapitalTerms.model_validate(stated | changed)


def lender_rules(**changed: Any) -> CapitalRules:
    """COL-01's loan is 0.557538 of the value, so the case's policy allows 0.60."""
    stated: dict[str, Any] = {
        "policy": "test-policy",
        "applies_from": date(2024, 1, 1),
        "max_ltv": "0.60",
        "exclusive_pledge": True,
        "root_overlap": "0.30",
        "reference_share": "0.05",
        "recognised_only": True,
        "refused_grades": "core",
        "free_supplies": "open, shared, authorised-free",
        "refused_issuers": "11",
        "disposal_needs": "sublicensable",
        "min_quality": "0.60",
        "min_dscr": "1.20",
        "dscr_above": "10000000.00",
        "borrower_limit": "300000000.00",
        "industry_limit": "1000000000.00",
        "lender_limit": "500000000.00",
    }
    return CapitalRules.model_validate(stated | changed)


def valued(**changed: Any) -> pl.LazyFrame:
    """The valuation of COL-01 of the oracles: 8,968,000.00 appraised."""
    row = {
        "entity": "jiangbei",
        "asset": "index-asset",
        "version": "1.0.0",
        "outcome": "intangible",
        "charged": True,
        "book_fen": 60_000_000,
        "appraised_fen": 896_800_000,
        "approach": "income",
        "appraiser": "Appraisers (illustrative)",
        "report": "R-1",
        "appraised_on": date(2025, 6, 1),
        "valid_to": date(2026, 5, 31),
    }
    return frame_of(Valuation, [tuple((row | changed).values())]).lazy()


def pledged(**changed: Any) -> tuple[Any, ...]:
    """The pledge that LOAN-1 makes: cap 0.60 × 8,968,000.00 = 5,380,800.00."""
    row = {
        "request": "LOAN-1",
        "entity": "jiangbei",
        "asset": "index-asset",
        "version": "1.0.0",
        "lender": "Bank (illustrative)",
        "principal_fen": 500_000_000,
        "cap_fen": 538_080_000,
        "exclusive": True,
        "pledged_on": DRAWDOWN,
        "matures_on": date(2026, 6, 20),
        "rank": 1,
        "meets_ppm": 300_000,
        "minor_ppm": 50_000,
    }
    return tuple((row | changed).values())


def happened(event: str, **changed: Any) -> tuple[Any, ...]:
    """What happened to LOAN-1's pledge."""
    row = {
        "request": "LOAN-1",
        "event": event,
        "number": 1,
        "effective_on": DRAWDOWN,
        "amount_fen": None,
        "asset": "",
        "version": "",
        "replaces": "",
        "cap_fen": None,
        "junior": "",
        "registration": "",
        "registered_at": "",
        "valid_to": None,
        "evidence": "E-5",
        "evidence_sha256": "",
        "reason": "",
    }
    return tuple((row | changed).values())


def posted(*sides: tuple[str, int]) -> pl.DataFrame:
    """Lines of the asset as they stand in the journal: account and fen of each."""
    when, why = (date(2025, 5, 31), "2025-05"), ("index-asset", "recognise", "V", "")
    rows = [
        ("jiangbei", f"entry-{n}", 1, *when, account, fen, "as posted", *why)
        for n, (account, fen) in enumerate(sides, 1)
    ]
    return frame_of(JournalLine, rows)


CARRIED = posted(("1701", 60_000_000))


def make_capital(
    valuation: pl.LazyFrame | None = None,
    rights: Sequence[tuple[Any, ...]] | None = None,
    pledges: Sequence[tuple[Any, ...]] = (),
    journal: pl.DataFrame = CARRIED,
    terms: CapitalTerms | None = None,
    as_of: date = DRAWDOWN,
    score: pl.LazyFrame | None = None,
    disputes: pl.LazyFrame = UNDISPUTED,
    beside: Sequence[tuple[Any, ...]] = (),
    owing: Sequence[tuple[Any, ...]] = (),
    **shown: pl.LazyFrame,
) -> Capital:
    """Run the fourth stage.

    Args:
        beside: Other pledges, of which the survey finds what meets.
        owing: Other loans, of which it finds what counts.
        shown: What is handed over instead of what opens every gate.
    """
    events = [operating()] if rights is None else rights
    asked = terms or capital_terms()
    given = {
        "roots": rooted(),
        "quality": renewed(as_of),
        "offered": offered(),
        **around(asked, as_of, beside, owing),
    }
    return capitalize(
        valued() if valuation is None else valuation,
        frame_of(Right, events).lazy(),
        frame_of(Pledge, pledges).lazy(),
        journal.lazy(),
        scored() if score is None else score,
        asked,
        as_of,
        disputes,
        **(given | shown),
    )


def operating(**changed: Any) -> tuple[Any, ...]:
    """The right to operate, which may be handed over."""
    return right_event("operate", **({"sublicensable": True} | changed))


def around(
    terms: CapitalTerms,
    as_of: date,
    beside: Sequence[tuple[Any, ...]] = (),
    lent: Sequence[tuple[Any, ...]] = (),
) -> dict[str, pl.LazyFrame]:
    """What the survey finds beside a loan, all of it by the asset's own name."""
    if terms.rules is None:
        return {}
    pledges, loans = frame_of(Pledge, beside), frame_of(Loan, lent)
    found = survey(terms, as_of, pledges.lazy(), loans=loans.lazy())
    return found._asdict()


def rooted() -> pl.LazyFrame:
    """One source table of 1,000 rows."""
    row = ("a" * 64, "index/rain!rain.csv", 1_000, 1_000_000, "")
    return frame_of(Fingerprint, [row]).lazy()


def renewed(on: date, a: int = 1, b: int = 1) -> pl.LazyFrame:
    """Indicator 0502: ``a`` of ``b`` rules of age are kept."""
    named = ("0502", "timeliness", "punctuality", "时间及时性")
    row = ("index", on, *named, a, b, "higher", None, "currentness", "rules of renewed")
    return frame_of(Indicator, [row]).lazy()


def offered(*but: str, **said: tuple[bool, str]) -> pl.LazyFrame:
    """The product's gates that a lender reads; without some, or as is said."""
    names = ["classification", "consent", "disclosure", "grade"]
    names += ["lawful_source", "third_party_rights", "public_data"]
    rows = []
    for name in names:
        passed, evidence = said.get(name, (True, f"E-{name}"))
        if name not in but:
            rows.append((name, passed, f"ground of {name}", evidence, AS_OF))
    return frame_of(Gates, rows).lazy()


def scored(
    now: int | None = 900_000, before: int | None = 900_000, step: int = 50_000
) -> pl.LazyFrame:
    """The quality of the resource, in millionths; it held, if nothing else is said."""
    on = None if before is None else date(2025, 3, 31)
    known = ("index", AS_OF)
    rows = [
        (*known, "accuracy", 1, 3, 100_000, on, 900_000, step),  # the total decides
        (*known, "total", 6, 14, now, on, before, step),
    ]
    return frame_of(Score, rows).lazy()


def failed(gates: pl.LazyFrame) -> dict[str, str]:
    """Gates that say no, with their grounds."""
    rows = gates.collect().filter(~pl.col("passed"))
    return dict(rows.select("gate", "ground").iter_rows())
