"""The third stage as a whole: its frames, its gates, its appraisal."""

from datetime import date
from decimal import Decimal
from typing import Any, get_args

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.asset import VOUCHER_COLUMNS, Asset
from schemas.contract import frame_of
from schemas.errors import FactorError
from schemas.registers import Cost
from tests.appraisal_case import by_cost
from tests.finance_case import (
    ACC_09,
    AS_OF,
    NO,
    appraisal,
    asset_terms,
    capital_terms,
    facts,
    failed,
    income,
    make_asset,
    make_capital,
    right,
    right_event,
    sourced,
    voucher,
)

LIFE = {"method": "straight_line", "life_months": 60, "life_basis": "peers"}


def contracts() -> dict[str, Any]:
    return {n: get_args(t)[1] for n, t in Asset.__annotations__.items()}


@pytest.mark.parametrize(
    "changed",
    [{}, {"appraisal": []}, {"recognition": facts(controlled=NO)}],
    ids=["whole", "not appraised", "not recognised"],
)
def test_every_frame_has_exactly_the_columns_and_types_of_its_contract(
    changed: dict[str, Any],
) -> None:
    made = make_asset(asset_terms(**changed))

    for name, contract in contracts().items():
        frame = getattr(made, name)
        assert frame.collect_schema() == frame_of(contract, []).schema, name
        contract.to_schema().validate(frame.collect())


def test_the_vouchers_have_the_columns_of_the_register_of_cost() -> None:
    declared = [column["name"] for column in VOUCHER_COLUMNS]
    register = [c.removesuffix("_fen") for c in Cost.to_schema().columns]

    # the input tax of a voucher is no cost: it goes to the journal alone
    assert ["entity", *declared] == [*register, "tax"]


def test_the_voucher_contract_is_fixed_and_lets_no_line_go() -> None:
    source = asset_terms().costs

    assert source.max_rejected_rate == 0
    assert source.key == ("voucher", "line")
    assert [c.name for c in source.columns] == [c["name"] for c in VOUCHER_COLUMNS]


def test_every_gate_is_open_in_the_base_case() -> None:
    gates = make_asset().gates.collect()

    assert gates["passed"].all()
    assert not (gates["evidence"] == "").any()
    assert gates["gate"].to_list() == [
        "policy_in_force",
        "right_to_process",
        "right_to_operate",
        "product",
        "vouchers",
        "condition_evidence",
        "recognition_date",
        "term_of_right",
        "rights_of_inputs",
        "public_data",
        "quality",
        "dispute",
    ]


@pytest.mark.parametrize("kind", ["process", "operate"])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"valid_to": "2025-04-29"}, "runs from 2025-01-01 to 2025-04-29"),
        ({"valid_from": "2025-05-01"}, "runs from 2025-05-01 to 2031-12-31"),
    ],
)
def test_a_right_that_is_not_live_on_the_day_closes_its_gate(
    kind: str, changed: dict[str, str], said: str
) -> None:
    rights = [
        right(k, **(changed if k == kind else {})) for k in ("process", "operate")
    ]

    grounds = failed(make_asset(asset_terms(rights=rights)).gates)

    assert said in grounds[f"right_to_{kind}"]
    assert set(grounds) <= {f"right_to_{kind}", "term_of_right"}


@pytest.mark.parametrize("kind", ["process", "operate"])
def test_a_right_nobody_granted_closes_its_gate(kind: str) -> None:
    rights = [right(k) for k in ("hold", "process", "operate") if k != kind]

    grounds = failed(make_asset(asset_terms(rights=rights)).gates)

    assert grounds[f"right_to_{kind}"] == f"no right to {kind} was granted"


