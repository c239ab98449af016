"""Terms of an appraisal: what an appraiser states so that anyone recomputes the value.

Every figure carries value, unit, source, date and derivation. The approaches are cost
成本法, income 收益法 and market 市场法 (中评协〔2023〕17号); each not used says why.
An appraised value is a number of its own: it is no book value and enters no books.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Annotated, Literal, Self, get_args

import pandera.polars as pa
from pydantic import Field, model_validator

from schemas.money import Exact, Yuan
from schemas.offer import Ceiling
from schemas.terms import Name, Slug, Terms, Text

FORM: Literal["datafactor/appraisal/1"] = "datafactor/appraisal/1"
ITEMS = 20  # of one kind: a stranger's bundle is recomputed once for every figure
PROVIDERS = 12  # 4,095 coalitions: the exact Shapley value stays a matter of seconds
Approach = Literal["cost", "income", "market"]
APPROACHES: tuple[Approach, ...] = get_args(Approach)
Figure = Annotated[Exact, Field(max_digits=24, decimal_places=12)]
Share = Annotated[Figure, Field(ge=0, le=1)]
Evidence = Annotated[Text, Field(pattern=r"\S", description="Document that proves it")]
Weight = Annotated[Figure, Field(gt=0, le=1)]
Money = Annotated[Yuan, Field(ge=0, max_digits=24)]


class Sourced(Terms):
    """Where a figure comes from, and how it was found there."""

    source: Evidence
    dated: date = Field(description="Day of which the source speaks")
    derivation: Text = Field(description="How the figure follows from the source")


class Amount(Sourced):
    """An amount of money."""

    value: Money = Field(description="Yuan")
    unit: Literal["CNY"] = Field("CNY", description="Unit of the value")


class PerYear(Sourced):
    """A rate a year, or a part of one."""

    value: Annotated[Figure, Field(ge=0, le=10)] = Field(description="0.10 is 10 %")
    unit: Literal["fraction per year"] = Field(
        "fraction per year", description="Unit of the value"
    )


class Fraction(Sourced):
    """A share of something, the same in every year."""

    value: Share = Field(description="0.05 is 5 %")
    unit: Literal["fraction"] = Field("fraction", description="Unit of the value")


class Factor(Sourced):
    """What another amount is multiplied by."""

    value: Annotated[Figure, Field(gt=0, le=100)] = Field(description="1 is no change")
    unit: Literal["ratio"] = Field("ratio", description="Unit of the value")


class Months(Sourced):
    """A span of time."""

    value: Annotated[Figure, Field(ge=1, le=1_200, decimal_places=0)] = Field(
        description="Whole months"
    )
    unit: Literal["months"] = Field("months", description="Unit of the value")


class Amounts(Sourced):
    """An amount of money for each year from the valuation date."""

    values: tuple[Money, ...] = Field(
        min_length=1, max_length=100, description="Yuan, year by year"
    )
    unit: Literal["CNY"] = Field("CNY", description="Unit of the values")


class Fractions(Sourced):
    """A share for each year from the valuation date."""

    values: tuple[Share, ...] = Field(
        min_length=1, max_length=100, description="Share, year by year"
    )
    unit: Literal["fraction"] = Field("fraction", description="Unit of the values")


class Units(Sourced):
    """How many units are sold in each year from the valuation date."""

    values: tuple[Annotated[Figure, Field(ge=0)], ...] = Field(
        min_length=1, max_length=100, description="Units, year by year"
    )
    unit: Text = Field(description="What is sold: call, row, month, …")


Series = Amounts | Fractions | Units
Single = Amount | PerYear | Fraction | Factor | Months


class DiscountRate(Terms):
    """A rate built up of its parts: the risk-free rate and what is added for risk.

    6 % and 4 % -> 10 % (VAL-01).
    """

    tax: Literal["pre-tax", "post-tax"] = Field(description="税前 or 税后")
    prices: Literal["nominal", "real"] = Field(description="名义 or 实际")
    parts: dict[Name, PerYear] = Field(
        min_length=1, max_length=ITEMS, description="Summands by name"
    )

    @model_validator(mode="after")
    def _is_above_nothing(self) -> Self:
        if self.total <= 0:
            raise ValueError("the parts of the discount rate sum to 0: state them")
        return self

    @property
    def total(self) -> Decimal:
        """The rate: the sum of its parts."""
        return sum((part.value for part in self.parts.values()), Decimal(0))


class Forecast(Terms):
    """What comes in and what it costs, year by year from the valuation date."""

    measure: Literal["revenue", "profit"] = Field(
        description="revenue where it can be told: only that is held against invoices"
        " and a guide price"
    )
    inflow: Amounts = Field(description="Revenue or profit of each year")
    units: Units | None = Field(None, description="Units sold; asked by a guide price")
    less: dict[Name, Amounts] = Field(
        default_factory=dict,
        max_length=ITEMS,
        description="Expenses of each year, by name",
    )

    @model_validator(mode="after")
    def _years_agree(self) -> Self:
        for name, series in [("units", self.units), *self.less.items()]:
            if series and len(series.values) != self.years:
                raise ValueError(
                    f"{name} has {len(series.values)} years, inflow {self.years}:"
                    " state the same years"
                )
        return self

    @property
    def years(self) -> int:
        """How many years are forecast."""
        return len(self.inflow.values)


class Weighted(Terms):
    """What every method has: its weight in the reconciliation."""

    weight: Weight = Field(description="Share in the reconciled value")


class ReplacementCost(Weighted):
    """P = C × δ; C = preliminary + direct + indirect + opportunity cost + taxes.

    The opportunity cost is a share of the first three. 120,000 + 860,000 + 150,000,
    5 %, 33,500 of tax, δ 0.92 -> 1,122,400.00 (VAL-04).
    """

    method: Literal["replacement_cost"] = Field(description="重置成本法")
    preliminary: dict[Name, Amount] = Field(
        max_length=ITEMS, description="Planning 前期费用, by item"
    )
    direct: dict[Name, Amount] = Field(
        min_length=1, max_length=ITEMS, description="直接成本, by item"
    )
    indirect: dict[Name, Amount] = Field(
        max_length=ITEMS, description="间接成本, by item"
    )
    opportunity_rate: Fraction = Field(description="机会成本, share of the three")
    taxes: Amount = Field(description="相关税费")
    delta: Factor = Field(description="δ: actual over expected state 价值调整系数")
    quality_adjusted: bool = Field(
        description="Whether the cost is already that of the actual quality"
    )

    @model_validator(mode="after")
    def _quality_enters_once(self) -> Self:
        if self.quality_adjusted and self.delta.value != 1:
            raise ValueError(
                "the cost is adjusted for quality already, and delta is not 1: quality"
                " enters once; write delta 1, or the cost as it was"
            )
        return self

    @property
    def approach(self) -> Approach:
        """Its approach."""
        return "cost"


class IncomeMethod(Weighted):
    """What the methods of the income approach share: P = Σ F_t / (1 + i)^t."""

    tax: Literal["pre-tax", "post-tax"] = Field(description="Of the flows")
    prices: Literal["nominal", "real"] = Field(description="Of the flows")
    timing: Literal["year-end", "mid-year"] = Field(
        "year-end", description="When in a year its income arrives"
    )
    rate: DiscountRate = Field(description="Discount rate 折现率, by its parts")
    forecast: Forecast = Field(description="What comes in, year by year")

    @property
    def approach(self) -> Approach:
        """Its approach."""
        return "income"

    @model_validator(mode="after")
    def _rate_and_flow_are_of_one_kind(self) -> Self:
        flow, rate = (self.tax, self.prices), (self.rate.tax, self.rate.prices)
        if flow != rate:
            raise ValueError(
                f"the flow is {' '.join(flow)}, the discount rate {' '.join(rate)}:"
                " bring both to one kind"
            )
        return self

    def same_years(self, name: str, series: Series | Single) -> None:
        """Ask a series for as many years as the forecast has.

        Raises:
            ValueError: It has others.
        """
        if isinstance(series, Series) and len(series.values) != self.forecast.years:
            raise ValueError(
                f"{name} has {len(series.values)} years, the forecast"
                f" {self.forecast.years}: state the same years"
            )


class Direct(IncomeMethod):
    """F_t = R_t, the income that the asset itself brings.

    300,000, 320,000, 340,000 at 12 % -> 764,964.47 (VAL-06).
    """

    method: Literal["direct"] = Field(description="直接收益")


class ByInvestment(Terms):
    """A split by equivalent investment: own / (own + others), each cost × (1 + margin).

    100 × 6 = 600 and 3,000 × 1.1 = 3,300 -> 600 / 3,900 (VAL-01).
    """

    own_cost: Amount = Field(description="Cost of the data asset")
    own_margin: PerYear = Field(description="Cost margin 成本利润率 of such assets")
    other_cost: Amount = Field(description="Assets of the firm that work with it")
    other_margin: PerYear = Field(description="Cost margin of the firm")


class Split(IncomeMethod):
    """F_t = R_t × K_t, the asset's share of an income earned together.

    Profits 400, 420, 430, 450, 440 by 600 / 3,900 at 10 % -> 248.36 (VAL-01).
    """

    method: Literal["split"] = Field(description="收益分成")
    share: Fraction | Fractions | ByInvestment = Field(description="K 分成率")

    @model_validator(mode="after")
    def _shares_have_its_years(self) -> Self:
        if not isinstance(self.share, ByInvestment):
            self.same_years("share", self.share)
        return self


class Charge(Terms):
    """What another asset that contributes is owed each year: its value × its return."""

    base: Amount | Amounts = Field(description="Value of the asset, or of each year")
    required: PerYear = Field(description="Return that it asks")


class Excess(IncomeMethod):
    """F_t = R_t − Σ C_ti, what is left after the other assets had their return."""

    method: Literal["excess"] = Field(description="超额收益")
    charges: dict[Name, Charge] = Field(
        min_length=1, max_length=ITEMS, description="Contributory assets by name"
    )

    @model_validator(mode="after")
    def _charges_have_its_years(self) -> Self:
        for name, charge in self.charges.items():
            self.same_years(name, charge.base)
        return self


class Incremental(IncomeMethod):
    """F_t = RY_t − RN_t, income with the asset less income without it.

    900,000 − 650,000, 950,000 − 660,000 at 10 % -> 466,942.15 (VAL-09).
    """

    method: Literal["incremental"] = Field(description="增量收益")
    without: Amounts = Field(description="Income of each year without the asset")

    @model_validator(mode="after")
    def _both_have_its_years(self) -> Self:
        self.same_years("without", self.without)
        return self


class ReliefFromRoyalty(IncomeMethod):
    """F_t = revenue × royalty, what its owner need not pay to another (IVS 210).

    4,000,000, 4,200,000, 4,400,000 at 5 %, discounted at 12 % -> 502,573.80 (VAL-07).
    """

    method: Literal["relief_from_royalty"] = Field(description="许可费节省")
    royalty: Fraction | Fractions = Field(description="Royalty rate 许可费率")

    @model_validator(mode="after")
    def _royalty_is_of_revenue(self) -> Self:
        self.same_years("royalty", self.royalty)
        if self.forecast.measure != "revenue" or self.forecast.less:
            raise ValueError(
                "a royalty is paid on revenue: state the forecast as revenue, with"
                " nothing less"
            )
        return self


class Deal(Amount):
    """A deal in comparable data, the evidence of the market approach.

    ``value`` is its price, ``dated`` the day it was made.
    """

    described: Text = Field(description="What was sold, between whom")


class PriceIndex(Sourced):
    """An index of prices by month, ``YYYY-MM``, for the factor of time."""

    name: Text = Field(description="Name of the index")
    values: dict[
        Annotated[str, Field(pattern=r"^[0-9]{4}-(?:0[1-9]|1[0-2])$")],
        Annotated[Figure, Field(gt=0)],
    ] = Field(min_length=1, max_length=600, description="Index of each month")


class Adjustment(Terms):
    """X1 to X5, from the deal to the dataset.

    ``time`` is left out where an index tells it: index at the valuation / at the deal.
    ``capacity`` is own over reference.
    """

    quality: Factor = Field(description="X1 质量")
    supply_demand: Factor = Field(description="X2 供求")
    time: Factor | None = Field(None, description="X3 期日; else by the index")
    capacity: Factor = Field(description="X4 容量")
    other: Factor = Field(description="X5 其他")


References = Annotated[dict[Text, Adjustment], Field(min_length=1, max_length=10)]


class ComparableDeals(Weighted):
    """Market approach: P = Σ Q_i × X1 × X2 × X3 × X4 × X5 over the asset's datasets.

    Where several deals stand beside a dataset, their adjusted prices are averaged.
    500,000 × 1.05 × 0.98 × 1.02 × 1.10 × 1 -> 577,269.00 (VAL-05).
    """

    method: Literal["comparable_deals"] = Field(description="可比交易")
    deals: dict[Text, Deal] = Field(
        min_length=1, max_length=50, description="The table of deals, by number"
    )
    index: PriceIndex | None = Field(None, description="Index of prices")
    datasets: dict[Slug, References] = Field(
        min_length=1,
        max_length=20,
        description="By dataset, and by deal it is held against",
    )

    @property
    def approach(self) -> Approach:
        """Its approach."""
        return "market"

    @model_validator(mode="after")
    def _compares_with_known_deals(self) -> Self:
        for dataset, references in self.datasets.items():
            for number in references:
                if number not in self.deals:
                    raise ValueError(
                        f"comparable deal {number} of {dataset} is missing: add it to"
                        " deals"
                    )
        return self


Income = Direct | Split | Excess | Incremental | ReliefFromRoyalty
Method = Annotated[
    ReplacementCost | Income | ComparableDeals, Field(discriminator="method")
]


class Signer(Terms):
    """Who signs the report: a person with a registration."""

    name: Text = Field(description="Name")
    registration: Text = Field(description="Number of the qualification")


class Ending(Terms):
    """A day on which income must end, and why."""

    last_day: date = Field(description="Last day")
    source: Evidence


class Contribution(Sourced):
    """What each group of providers would be worth, to split the value among them.

    A group is its names joined by ``+``. Every group is stated: with two providers a, b
    and ``a+b``.
    """

    providers: tuple[Slug, ...] = Field(
        min_length=1, max_length=PROVIDERS, description="Who provides data"
    )
    worth: dict[str, Annotated[Figure, Field(ge=0)]] = Field(
        max_length=2**PROVIDERS - 1, description="Worth of each group"
    )
    unit: Text = Field(description="Unit of the worth: CNY, points, …")

    @model_validator(mode="after")
    def _every_group_is_stated(self) -> Self:
        if len(set(self.providers)) < len(self.providers):
            raise ValueError("contribution: a provider is named twice")
        stated = self.by_group()
        if len(stated) < len(self.worth):
            raise ValueError("contribution: a group is stated twice")
        asked = list(groups(self.providers))
        if missing := [g for g in asked if g not in stated]:
            raise ValueError(
                f"contribution: the worth of {'+'.join(sorted(missing[0]))} is missing"
                f" ({len(missing)} groups are): state it"
            )
        if len(stated) > len(asked):
            raise ValueError("contribution: a group names somebody who is no provider")
        if stated[frozenset(self.providers)] <= 0:
            raise ValueError("contribution: all providers together are worth nothing")
        return self

    def by_group(self) -> dict[frozenset[str], Decimal]:
        """Give the worth of each group."""
        return {frozenset(g.split("+")): v for g, v in self.worth.items()}


def groups(providers: tuple[str, ...]) -> Iterator[frozenset[str]]:
    """List every group that is not empty, small ones first."""
    for size in range(1, len(providers) + 1):
        yield from map(frozenset, combinations(sorted(providers), size))


class Appraisal(Terms):
    """One appraisal report: methods, weights, and all that they rest on."""

    appraiser: Text = Field(description="Appraisal institution 评估机构")
    report: Evidence = Field(description="Number of the appraisal report")
    signers: tuple[Signer, ...] = Field(
        min_length=2, description="At least two appraisers sign (资产评估法)"
    )
    valuation_date: date = Field(description="Valuation date 评估基准日")
    reported_on: date = Field(description="Report date 报告日, on or after it")
    purpose: Text = Field(description="What the value is for 评估目的")
    value_type: Literal["market value", "investment value"] = Field(
        description="市场价值 or 投资价值"
    )
    premises: Text = Field(description="What the figures assume")
    methods: tuple[Method, ...] = Field(
        min_length=1, max_length=7, description="Methods, each with its weight"
    )
    weights_because: Text = Field(description="Why these weights")
    not_used: dict[Approach, Text] = Field(
        default_factory=dict, description="Why an approach is not used"
    )
    economic_life: Months | None = Field(
        None, description="From the valuation date; asked by the income approach"
    )
    contract: Ending | None = Field(
        None, description="Where a contract ends the income sooner"
    )
    contribution: Contribution | None = Field(
        None, description="To split the value among providers"
    )
    swing: Annotated[Figure, Field(gt=0, lt=1)] = Field(
        Decimal("0.10"), description="By how much each figure moves in the sensitivity"
    )

    @property
    def used(self) -> frozenset[Approach]:
        """The approaches that its methods follow."""
        return frozenset(method.approach for method in self.methods)

    @model_validator(mode="after")
    def _report_follows_the_valuation(self) -> Self:
        if self.reported_on < self.valuation_date:
            raise ValueError(
                f"the report of {self.reported_on} lies before its valuation date"
                f" {self.valuation_date}: correct one of them"
            )
        return self

    @model_validator(mode="after")
    def _each_approach_is_used_or_says_why_not(self) -> Self:
        for approach in APPROACHES:
            if (approach in self.used) == (approach in self.not_used):
                raise ValueError(
                    f"the {approach} approach is either used or not: use it, or write"
                    f" not_used.{approach} with the reason"
                )
        return self

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> Self:
        names = [method.method for method in self.methods]
        if len(set(names)) < len(names):
            raise ValueError("a method is used twice: keep one")
        total = sum((method.weight for method in self.methods), Decimal(0))
        if total != 1:
            raise ValueError(f"the weights of the methods sum to {total}, not to 1")
        return self

    @model_validator(mode="after")
    def _income_has_a_life(self) -> Self:
        if ("income" in self.used) != (self.economic_life is not None):
            raise ValueError(
                "economic_life and the income approach go together: write both or none"
            )
        return self

    @model_validator(mode="after")
    def _index_covers_the_deals(self) -> Self:
        for method in self.methods:
            if isinstance(method, ComparableDeals):
                for number in {n for refs in method.datasets.values() for n in refs}:
                    untold_time(method, number, self.valuation_date)
        return self


def untold_time(method: ComparableDeals, number: str, valuation_date: date) -> None:
    """Ask how a deal's price moved since: by a factor, or by the index of both months.

    Raises:
        ValueError: Neither tells it.
    """
    if all(r[number].time for r in method.datasets.values() if number in r):
        return
    if method.index is None:
        raise ValueError(
            f"deal {number} has no factor of time and there is no index: state one"
        )
    for day in (method.deals[number].dated, valuation_date):
        if f"{day:%Y-%m}" not in method.index.values:
            raise ValueError(
                f"index {method.index.name} has no value of {day:%Y-%m}, which deal"
                f" {number} asks for: add it"
            )


class LegalEnd(Ending):
    """A day on which a right or an authorisation ends."""

    kind: Literal["right", "authorisation"] = Field(description="What ends")


class Metered(Terms):
    """What was invoiced for the product in the twelve months before the valuation."""

    first: str = Field(description="First month, YYYY-MM")
    last: str = Field(description="Last month, YYYY-MM")
    months: int = Field(ge=1, le=12, description="Months that have an invoice")
    amount: Yuan = Field(description="Yuan without tax")


class Case(Terms):
    """An appraisal with all that the house knows of its object: enough to recompute it.

    Written as ``inputs.json`` of the bundle.
    """

    form: Literal["datafactor/appraisal/1"] = Field(FORM, description="Of this file")
    factor: Slug = Field(description="Factor whose asset is appraised")
    entity: Slug = Field(description="Reporting entity")
    asset: Slug = Field(description="Asset")
    version: Text = Field(description="Its version")
    illustrative: bool = Field(False, description="Whether all of it is made up")
    valid_months: int = Field(gt=0, le=120, description="Life of a report by policy")
    policy: str = Field(description="The policy")
    ends: tuple[LegalEnd, ...] = Field((), description="When rights end")
    ceiling: Ceiling | None = Field(None, description="Guide price of the product")
    metered: Metered | None = Field(None, description="What was invoiced before")
    writer: str = Field("", description="Digest of what writes the pages")
    appraisal: Appraisal = Field(description="What the appraiser states")

    @model_validator(mode="after")
    def _income_is_capped(self) -> Self:
        for method in self.appraisal.methods:
            forecast = method.forecast if isinstance(method, IncomeMethod) else None
            told = forecast is None or (
                forecast.units is not None and forecast.measure == "revenue"
            )
            if self.ceiling and not told:
                raise ValueError(
                    f"{method.method}: the product has a guide price, so its income is"
                    " capped: state the forecast as revenue, with its units"
                )
        return self


class AppraisalInputs(pa.DataFrameModel):
    """Every figure that an appraisal rests on. Key: name, period.

    ``name`` is the place in the appraisal, ``direct/rate/parts/risk_free``; ``period``
    the year of a series, else 0; ``value`` is text as the document has it.
    """

    asset: str
    version: str
    report: str
    approach: str = pa.Field(isin=["", *APPROACHES])
    name: str
    period: int = pa.Field(ge=0)
    value: str
    unit: str
    source: str
    dated: str
    derivation: str

    class Config:
        strict = True
        unique = ["name", "period"]
