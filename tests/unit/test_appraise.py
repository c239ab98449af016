"""Value by every method, as the worked cases have it; each case has its id."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.appraisal import Case, Contribution
from schemas.compliance import PublicData
from schemas.document import load
from schemas.entity import Entity
from schemas.errors import ContractError, FactorError
from schemas.factor import booked, load_factor
from schemas.offer import Ceiling
from schemas.policy import Policy
from tasks.asset.appraise.case import case_of
from tasks.asset.appraise.contribute import contributions, shapley
from tasks.asset.appraise.figures import figures
from tasks.asset.appraise.life import ends_of, horizon, whole_months
from tasks.asset.appraise.result import Found
from tasks.asset.appraise.value import appraised, results, valid_to
from tests.appraisal_case import (
    by_cost,
    by_deals,
    by_excess,
    by_increment,
    by_royalty,
    by_split,
    case,
    factors,
    forecast,
    rate,
)
from tests.finance_case import appraisal, asset_terms, income, right, sourced

DEPLOYMENTS = Path(__file__).resolve().parents[2] / "deployments"
EACH = {
    "replacement_cost": by_cost,
    "comparable_deals": by_deals,
    "direct": income,
    "split": by_split,
    "excess": by_excess,
    "incremental": by_increment,
    "relief_from_royalty": by_royalty,
}


def only(made: Case) -> Found:
    (found,) = results(made).methods
    return found


def step(found: Found, name: str, item: str = "", period: int = 0) -> Decimal:
    (amount,) = (s.amount for s in found.steps if s[:3] == (name, item, period))
    return amount


@pytest.mark.parametrize(
    ("method", "value"),
    [
        pytest.param(by_split(), 24_836, id="VAL-01"),
        pytest.param(by_cost(), 112_240_000, id="VAL-04"),
        pytest.param(by_deals(), 80_982_900, id="VAL-05"),
        pytest.param(income(), 76_496_447, id="VAL-06 year-end"),
        pytest.param(income(timing="mid-year"), 80_956_230, id="VAL-06 mid-year"),
        pytest.param(by_royalty(), 50_257_380, id="VAL-07"),
        pytest.param(by_increment(), 46_694_215, id="VAL-09"),
    ],
)
def test_a_method_gives_the_worked_value_to_the_fen(
    method: dict[str, Any], value: int
) -> None:
    assert appraised(case(method)) == value


def test_val_01_shares_by_600_of_3_900() -> None:
    found = only(case(by_split()))

    assert round(step(found, "share", period=1), 6) == Decimal("0.153846")


def test_val_01_as_printed_takes_the_share_rounded_to_15_39_percent() -> None:
    # The source rounds 600/3900 up, and its factors to four digits: 248.45.
    made = case(by_split(share=sourced(value="0.1539")))

    assert abs(appraised(made) - 24_845) <= 1


def test_val_04_tells_opportunity_cost_and_replacement_cost() -> None:
    found = only(case(by_cost()))

    assert step(found, "opportunity") == Decimal("56500.00")
    assert step(found, "replacement_cost") == Decimal("1220000.00")


def test_val_05_tells_what_each_dataset_is_worth() -> None:
    found = only(case(by_deals()))

    assert step(found, "dataset", "first") == Decimal("577269.00")
    assert step(found, "dataset", "second") == Decimal("232560.00")


@pytest.mark.parametrize(
    ("method", "flows"),
    [
        pytest.param(by_royalty(), [200_000, 210_000, 220_000], id="VAL-07"),
        pytest.param(by_increment(), [250_000, 290_000], id="VAL-09"),
        # 1,000,000 at 8 % is 80,000 a year
        pytest.param(by_excess(), [220_000, 240_000, 260_000], id="excess"),
    ],
)
def test_the_flow_of_each_year_is_the_worked_one(
    method: dict[str, Any], flows: list[int]
) -> None:
    found = only(case(method))

    told = [step(found, "flow", period=n) for n, _ in enumerate(flows, 1)]
    assert told == flows


def test_expenses_are_taken_from_what_comes_in() -> None:
    # 300,000 − 50,000, 320,000 − 50,000, 340,000 − 50,000 at 12 %, by hand:
    # 223,214.2857 + 215,242.3469 + 206,416.2718 = 644,872.9045
    less = {"hosting": sourced(values=["50000", "50000", "50000"])}
    made = case(income(forecast=forecast("300000", "320000", "340000", less=less)))

    assert appraised(made) == 64_487_290


def test_several_deals_beside_a_dataset_are_averaged() -> None:
    # (500,000 × 1.02 + 300,000 × 1.00) / 2
    both = {"D-1": factors("1", "1", "1.02", "1", "1")}
    both["D-2"] = factors("1", "1", "1", "1", "1")

    assert appraised(case(by_deals(datasets={"only": both}))) == 40_500_000


def test_an_index_tells_how_prices_moved_since_the_deal() -> None:
    # 500,000 × 102 / 100
    told = factors("1", "1", "1", "1", "1") | {"time": None}
    index = sourced(name="prices", values={"2025-01": "100", "2025-04": "102"})
    made = case(by_deals(datasets={"only": {"D-1": told}}, index=index))

    assert appraised(made) == 51_000_000


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (None, "deal D-1 has no factor of time and there is no index"),
        ({"2025-01": "100"}, "index prices has no value of 2025-04, which deal D-1"),
        ({"2025-04": "102"}, "index prices has no value of 2025-01, which deal D-1"),
    ],
    ids=["no index", "no month of the valuation", "no month of the deal"],
)
def test_a_missing_index_is_named(index: dict[str, str] | None, said: str) -> None:
    told = factors("1", "1", "1", "1", "1") | {"time": None}
    stated = index and sourced(name="prices", values=index)

    with pytest.raises(ValidationError, match=said):
        case(by_deals(datasets={"only": {"D-1": told}}, index=stated))


def test_a_missing_comparable_is_named() -> None:
    datasets = {"only": {"D-9": factors("1", "1", "1", "1", "1")}}

    with pytest.raises(ValidationError, match="comparable deal D-9 of only is missing"):
        case(by_deals(datasets=datasets))


def test_a_missing_rate_is_named() -> None:
    stated = income()
    del stated["rate"]

    with pytest.raises(ValidationError, match=r"methods.0.direct.rate\n  Field requir"):
        case(stated)


@pytest.mark.parametrize("part", ["value", "source", "dated", "derivation"])
def test_a_figure_without_one_of_its_five_parts_is_refused(part: str) -> None:
    bare = {n: v for n, v in sourced(value="0.92").items() if n != part}

    with pytest.raises(ValidationError, match="Field required"):
        case(by_cost(delta=bare))


@pytest.mark.parametrize(
    ("figure", "unit"),
    [("delta", "CNY"), ("taxes", "USD"), ("opportunity_rate", "percent")],
)
def test_a_figure_in_another_unit_is_refused(figure: str, unit: str) -> None:
    with pytest.raises(ValidationError, match=f"{figure}.unit"):
        case(by_cost(**{figure: sourced(value="1", unit=unit)}))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tax": "post-tax"}, "flow is post-tax nominal, the discount rate pre-tax"),
        ({"prices": "real"}, "flow is pre-tax real, the discount rate pre-tax nominal"),
    ],
)
def test_flow_and_rate_of_different_kinds_are_refused(
    changed: dict[str, str], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        case(income(**changed))


def test_quality_enters_once() -> None:
    with pytest.raises(ValidationError, match="quality enters once"):
        case(by_cost(quality_adjusted=True))

    whole = case(by_cost(quality_adjusted=True, delta=sourced(value="1")))
    assert appraised(whole) == 122_000_000  # C of VAL-04


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reported_on": "2025-04-19"}, "lies before its valuation date"),
        ({"not_used": {"cost": "none"}}, "the market approach is either used or not"),
        (
            {"not_used": dict.fromkeys(("cost", "income", "market"), "none")},
            "the income approach is either used or not",
        ),
        ({"economic_life": None}, "economic_life and the income approach go together"),
        ({"signers": [{"name": "A", "registration": "1"}]}, "at least 2 items"),
        ({"report": " "}, "report"),
    ],
    ids=["early report", "no reason", "used and not", "no life", "one signs", "blank"],
)
def test_a_report_that_lacks_a_part_is_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        case(income(), **changed)


@pytest.mark.parametrize(
    "methods",
    [
        [income(weight="0.7"), by_cost(weight="0.2")],
        [income(weight="0.7"), by_cost(weight="0.4")],
        [income(weight="0.999999999999")],
    ],
    ids=["0.9", "1.1", "nearly 1"],
)
def test_weights_that_do_not_sum_to_1_are_refused(
    methods: list[dict[str, Any]],
) -> None:
    with pytest.raises(ValidationError, match=r"sum to .*, not to 1"):
        case(*methods)


def test_a_method_stands_once() -> None:
    with pytest.raises(ValidationError, match="a method is used twice"):
        case(income(weight="0.5"), income(weight="0.5"))


def test_two_methods_are_reconciled_by_their_weights() -> None:
    # 0.6 × 764,964.47 + 0.4 × 1,122,400.00 = 907,938.682
    made = case(income(weight="0.6"), by_cost(weight="0.4"))

    assert appraised(made) == 90_793_868


def test_a_value_below_nothing_is_nothing() -> None:
    less = {"staff": sourced(values=["400000"])}

    assert appraised(case(income(forecast=forecast("300000", less=less)))) == 0


def test_a_report_is_valid_from_its_valuation_date_as_the_policy_says() -> None:
    made = case(income(), reported_on="2025-06-30").appraisal

    assert valid_to(made, 12) == date(2026, 4, 19)


@pytest.mark.parametrize(
    ("end", "months"),
    [
        (date(2025, 4, 20), 0),
        (date(2025, 5, 19), 0),
        (date(2025, 5, 20), 1),
        (date(2028, 4, 19), 35),
        (date(2028, 4, 20), 36),
        (date(2020, 1, 1), 0),
    ],
)
def test_months_are_counted_whole(end: date, months: int) -> None:
    assert whole_months(date(2025, 4, 20), end) == months


def test_income_ends_with_the_shortest_of_all_ends_and_the_report_says_which() -> None:
    ends = [
        {"kind": "right", "last_day": "2028-04-18", "source": "C-1"},
        {"kind": "authorisation", "last_day": "2027-12-31", "source": "A-1"},
    ]
    contract = {"last_day": "2027-04-19", "source": "K-1"}
    made = case(income(), known={"ends": ends}, contract=contract)

    # two years are left: 300,000 / 1.12 + 320,000 / 1.12² = 522,959.1837
    assert appraised(made) == 52_295_918
    assert [e.kind for e in ends_of(made)] == [
        *("contract", "authorisation", "right", "economic")
    ]
    assert horizon(made) == date(2027, 4, 19)
    told = {note.code: note.said for note in only(made).notes}
    assert told["life"] == ("24", "contract", "2027-04-19", "K-1")
    assert told["shortened"] == ("36", "24", "contract")


def test_income_whose_right_is_over_is_worth_nothing() -> None:
    ends = [{"kind": "right", "last_day": "2025-04-19", "source": "C-1"}]

    assert appraised(case(income(), known={"ends": ends})) == 0


def test_the_end_of_the_right_is_the_documents_own() -> None:
    operate = [
        right("operate", certificate="C-1", valid_to="2026-12-31"),
        right("operate", certificate="C-2", valid_to="2027-06-30"),
        right("operate", certificate="C-3", valid_from="2025-05-01"),
        right("hold", valid_to="2040-01-01"),
    ]
    terms = asset_terms(rights=operate)

    (end,) = case_of(terms, terms.appraisal[0]).ends

    assert (end.kind, end.last_day, end.source) == ("right", date(2027, 6, 30), "C-2")


CEILING = {"ceiling": {"amount": "0.40", "source": "Order 7"}}


def test_income_under_a_guide_price_is_capped_and_the_report_says_so() -> None:
    # 700,000 calls × 0.40 = 280,000 of 300,000; the other years lie below
    units = sourced(values=["700000", "800000", "900000"], unit="call")
    stated = income(forecast=forecast("300000", "320000", "340000", units=units))
    made = case(stated, known=CEILING)

    found = only(made)

    assert step(found, "flow", period=1) == 280_000
    assert step(found, "flow", period=2) == 320_000
    # 280,000 / 1.12 + 320,000 / 1.12² + 340,000 / 1.12³ = 747,107.3251
    assert found.value_fen == 74_710_733
    told = [(n.code, n.said) for n in found.notes if n.code in ("ceiling", "capped")]
    assert told == [
        ("ceiling", ("0.40", "Order 7")),
        ("capped", ("1", "300,000.00", "280,000.00")),
    ]


def test_of_an_increment_only_what_the_asset_adds_is_capped() -> None:
    # 250,000 against 500,000 × 0.40 = 200,000; 290,000 lies below 800,000 × 0.40:
    # 200,000 / 1.1 + 290,000 / 1.21 = 421,487.6033
    units = sourced(values=["500000", "800000"], unit="call")
    less = {"staff": sourced(values=["10000", "10000"])}
    told = forecast("910000", "960000", units=units, less=less)
    stated = by_increment(forecast=told)

    found = only(case(stated, known=CEILING))

    assert found.value_fen == 42_148_760
    capped = [n.said for n in found.notes if n.code == "capped"]
    assert capped == [("1", "250,000.00", "200,000.00")]


@pytest.mark.parametrize(
    "stated",
    [
        income(),
        income(
            forecast=forecast(
                *("1", "2"),
                measure="profit",
                units=sourced(values=["1", "2"], unit="call"),
            )
        ),
    ],
    ids=["without units", "as profit"],
)
def test_income_that_cannot_be_capped_is_refused(stated: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="guide price, so its income is capped"):
        case(stated, known=CEILING)


def test_the_guide_price_of_the_product_reaches_the_appraisal() -> None:
    terms = asset_terms(**CEILING)

    with pytest.raises(FactorError, match="guide price, so its income is capped"):
        case_of(terms, terms.appraisal[0])


def test_guide_price_and_authorisation_come_from_the_product() -> None:
    factor = load_factor("flight-disruption", DEPLOYMENTS / "factors")
    entity = load(DEPLOYMENTS / "entities" / "jiangbei-data.yaml", Entity)
    policy = load(DEPLOYMENTS / "policies" / "cn-2025.yaml", Policy)
    product = factor.product
    assert factor.asset
    assert product
    assert product.compliance
    public = PublicData(
        supply="authorised-paid",
        authority="Bureau",
        agreement="A-1",
        valid_to=date(2028, 6, 19),
    )
    ceiling = Ceiling(amount=Decimal("0.60"), source="Order 7")
    priced = product.price.model_copy(update={"ceiling": ceiling})
    reviewed = product.compliance.model_copy(update={"public_data": public})
    operated = product.model_copy(update={"price": priced, "compliance": reviewed})

    asset = booked(factor.asset, operated, entity, policy)

    assert asset.ceiling == ceiling
    free = asset.model_copy(update={"ceiling": None})
    ends = [(e.kind, e.source) for e in case_of(free, asset.appraisal[0]).ends]
    assert ends == [("right", "JB-DP-2026-018"), ("authorisation", "A-1")]


def test_a_source_of_after_the_report_is_refused() -> None:
    late = income(forecast=forecast("300000"))
    late["forecast"]["inflow"]["dated"] = "2025-04-21"
    terms = asset_terms(appraisal=[appraisal(late)])

    with pytest.raises(FactorError, match=r"direct/forecast/inflow: .*2025-04-21, aft"):
        case_of(terms, terms.appraisal[0])


@pytest.mark.parametrize("method", EACH)
def test_every_figure_of_a_method_is_found_and_moved(method: str) -> None:
    made = case(EACH[method]())
    asked = {
        "/".join(path)
        for path, figure in figures(made.appraisal)
        if path[0] != "economic_life"
    }

    told = {"/".join(s.path): s for s in results(made).swings}

    assert asked <= set(told)
    assert len(asked) == str(EACH[method]()).count("'derivation'")
    assert min(told[name].width for name in asked) > 0


def test_a_swing_holds_all_other_figures() -> None:
    swings = {"/".join(s.path): s for s in results(case(by_cost())).swings}

    # 1,122,400 × 0.9 and × 1.1; C with 1,034,000 and 1,066,000 of direct cost is
    # 86,000 × 1.05 × 0.92 = 83,076 lower and higher
    delta = swings["replacement_cost/delta"]
    assert (delta.low_fen, delta.high_fen) == (101_016_000, 123_464_000)
    staff = swings["replacement_cost/direct/staff"]
    assert (staff.low_fen, staff.high_fen) == (103_932_400, 120_547_600)
    assert [s.width for s in swings.values()] == sorted(
        (s.width for s in swings.values()), reverse=True
    )


def test_a_swing_of_one_method_leaves_the_other_as_it_was() -> None:
    made = case(income(weight="0.6"), by_cost(weight="0.4"))

    swings = {"/".join(s.path): s for s in results(made).swings}

    # 0.6 × 764,964.47 + 0.4 × 1,122,400 × 0.9 = 863,042.682
    assert swings["replacement_cost/delta"].low_fen == 86_304_268


def test_the_implied_return_on_the_value_of_one_method_is_its_rate() -> None:
    assert results(case(income())).implied_rate == Decimal("0.120000")
    assert results(case(by_cost())).implied_rate is None


YUAN = st.decimals(0, 10**9, places=2)


@settings(deadline=None, max_examples=60)
@given(
    flows=st.lists(YUAN, min_size=1, max_size=6),
    # A share x of a year at its own end, x/(1+i)^x, grows with x up to i = e − 1 only.
    part=st.decimals("0.01", "1.5", places=4),
    last=st.dates(date(2025, 4, 20), date(2032, 1, 1)),
    weight=st.sampled_from(["0.1", "0.25", "0.999"]),
)
def test_laws_of_the_income_approach(
    flows: list[Decimal], part: Decimal, last: date, weight: str
) -> None:
    def value(weight: str = "1", until: date = last, **changed: Any) -> int:
        told = forecast(*map(str, flows))
        stated = income(forecast=told, rate=rate(str(part)), weight=weight, **changed)
        rest = [by_cost(weight=str(1 - Decimal(weight)))] if weight != "1" else []
        end = {"kind": "right", "last_day": str(until), "source": "C-1"}
        return appraised(case(stated, *rest, known={"ends": [end]}))

    alone = value()

    # Nothing is worth more than the flows; sooner is worth more; so is a longer right.
    assert 0 <= alone <= sum(int(f * 100) for f in flows)
    assert value(timing="mid-year") >= alone
    assert value(until=date(2032, 1, 1)) >= alone
    # A reconciled value lies between the values of its methods (VAL-04 is the other).
    low, high = sorted((alone, 112_240_000))
    assert low <= value(weight) <= high


def worth(**groups: str) -> Contribution:
    names = sorted({n for g in groups for n in g.split("_")})
    stated = {g.replace("_", "+"): v for g, v in groups.items()}
    return Contribution.model_validate(
        sourced(providers=names, worth=stated, unit="points")
    )


def test_the_glove_game_is_split_as_shapley_has_it() -> None:
    # The textbook's glove game: one right glove (c), two left ones: 1/6, 1/6, 4/6.
    game = worth(a="0", b="0", c="0", a_b="0", a_c="1", b_c="1", a_b_c="1")

    parts = {p.provider: (str(p.share), p.amount_fen) for p in contributions(game, 100)}

    assert parts == {"a": ("1/6", 17), "b": ("1/6", 17), "c": ("2/3", 66)}


@settings(deadline=None, max_examples=40)
@given(
    worths=st.lists(st.integers(1, 50), min_size=15, max_size=15), value=st.integers(0)
)
def test_the_split_is_the_mean_over_all_orders_and_sums_to_the_value(
    worths: list[int], value: int
) -> None:
    names = "abcd"
    groups = [
        frozenset(n for i, n in enumerate(names) if k >> i & 1) for k in range(16)
    ]
    told = {frozenset[str](): 0, **dict(zip(groups[1:], worths, strict=True))}
    game = worth(**{"_".join(sorted(g)): str(v) for g, v in told.items() if g})

    found = shapley(game)

    # The definition itself: what each adds on arriving, over all 24 orders.
    for name in names:
        added = 0
        for order in permutations(names):
            before = frozenset(order[: order.index(name)])
            added += told[before | {name}] - told[before]
        assert found[name] == Fraction(added, 24)
    if min(found.values()) >= 0:
        assert sum(p.amount_fen for p in contributions(game, value)) == value


def test_twelve_providers_are_split_exactly() -> None:
    names = [f"p{n:02d}" for n in range(12)]
    stated = {
        "+".join(n for i, n in enumerate(names) if k >> i & 1): str(k.bit_count() ** 2)
        for k in range(1, 2**12)
    }
    game = Contribution.model_validate(
        sourced(providers=names, worth=stated, unit="points")
    )

    # Alike providers share alike, to the fen: 1,000.00 = 4 × 83.34 + 8 × 83.33
    amounts = [p.amount_fen for p in contributions(game, 100_000)]
    assert amounts == [8_334] * 4 + [8_333] * 8


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"a": "1", "a_b": "2"}, "the worth of b is missing"),
        ({"a": "1", "b": "1", "a_b": "0"}, "together are worth nothing"),
    ],
)
def test_a_group_without_worth_is_named(groups: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        worth(**groups)


def test_thirteen_providers_are_too_many() -> None:
    names = [f"p{n}" for n in range(13)]

    with pytest.raises(ValidationError, match="at most 12 items"):
        Contribution.model_validate(
            sourced(providers=names, worth={"p0": "1"}, unit="points")
        )


def test_a_provider_that_lowers_the_worth_of_all_is_named() -> None:
    game = worth(a="5", b="0", a_b="1")  # b: (0 + 1 − 5) / 2 = −2

    with pytest.raises(ContractError, match="worth less with b than without"):
        contributions(game, 100)


def test_an_unknown_provider_in_a_group_is_refused() -> None:
    with pytest.raises(ValidationError, match="names somebody who is no provider"):
        Contribution.model_validate(
            sourced(providers=["a"], worth={"a": "1", "b": "2"}, unit="points")
        )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rate": rate("0")}, "sum to 0"),
        ({"forecast": forecast("0.001")}, "at most two decimals"),
        ({"forecast": forecast("-1")}, "greater than or equal to 0"),
        (
            {"forecast": {"measure": "revenue", "inflow": sourced(values=[0.5])}},
            "float",
        ),
        ({"forecast": forecast()}, "at least 1 item"),
        ({"weight": 1.0}, "float"),
        ({"rate": rate("1e-20")}, "decimal places"),
        ({"rate": rate("1e999999999")}, "finite number"),
    ],
)
def test_a_figure_that_is_no_exact_number_in_bounds_is_refused(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        case(income(**changed))


@pytest.mark.parametrize(
    "stated",
    [
        by_split(share=sourced(values=["0.1"])),
        by_royalty(royalty=sourced(values=["0.1"])),
        by_increment(without=sourced(values=["1"])),
        by_excess(
            charges={
                "staff": {"base": sourced(values=["1"]), "required": sourced(value="1")}
            }
        ),
        income(forecast=forecast("1", "2", less={"staff": sourced(values=["1"])})),
    ],
    ids=["share", "royalty", "without", "charge", "less"],
)
def test_a_series_of_other_years_is_refused(stated: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="state the same years"):
        case(stated)


@pytest.mark.parametrize(
    "changed",
    [
        {"forecast": forecast("1", measure="profit")},
        {"forecast": forecast("1", less={"staff": sourced(values=["1"])})},
    ],
    ids=["of profit", "with expenses"],
)
def test_a_royalty_is_of_revenue(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a royalty is paid on revenue"):
        case(by_royalty(**changed))