@pytest.mark.parametrize("kind", ["process", "operate"])
def test_a_revoked_right_closes_its_gate_from_the_day_on_and_says_why(
    kind: str,
) -> None:
    revoked = right_event(
        kind,
        "revoke",
        effective_on=date(2025, 4, 30),
        basis="court order",
        evidence="ORDER-7",
    )

    before = make_asset(rights=[revoked], as_of=date(2025, 4, 29))
    after = make_asset(rights=[revoked], as_of=date(2025, 4, 30))

    gate = f"right_to_{kind}"
    assert gate not in failed(before.gates)
    assert "revoked from 2025-04-30, court order" in failed(after.gates)[gate]
    assert after.gates.collect().filter(gate=gate)["evidence"].item() == "ORDER-7"


def test_a_revocation_of_one_right_leaves_another_on_the_same_certificate() -> None:
    rights = [right(k, certificate="C-1") for k in ("process", "operate")]
    revoked = right_event("process", "revoke", certificate="C-1")

    grounds = failed(make_asset(asset_terms(rights=rights), rights=[revoked]).gates)

    assert list(grounds) == ["right_to_process"]


@pytest.mark.parametrize("first", ["old", "new"])
def test_of_two_certificates_the_one_that_lasts_longest_counts(first: str) -> None:
    until = {"old": "2025-12-31", "new": "2030-12-31"}
    operate = [
        right("operate", certificate=f"C-{name}", evidence=name, valid_to=until[name])
        for name in sorted(until, reverse=first == "old")
    ]

    made = make_asset(asset_terms(rights=[right("process"), *operate]))

    assert failed(made.gates) == {}
    gate = made.gates.filter(gate="right_to_operate").collect()
    assert gate["evidence"].item() == "new"


def test_a_renewed_right_stands_after_the_old_one_was_revoked() -> None:
    renewed = right("operate", certificate="C-2", evidence="CERT-2")
    old = [right_event("operate"), right_event("operate", "revoke")]

    terms = asset_terms(rights=[right("process"), renewed])

    assert failed(make_asset(terms, rights=old).gates) == {}


def test_a_posted_right_stands_before_what_the_document_now_says() -> None:
    posted = right_event("operate", valid_to=date(2025, 4, 1))

    assert "right_to_operate" in failed(make_asset(rights=[posted]).gates)


@pytest.mark.parametrize("evidence", ["", "  ", None])
def test_one_voucher_without_evidence_closes_the_gate(evidence: str | None) -> None:
    bare = voucher("V8", date(2025, 2, 1), "development", "cloud", 1, evidence)

    made = make_asset(rows=(*ACC_09, bare))

    assert "1 of 8 voucher lines lack evidence" in failed(made.gates)["vouchers"]
    Cost.to_schema().validate(made.costs.collect())


@pytest.mark.parametrize(
    ("at_hand", "grounds"),
    [
        ({}, {}),
        ({"INV-V8": "ab" * 32, "E-3": "e3" * 32}, {}),
        ({"INV-V8": "cd" * 32}, {"vouchers": "INV-V8"}),
        ({"E-3": "cd" * 32}, {"condition_evidence": "E-3"}),
    ],
    ids=["none at hand", "as named", "other invoice", "other report"],
)
def test_a_file_that_is_not_what_was_signed_closes_the_gate(
    at_hand: dict[str, str], grounds: dict[str, str]
) -> None:
    line = voucher("V8", date(2025, 2, 1), "development", "cloud", 1, sha256="ab" * 32)
    terms = asset_terms().model_copy(update={"at_hand": at_hand})

    made = make_asset(terms, (*ACC_09, line))

    said = failed(made.gates)
    assert said.keys() == grounds.keys()
    for gate, name in grounds.items():
        assert f"of 1 files at hand 1 are other than named ({name})" in said[gate]


def test_the_gate_says_how_many_vouchers_name_a_digest() -> None:
    line = voucher("V8", date(2025, 2, 1), "development", "cloud", 1, sha256="ab" * 32)

    gates = make_asset(rows=(*ACC_09, line)).gates.collect()

    ground = gates.filter(gate="vouchers")["ground"].item()
    assert "1 name the digest of a file, of 0 files at hand 0 are other" in ground
    ground = gates.filter(gate="condition_evidence")["ground"].item()
    assert ground.startswith("5 of 5 conditions name their evidence by digest")


