"""Compare ways to supply one factor's data: what they may cost, earn, be worth, carry.

Openness against assetisation, in numbers: the stages' own functions are asked about the
same facts, with another ``public_data.supply`` or another policy in the document, and
nothing is kept (``flows/virtual.py``). What a way of supply forbids is 0.00 with its
legal reason; what nobody has stated is said to be missing, never made up.

Public data that are open, shared or operated for public good are free to all: not
recognised, not pledged (数据二十条; 发改价格〔2025〕65号). Operated for industry, they
cost at most a guide price, and earn at most operating cost, allowed profit and tax.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from rich.console import Console

from flows.calendar import scheduled_date
from flows.document import policy_named
from flows.face import table
from flows.virtual import Known, all_of, asset_on, empty, grounds, known_of, rows
from schemas.appraisal import Case, Income, Metered, ReplacementCost
from schemas.artifact import Snapshot
from schemas.asset import Asset
from schemas.compliance import PublicData
from schemas.errors import DatafactorError, FactorError
from schemas.factor import Documents, Factor, load_documents, resolved
from schemas.money import exact_fen, fen, shown, yuan
from schemas.offer import CeilingRules, Price
from schemas.policy import CapitalRules, Policy
from schemas.product import ProductRules, ProductTerms
from schemas.registers import Invoice, Order, Pledge
from tasks import store
from tasks.asset.appraise.case import case_of
from tasks.asset.appraise.cost import by_cost
from tasks.asset.appraise.income import attributed
from tasks.asset.appraise.metered import metered
from tasks.asset.appraise.value import in_force, reconciled
from tasks.asset.grants import known_rights
from tasks.capital.capitalize import capitalize
from tasks.capital.others import survey
from tasks.finance import months_later
from tasks.page.figure import WHOLE, Bar, bars
from tasks.product import case as review
from tasks.product.ceiling import Allowed, ceiling_revenue
from tasks.product.gates import answered
from tasks.product.price import price_is_allowed
from tasks.product.productize import REVIEWED

Facts = dict[str, Any]  # JSON
SUPPLIES = ("open", "shared", "authorised-free", "authorised-paid")
LEAST = Price(mode="flat", amount=Decimal("0.01"))  # any price at all
NOT_STATED = "not stated"
UNPLEDGED = "what is free to all is not recognised and not pledged (数据二十条)"
REACH = {
    "open": "everyone",
    "shared": "public bodies 政务部门",
    "authorised-free": "whoever serves public good",
    "authorised-paid": "licensees",
}
ROWS = {
    "offered": "offered",
    "price_cap": "price cap",
    "ceiling_revenue": "ceiling revenue a year",
    "revenue": "revenue a year",
    "recognised": "recognised amount",
    "appraised": "appraised value",
    "loan_capacity": "loan capacity",
    "reach": "reach",
}
DRAWN = ("revenue", "recognised", "appraised", "loan_capacity")


class Cell(NamedTuple):
    """One figure: an amount in fen where it is one, else words; why it is no more."""

    fen: int | None
    said: str
    grounds: tuple[str, ...] = ()
    refused: bool = False


@dataclass(frozen=True)
class Variant:
    """One column: the document as it would be under a way of supply and a policy."""

    supply: str  # empty: no public data
    stated: bool  # whether the document says so itself
    factor: Factor  # filled in; free of charge where the supply must be
    policy: Policy
    day: date
    known: Known
    orders: pl.DataFrame  # contract Order: of the product
    invoiced: Metered | None

    @property
    def product(self) -> ProductTerms:
        """Its product, which every document that is compared has."""
        assert self.factor.product is not None
        return self.factor.product

    @property
    def free(self) -> bool:
        """Whether the policy says that this supply stays free of charge."""
        rules = self.product.rules
        return rules is not None and self.supply in rules.free_supplies

    @property
    def law(self) -> str:
        """Say why nothing may be charged, in the words of the gate ``price``."""
        allowed, ground = price_is_allowed(LEAST, self.product.compliance)
        return "" if allowed else ground


def compare(
    name: str, supplies: Sequence[str], policies: Sequence[str], as_of: date | None
) -> Facts:
    """Set ways of supply side by side, each under each policy.

    Args:
        name: Name of the factor document.
        supplies: Of ``SUPPLIES``; the document's own is marked ``stated``.
        policies: Names beside the document's own, or files; its own if none is named.
        as_of: The day; today in the entity's zone if not said.

    Raises:
        FactorError: There is no product, or nobody has reviewed it; an unknown supply.
    """
    documents = load_documents(name, store.current().settings.factors)
    refuse_unreviewed(documents.factor)
    if (strange := [s for s in supplies if s not in SUPPLIES]) or not supplies:
        said = ", ".join(strange) or "nothing"
        raise FactorError(
            f"{said} is no supply of public data: write some of {', '.join(SUPPLIES)},"
            " joined by commas"
        )
    held = [policy_named(p, documents.policies) for p in policies] or [documents.policy]
    columns = [*variants(documents, supplies, held, as_of)]
    return {
        "factor": documents.factor.factor,
        "as_of": str(columns[0].day),
        "illustrative": documents.factor.illustrative,
        "columns": [column_facts(one) for one in columns],
    }


def refuse_unreviewed(factor: Factor) -> None:
    """Ask for what every way of supply is judged by."""
    if factor.product is None or factor.product.compliance is None:
        raise FactorError(
            f"{factor.factor} has no product with a compliance review: ways of supply"
            " are judged by product.compliance; write it"
        )


def variants(
    documents: Documents,
    supplies: Sequence[str],
    policies: Sequence[Policy],
    as_of: date | None,
) -> Iterator[Variant]:
    """Write the document anew for each column; as it stands comes first if not asked.

    A document without public data is shown as it stands beside what would be.
    """
    own = public_of(documents.factor)
    asked = [*supplies] if own else ["", *supplies]
    known: Known | None = None
    for policy in policies:
        for supply in asked:
            factor = supplied(documents, policy, supply)
            day = as_of or scheduled_date(factor.zone)
            known = known or known_of(factor, day)
            orders = rows(Snapshot(register=Order, where={"factor": factor.factor}))
            yield Variant(
                supply=supply,
                stated=supply == (own.supply if own else "")
                and policy.id == documents.policy.id,
                factor=factor,
                policy=policy,
                day=day,
                known=known,
                orders=orders,
                invoiced=invoiced(orders, day),
            )


def public_of(factor: Factor) -> PublicData | None:
    """Read on which terms the public data of a document are supplied, if they are."""
    answers = factor.product and factor.product.compliance
    return answers.public_data if answers else None


def supplied(documents: Documents, policy: Policy, supply: str) -> Factor:
    """Write the document under another way of supply, and fill its stages in.

    What that way must have and the document does not state stays empty, so that the
    gates name it. The price falls away where the supply stays free.
    """
    written = documents.factor
    product, own = written.product, public_of(written)
    if product is None or product.compliance is None:
        raise FactorError(f"{written.factor} has no product with a review")
    if supply:
        base = own or PublicData(supply="open", authority=NOT_STATED)
        public = base.model_copy(update={"supply": supply})
        judged = product.compliance.model_copy(update={"public_data": public})
        free = supply in policy.resolve(ProductRules).free_supplies
        changed: dict[str, object] = {"compliance": judged}
        changed |= {"price": Price(mode="free")} if free else {}
        product = product.model_copy(update=changed)
        written = written.model_copy(update={"product": product})
    return resolved(
        written, documents.entity, policy, documents.feeders, documents.folders
    )


def invoiced(orders: pl.DataFrame, day: date) -> Metered | None:
    """Sum what was invoiced of the product in twelve whole months before a day."""
    invoices = all_of(Invoice)
    return metered(orders.lazy(), invoices.lazy(), day, day)


def column_facts(of: Variant) -> Facts:
    """Work out one column, row by row: each takes what the rows above it found."""
    offer = offered(of)
    made, lack = asset_made(of, offer)
    allowed = made and ceiling_of(of, made)
    found = {
        "offered": offer,
        "price_cap": price_cap(of),
        "ceiling_revenue": ceiling_cell(of, allowed, lack),
        "revenue": revenue(of, offer, allowed),
        "recognised": recognised(of, made, lack),
        "appraised": appraised_value(of, made, lack),
        "loan_capacity": loan_capacity(of, made, lack),
        "reach": reach(of, offer),
    }
    return {
        "supply": of.supply or "no public data",
        "policy": of.policy.id,
        "stated": of.stated,
        "rows": {name: cell_facts(cell) for name, cell in found.items()},
    }


def cell_facts(cell: Cell) -> Facts:
    """Tell one cell; money as text in yuan."""
    return {
        "value": None if cell.fen is None else f"{yuan(cell.fen):f}",
        "said": cell.said,
        "refused": cell.refused,
        "grounds": list(cell.grounds),
    }


def money(amount: int, *grounds: str, more: str = "") -> Cell:
    """Write an amount that stands."""
    return Cell(amount, f"{shown(amount)}{more}", grounds)


def refused(*grounds: str) -> Cell:
    """Write an amount that may not be: 0.00, and the reason."""
    return Cell(0, "0.00", grounds, refused=True)


def missing(*grounds: str) -> Cell:
    """Write that nobody has stated what an amount needs."""
    return Cell(None, "not known", grounds)


def unoffered(offer: Cell) -> Cell:
    """Write that a product that is not offered has no figure, and why it is not."""
    return Cell(None, "not offered", offer.grounds, refused=True)


def offered(of: Variant) -> Cell:
    """Row 1, whether the product may be offered at all: review, licence, rights, price.

    Source: the gates of the second stage that the document alone decides.
    """
    gates = answered(review.Case(of.product, pl.DataFrame(), of.day), REVIEWED)
    against = grounds(gates)
    if against:
        return Cell(None, "no", against, refused=True)
    return Cell(
        None, "yes, free of charge" if of.product.price.mode == "free" else "yes"
    )


def price_cap(of: Variant) -> Cell:
    """Row 2, the most that a unit may cost: 0 where the supply is free.

    Source: 发改价格〔2025〕65号: free for public good, a guide price for industry.
    """
    if of.free:
        return refused(of.law)
    ceiling, unit = of.product.price.ceiling, of.product.price.counted
    if ceiling:
        return Cell(None, f"{ceiling.amount:f} a {unit}", (ceiling.source,))
    if of.supply:
        return missing(of.law or "no guide price: write product.price.ceiling")
    return Cell(None, "none", ("no public data: the price is free to agree",))


def asset_made(of: Variant, offer: Cell) -> tuple[Asset | None, Cell | None]:
    """Make the asset, or say why there is none: the law, or what is not stated.

    A product that is not offered makes no asset, as a run would end there; an asset
    whose gates are shut is told by its grounds, that of public data first.
    """
    if offer.refused:
        return None, unoffered(offer)
    if of.factor.asset is None:
        if of.free:
            return None, refused(of.law, UNPLEDGED)
        lacking = "the document has no asset: write its rights, vouchers and appraisal"
        return None, missing(lacking)
    try:
        made = asset_on(of.factor.asset, of.known, of.day)
    except DatafactorError as error:
        return None, missing(str(error))
    shut = made.gates.sort(pl.col("gate") != "public_data", maintain_order=True)
    against = grounds(shut)
    return made, refused(*against) if against else None


def ceiling_of(of: Variant, made: Asset) -> Allowed | str | None:
    """Work out the ceiling revenue of a year; or say what the policy lacks."""
    if of.free or not of.supply or of.factor.asset is None:
        return None
    try:
        rules = of.policy.resolve(CeilingRules)
    except FactorError as error:
        return str(error)
    cost = operating_cost(of.factor.asset.product, made, of.day)
    return ceiling_revenue(cost, rules)


def operating_cost(product: str, made: Asset, day: date) -> int:
    """Add up what a year of operation costs the operator, in fen; 0 or more.

    The product's part of vouchers of operation in the twelve months to the day, and
    twelve months of amortisation from the day's month on. A document states no subsidy,
    so none is taken off.
    """
    part = made.allocation.filter(pl.col("product") == product)
    lines = made.costs.drop("amount_fen").join(part, on=["voucher", "line"])
    spent = lines.filter(
        pl.col("phase") == "operation",
        pl.col("incurred_on") > months_later(day, -12),
        pl.col("incurred_on") <= day,
    )
    months = [f"{months_later(day.replace(day=1), n):%Y-%m}" for n in range(12)]
    charged = made.amortization.filter(pl.col("period").is_in(months))
    return max(summed(spent, "amount_fen") + summed(charged, "charge_fen"), 0)


def summed(frame: pl.LazyFrame, column: str) -> int:
    """Add up a column of fen."""
    return int(frame.select(pl.col(column).sum()).collect().item())


def ceiling_cell(of: Variant, allowed: Allowed | str | None, lack: Cell | None) -> Cell:
    """Row 3, the most that a year may earn: operating cost + allowed profit + tax.

    Source: 发改价格〔2025〕65号; ``tasks/product/ceiling.py``.
    """
    if of.free:
        return refused(of.law)
    if not of.supply:
        return Cell(None, "none", ("no public data: no ceiling is set",))
    if isinstance(allowed, Allowed):
        told = (
            f"without tax: operating cost {shown(allowed.cost_fen)} and allowed profit"
            f" {shown(allowed.profit_fen)}; VAT on it {shown(allowed.tax_fen)}"
        )
        return money(allowed.net_fen, told)
    if allowed:
        return missing(allowed)
    return lack or missing("the operating cost is not known")


def revenue(of: Variant, offer: Cell, allowed: Allowed | str | None) -> Cell:
    """Row 4, what a year brings without tax: invoiced, else forecast; 0 where free.

    Source: register Invoice, the twelve whole months before the day; else the first
    year of the appraisal's forecast, which the guide price caps. What is above the
    ceiling revenue is left out: it lowers the ceiling of the next period.
    """
    if of.free:
        return refused(of.law)
    if offer.refused:
        return unoffered(offer)
    if of.product.price.mode == "free":
        return money(0, "the document asks no price")
    known = earned(of)
    if isinstance(known, Cell):
        return known
    amount, told = known
    if isinstance(allowed, Allowed) and amount > allowed.net_fen:
        above = shown(amount - allowed.net_fen)
        more = f"{above} above the ceiling revenue lower the ceiling of the next period"
        return money(allowed.net_fen, told, more)
    return money(amount, told)


def earned(of: Variant) -> tuple[int, str] | Cell:
    """Find what a year brings at the price of the document, and where it is told."""
    if of.invoiced:
        said = f"invoiced from {of.invoiced.first} to {of.invoiced.last}"
        return exact_fen(of.invoiced.amount), said
    case = case_on(of)
    if case is None:
        return missing("nothing was invoiced, and no appraisal is in force")
    if isinstance(case, str):
        return missing(case)
    for method in case.appraisal.methods:
        if isinstance(method, Income) and method.forecast.measure == "revenue":
            first = next(attributed(method, 1, case)).amount
            return fen(first), f"forecast of the first year by {case.appraisal.report}"
    return missing("nothing was invoiced, and no appraisal forecasts revenue")


def recognised(of: Variant, made: Asset | None, lack: Cell | None) -> Cell:
    """Row 5, what enters the books: the cost that the recognition tree lets in.

    Source: 财会〔2023〕11号; the gates of the third stage.
    """
    if lack or made is None:
        return lack or missing("there is no asset")
    row = valuation_of(made)
    if row["outcome"] != "not recognised":
        return money(row["book_fen"], more=f" {row['outcome']}")
    steps = made.recognition.filter(pl.col("answer") == "no").collect()
    why = [f"{q} no ({p})" for q, p in steps.select("question", "paragraph").rows()]
    return refused(*why)


def valuation_of(made: Asset) -> Facts:
    """Read the one row of the valuation."""
    return made.valuation.collect().row(0, named=True)


def appraised_value(of: Variant, made: Asset | None, lack: Cell | None) -> Cell:
    """Row 6, the value by the appraisal in force; its income capped by the guide price.

    What must be free has no price: the approaches that rest on one, income and market,
    find 0.00; that of cost stands at its weight. Source: 中评协〔2023〕17号.
    """
    if of.free:
        return appraised_free(of)
    if lack or made is None:
        return lack or missing("there is no asset")
    row = valuation_of(made)
    if row["valid_to"] is None:
        stands = f"report {row['report']} does not stand: it lasts beyond the right"
        return missing("no report by the day" if row["report"] == "none" else stands)
    return money(row["appraised_fen"], f"{row['report']}, {row['approach']}")


def appraised_free(of: Variant) -> Cell:
    """Keep of an appraisal what rests on no price."""
    case = case_on(of)
    told = "what is free has no price: income and market find 0.00"
    methods = case.appraisal.methods if isinstance(case, Case) else ()
    found = [by_cost(m) for m in methods if isinstance(m, ReplacementCost)]
    if not found:
        return refused(of.law, told)
    stands = "the approach of cost stands at its weight"
    return money(reconciled(found), of.law, told, stands)


def case_on(of: Variant) -> Case | str | None:
    """Put together the appraisal in force, say why it does not hold, or find none."""
    terms = of.factor.asset
    if terms is None or (report := in_force(terms.appraisal, of.day)) is None:
        return None
    try:
        return case_of(terms, report)
    except FactorError as error:
        return str(error)


def loan_capacity(of: Variant, made: Asset | None, lack: Cell | None) -> Cell:
    """Row 7, the most that may be lent: appraised × max_ltv, or 0 where a gate is shut.

    Before any pledge and any other loan, on an asset that is carried as row 5 says. Two
    gates are left out: ``loan_to_value`` asks about one principal, ``collateral_roots``
    about source bytes, which are read when a pledge is made. Source: the policy's
    ``max_ltv``; the gates of the fourth stage.
    """
    if of.free:
        return refused(of.law, UNPLEDGED)
    if lack or made is None:
        return lack or missing("there is no asset")
    value = valuation_of(made)["appraised_fen"]
    ltv = of.policy.resolve(CapitalRules).max_ltv
    most, told = int(value * ltv), f"{ltv} of the appraised value by policy"
    if of.factor.loan is None:
        more = "the document names no loan: a lender's gates were not asked"
        return money(most, told, more)
    lent = capitalize(
        valuation=made.valuation,
        rights=known_rights(of.known.rights, made.rights.collect()).lazy(),
        pledges=empty(Pledge),
        journal=made.journal,
        score=of.known.score.lazy(),
        terms=of.factor.loan,
        as_of=of.day,
        disputes=of.known.disputes.lazy(),
        quality=of.known.quality.lazy(),
        offered=judged_anew(of).lazy(),
        **survey(of.factor.loan, of.day)._asdict(),
    )
    against = grounds(lent.gates, "loan_to_value", "collateral_roots")
    return refused(*against) if against else money(most, told)


def judged_anew(of: Variant) -> pl.DataFrame:
    """Answer what the document decides anew; what the rows said stays. Contract: Gates.

    A way of supply changes the review, the licence and the price; which columns look
    personal, and what the rows disclose, it does not.
    """
    anew = answered(review.Case(of.product, pl.DataFrame(), of.day), REVIEWED)
    kept = of.known.offered.filter(~pl.col("gate").is_in(anew["gate"].to_list()))
    return pl.concat([anew, kept])


def reach(of: Variant, offer: Cell) -> Cell:
    """Row 8, who may use it; how many have ordered it is told where that was observed.

    A supply that is not the document's own was never tried: no number is made up for
    it. Source: the three modes of supply, sharing, opening and authorised operation.
    """
    if offer.refused:
        return Cell(None, "nobody", offer.grounds, refused=True)
    who = REACH.get(of.supply, "whoever accepts the licence")
    public = public_of(of.factor)
    if public and of.supply.startswith("authorised"):
        where = [*public.fields, public.territory]
        who += f" in {', '.join(filter(None, where))}" if any(where) else ""
    if not of.stated:
        return Cell(None, who, ())
    customers = of.orders["customer_code"].n_unique()
    return Cell(None, who, (f"{of.orders.height} orders of {customers} customers",))


def write_plot(data: Facts, file: Path) -> None:
    """Draw the amounts of each way of supply as bars of one scale, as an SVG file."""
    most = max(fen_of(c, name) or 0 for c in data["columns"] for name in DRAWN) or 1
    drawn = []
    for name in DRAWN:
        drawn.append(Bar(ROWS[name].upper(), "", 0, 0))
        for column, head in zip(data["columns"], heads(data), strict=True):
            amount = fen_of(column, name) or 0
            said = column["rows"][name]["said"]
            drawn.append(Bar(head, said, 0, amount * WHOLE // most))
    made_up = ", illustrative" if data["illustrative"] else ""
    title = f"{data['factor']}: openness against assetisation 开放与资产化"
    about = f"CNY without tax, as of {data['as_of']}{made_up}; * as it is stated"
    file.write_text(bars(title, about, drawn), "utf-8")


def fen_of(column: Facts, row: str) -> int | None:
    """Read the amount of a cell; None where it is not known."""
    value = column["rows"][row]["value"]
    return None if value is None else exact_fen(Decimal(value))


def heads(data: Facts) -> list[str]:
    """Name each column: its supply, its policy where there are several, * if stated."""
    several = len({c["policy"] for c in data["columns"]}) > 1
    return [
        c["supply"]
        + (f" · {c['policy']}" if several else "")
        + (" *" if c["stated"] else "")
        for c in data["columns"]
    ]


def show(console: Console, data: Facts) -> None:
    """Show the columns side by side, each reason once below."""
    notes: dict[str, int] = {}
    columns = data["columns"]
    body = []
    for name, title in ROWS.items():
        cells = [c["rows"][name] for c in columns]
        body.append((title, *(cell_text(cell, notes) for cell in cells)))
    made_up = " (illustrative)" if data["illustrative"] else ""
    title = f"{data['factor']}, as of {data['as_of']}{made_up}; CNY without tax"
    console.print(table(title, ("", *heads(data)), body))
    console.print("\n* as the document states it; nothing was kept", markup=False)
    for said, number in notes.items():
        console.print(f"{number:>3} {said}", markup=False)


def cell_text(cell: Facts, notes: dict[str, int]) -> str:
    """Write a cell with the numbers of its reasons."""
    numbers = [str(notes.setdefault(said, len(notes) + 1)) for said in cell["grounds"]]
    word = " refused" if cell["refused"] and cell["value"] is not None else ""
    return f"{cell['said']}{word}" + (f" ({', '.join(numbers)})" if numbers else "")


def listed(text: str) -> list[str]:
    """Read words joined by commas, each once."""
    words = (word.strip() for word in text.split(","))
    return list(dict.fromkeys(word for word in words if word))