def test_a_product_that_bears_no_cost_closes_the_gate() -> None:
    terms = asset_terms(pools={"index": {"a-misspelt-name": "1"}})

    assert "bears 0.00 CNY" in failed(make_asset(terms).gates)["vouchers"]
    assert "vouchers" in failed(make_asset(rows=()).gates)


def test_an_empty_product_closes_the_gate() -> None:
    assert "0 rows" in failed(make_asset(product_rows=0).gates)["product"]


def test_cost_capitalised_before_the_rule_closes_the_gate() -> None:
    rules = asset_terms().rules
    assert rules
    on_time = rules.model_copy(update={"recognition_from": date(2025, 1, 15)})
    later = rules.model_copy(update={"recognition_from": date(2025, 1, 16)})

    made = make_asset(asset_terms(rules=later))

    assert failed(make_asset(asset_terms(rules=on_time)).gates) == {}

    said = "1 of 4 capitalised lines lie before 2025-01-16"
    assert failed(made.gates) == {"recognition_date": said}


def test_a_policy_that_does_not_apply_yet_closes_the_gate() -> None:
    rules = asset_terms().rules
    assert rules
    now = rules.model_copy(update={"applies_from": AS_OF})
    later = rules.model_copy(update={"applies_from": date(2025, 5, 1)})

    assert failed(make_asset(asset_terms(rules=now)).gates) == {}

    assert list(failed(make_asset(asset_terms(rules=later)).gates)) == [
        "policy_in_force"
    ]


@pytest.mark.parametrize(
    ("last", "months", "end"),
    [
        ("2030-03-31", 60, "2030-03-31"),
        ("2030-03-30", 59, "2030-02-28"),
        ("2028-04-19", 36, "2028-03-31"),
    ],
)
def test_a_life_beyond_the_right_to_operate_is_shortened_and_said(
    last: str, months: int, end: str
) -> None:
    # ready 2025-04-18, 60 months: to 2030-03-31
    rights = [right("process"), right("operate", valid_to=last)]

    made = make_asset(asset_terms(rights=rights))

    by = f", shortened from 60 months by the right, which ends on {last}"
    assert failed(made.gates) == {}
    assert made.gates.filter(gate="term_of_right").collect()["ground"].item() == (
        f"useful life of {months} months to {end}{by if months < 60 else ''};"
        f" right to operate to {last}"
    )
    plan = made.amortization.collect()
    assert (plan.height, plan["period"][-1]) == (months, end[:7])
    assert plan["charge_fen"].sum() == 60_000_000


def test_a_life_beyond_the_contract_is_shortened_and_said() -> None:
    spread = LIFE | {"contract_ends": "2027-12-31"}

    made = make_asset(asset_terms(amortization=spread))

    gate = made.gates.filter(gate="term_of_right").collect()
    assert "shortened from 60 months by the contract" in gate["ground"].item()
    assert made.amortization.collect()["period"][-1] == "2027-12"


def test_a_right_that_leaves_no_whole_month_closes_the_gate() -> None:
    rights = [right("process"), right("operate", valid_to="2025-04-30")]
    last = [right("process"), right("operate", valid_to="2025-04-29")]

    whole = make_asset(asset_terms(rights=rights), as_of=date(2025, 4, 29))
    part = make_asset(asset_terms(rights=last), as_of=date(2025, 4, 29))

    assert "term_of_right" not in failed(whole.gates)
    assert "useful life of 0 months" in failed(part.gates)["term_of_right"]
    assert part.amortization.collect().is_empty()


@pytest.mark.parametrize(
    ("changed", "first", "months"),
    [
        # ACC-09's 600,000.00: 5/15 of the first year; 2/5 of it; residual 60,000.00
        ({"method": "sum_of_years"}, 1_666_666, 60),
        ({"method": "declining_balance"}, 2_000_000, 60),
        ({"residual": "60000", "residual_basis": "promise to buy"}, 900_000, 60),
        ({"method": "units_of_use", "units": 1_000}, None, 0),
    ],
    ids=["sum of years", "declining balance", "residual", "units of use"],
)
def test_the_schedule_follows_the_method_of_the_document(
    changed: dict[str, Any], first: int | None, months: int
) -> None:
    plan = make_asset(asset_terms(amortization=LIFE | changed)).amortization.collect()

    assert plan.height == months
    if months:
        assert plan["charge_fen"][0] == first
        residual = 6_000_000 if "residual" in changed else 0
        assert plan["carrying_fen"][-1] == residual


def test_income_is_shortened_to_the_right_and_its_value_falls() -> None:
    rights = [right("process"), right("operate", valid_to="2028-04-18")]
    told = facts(controlled=NO)

    made = make_asset(asset_terms(rights=rights, recognition=told))

    # 35 months: 300,000 / 1.12 + 320,000 / 1.12² + 340,000 × 11/12 / 1.12^(2 + 11/12)
    assert failed(made.gates) == {}
    assert made.valuation.collect()["appraised_fen"].item() == 74_690_234


# VAL-06: three years from 2025-04-20, to 2028-04-19
@pytest.mark.parametrize(
    ("from_", "months", "shut", "value"),
    [
        (date(2028, 4, 20), 36, set(), (76_496_447, "income 1", date(2025, 4, 20))),
        (date(2028, 4, 19), 36, set(), (0, "none", None)),
        (date(2026, 1, 1), 9, set(), (0, "none", None)),
        (AS_OF, 60, {"right_to_operate", "term_of_right"}, (0, "none", None)),
    ],
    ids=["as long as the income", "a day less", "years less", "over"],
)
def test_a_right_revoked_before_the_income_ends_takes_its_value_and_nothing_else(
    from_: date, months: int, shut: set[str], value: tuple[Any, ...]
) -> None:
    revoked = right_event("operate", "revoke", effective_on=from_, basis="court order")
    known = make_asset(as_of=date(2025, 4, 29)).cards.collect()

    def made(**changed: Any) -> Asset:
        return make_asset(asset_terms(**changed), rights=[revoked], cards=known)

    whole, bare = made(), made(appraisal=[])

    for frame in set(Asset._fields) - {"appraisal_inputs", "valuation"}:
        first, second = (getattr(m, frame).collect() for m in (whole, bare))
        assert first.equals(second), frame
    assert failed(whole.gates).keys() == shut
    assert whole.amortization.collect().height == months
    row = whole.valuation.collect().row(0, named=True)
    assert (row["book_fen"], row["report"]) == (60_000_000, "R-1")
    assert (row["appraised_fen"], row["approach"], row["appraised_on"]) == value


def test_a_right_revoked_before_the_income_ends_is_on_the_card_and_in_the_month() -> (
    None
):
    revoked = right_event("operate", "revoke", effective_on=date(2026, 1, 1))
    known = make_asset(as_of=date(2025, 4, 29)).cards.collect()

    made = make_asset(rights=[revoked], cards=known)

    # 600,000.00 over 9 months to December, not over 60
    (card,) = made.cards.collect().to_dicts()
    assert (card["number"], card["right_ends"]) == (2, date(2025, 12, 31))
    assert made.amortization.collect()["charge_fen"][0] == 6_666_666


def test_an_appraisal_that_does_not_stand_carries_no_loan() -> None:
    revoked = right_event("operate", "revoke", effective_on=date(2027, 1, 1))
    little = capital_terms(principal="1.00")

    before, after = (make_asset(rights=r).valuation for r in ([], [revoked]))

    assert failed(make_capital(before, terms=little).gates) == {}
    loan = make_capital(after, terms=little)
    assert failed(loan.gates).keys() == {"appraisal", "loan_to_value"}
    assert failed(loan.gates)["appraisal"].startswith(
        "appraisal R-1 does not stand: its income lasts beyond the right to operate"
    )
    assert loan.pledge.collect().is_empty()


def test_an_appraisal_without_income_needs_no_term_of_a_right() -> None:
    revoked = right_event("operate", "revoke", effective_on=date(2026, 1, 1))
    terms = asset_terms(appraisal=[appraisal(by_cost())])

    row = make_asset(terms, rights=[revoked]).valuation.collect().row(0, named=True)

    assert (row["appraised_fen"], row["approach"]) == (112_240_000, "cost 1")  # VAL-04


def test_terms_without_a_policy_are_refused() -> None:
    with pytest.raises(FactorError, match="no policy"):
        make_asset(asset_terms(rules=None))


def test_val_06_is_appraised_beside_the_books() -> None:
    row = make_asset().valuation.collect().row(0, named=True)

    assert row["appraised_fen"] == 76_496_447
    assert row["book_fen"] == 60_000_000
    assert (row["appraised_on"], row["valid_to"]) == (
        date(2025, 4, 20),
        date(2026, 4, 19),
    )


def test_a_stranger_can_recompute_the_value_from_the_inputs_alone() -> None:
    rows = make_asset().appraisal_inputs.collect()
    named = pl.col("name")
    inflow = rows.filter(named == "direct/forecast/inflow")
    flows = dict(inflow.select("period", "value").iter_rows())
    parts = rows.filter(named.str.starts_with("direct/rate/parts/"))["value"]
    rate = sum(map(Decimal, parts), Decimal(0))

    value = sum(Decimal(f) / (1 + rate) ** t for t, f in flows.items())

    assert round(value, 2) == Decimal("764964.47")  # VAL-06
    assert set(rows["report"]) == {"R-1"}
    for said in ("unit", "source", "dated", "derivation"):
        assert not (rows[said] == "").any()


def test_income_twice_as_high_leaves_the_books_as_they_were() -> None:
    inflow = sourced(values=["600000", "640000", "680000"])
    twice = income(forecast={"measure": "revenue", "inflow": inflow})

    before, after = make_asset(), make_asset(asset_terms(appraisal=[appraisal(twice)]))

    value = [m.valuation.collect()["appraised_fen"].item() for m in (before, after)]
    assert value == [76_496_447, 152_992_894]  # 764,964.46793… × 2
    for frame in ("costs", "allocation", "recognition", "journal", "amortization"):
        first, second = (getattr(m, frame).collect() for m in (before, after))
        assert first.serialize() == second.serialize()
    books = [m.valuation.collect()["book_fen"].item() for m in (before, after)]
    assert books == [60_000_000] * 2


def test_the_latest_valuation_reported_by_the_day_counts() -> None:
    made = [
        appraisal(),
        appraisal(valuation_date="2025-04-25", reported_on="2025-05-10", report="R-2"),
        appraisal(valuation_date="2024-05-10", reported_on="2025-04-01", report="R-0"),
    ]
    terms = asset_terms(appraisal=made)

    def report(as_of: date) -> str:
        found = make_asset(terms, as_of=as_of).valuation.collect()["report"].item()
        return str(found)

    assert report(date(2025, 4, 30)) == "R-1"
    assert report(date(2025, 5, 10)) == "R-2"
    assert report(date(2025, 4, 1)) == "R-0"


def test_without_an_appraisal_the_appraised_value_is_0_and_says_nobody() -> None:
    made = make_asset(asset_terms(appraisal=[]))

    row = made.valuation.collect().row(0, named=True)
    assert (row["appraised_fen"], row["appraiser"]) == (0, "nobody")
    assert (row["appraised_on"], row["valid_to"]) == (None, None)
    assert made.appraisal_inputs.collect().is_empty()


@pytest.mark.parametrize(
    ("rights", "said"),
    [
        ([right("hold"), right("hold")], "grants the same right twice"),
        ([right("hold", valid_to="2024-12-31")], "valid_to lies before valid_from"),
        ([], "at least 1 item"),
    ],
)
def test_a_bundle_of_rights_that_contradicts_itself_is_refused(
    rights: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        asset_terms(rights=rights)
