"""Sell a product from order to bundle; what is forbidden is refused in its words."""

import hashlib
import json
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from flows import market
from flows.deliver import bundle, deliver, refuse, whose
from flows.market import Asked, order_of, rows_of, take_order
from flows.meter import meter
from flows.released import released, withdrawal
from flows.stages import invoice_task, order_task
from schemas.artifact import Snapshot
from schemas.errors import Refused, RegisterError, StoreError
from schemas.registers import Entitlement, Invoice, Order, Usage
from schemas.sale import InvoiceTerms, OrderTerms
from tasks import store
from tasks.store import sales, usage
from tests import shop
from tests.shop import CODE

BUYER = Asked("Crop Cover", CODE, "claims")
TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One store for the whole file; each test sells under a number of its own."""
    folder = tmp_path_factory.mktemp("shop")
    with shop.shop(folder):
        yield folder


def asked(number: str, **more: Any) -> Asked:
    return Asked(**{**vars(BUYER), "number": number, **more})


def test_an_order_grants_its_quota_and_shows_the_key_once(home: Path) -> None:
    first = take_order("rain", asked("A-1", fields=("day", "town"), quota=200))
    again = take_order("rain", asked("A-1"))

    assert first["amount"] == "600.00"  # 2 × 100 rows at 300.00
    assert (first["quota"], first["unit"]) == (200, "row")
    assert "key" not in again
    assert {**again, "key": first["key"]} == first
    (granted,) = rows_of(Entitlement, entitlement="A-1")
    assert granted["key_sha256"] == hashlib.sha256(first["key"].encode()).hexdigest()
    bodies = "".join(
        r.publication.model_dump_json() for r in store.runs(store.current())
    )
    assert first["key"] not in bodies


def test_another_order_under_the_same_number_is_refused(home: Path) -> None:
    take_order("rain", asked("B-1"))
    with pytest.raises(RegisterError, match="stands with another use, quota"):
        take_order("rain", asked("B-1", use="pricing", quota=300))
    assert order_of("B-1")["quota"] == 100


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"use": "ads"}, "use ads is prohibited: Advertising"),
        ({"use": "chess"}, "use 'chess' is not offered"),
        ({"fields": ("day", "owner")}, "no field owner: daily-rain has day, town"),
        ({"fields": ("day", "day")}, "a field is named twice"),
        ({"quota": 150}, "order a multiple of 100 rows"),
        ({"last": TODAY + timedelta(days=400)}, "one order lasts until"),
        ({"last": TODAY - timedelta(days=9)}, "before it begins"),
    ],
)
def test_an_order_that_the_offer_forbids_is_refused(
    home: Path, more: dict[str, object], told: str
) -> None:
    with pytest.raises(Refused, match=told):
        take_order("rain", asked("C-1", **more))
    assert rows_of(Order, order="C-1") == []
    assert rows_of(Entitlement, entitlement="C-1") == []


def test_all_grounds_are_told_at_once(home: Path) -> None:
    with pytest.raises(Refused) as refused:
        take_order("rain", asked("C-2", use="ads", fields=("owner",), quota=7))
    assert len(refused.value.grounds) == 3


def test_a_wrong_credit_code_is_one_sentence(home: Path) -> None:
    with pytest.raises(RegisterError, match="customer_code: not a unified social"):
        take_order("rain", asked("C-3", code="91110000600037341X"))


def test_what_a_person_mistypes_is_one_sentence(home: Path) -> None:
    with pytest.raises(RegisterError, match=r"order: does not fit; write: Number of"):
        take_order("rain", asked("a b"))
    with pytest.raises(RegisterError, match=r"period: does not fit; write: Month, as"):
        market.invoice("rain", "26-07")
    with pytest.raises(StoreError, match="there is no order Z-9"):
        market.revoke("Z-9", "not paid", None)
    with pytest.raises(StoreError, match="zzz is no order, and no product"):
        market.usage("zzz")


def test_a_bundle_is_exactly_what_was_licensed(home: Path, tmp_path: Path) -> None:
    take_order("rain", asked("D-1", fields=("day", "tenths_mm"), rows=30))

    told = deliver("D-1", tmp_path / "out")

    folder = tmp_path / "out"
    rows = pl.read_parquet(folder / "daily-rain.parquet")
    wanted = {(n, n * n % 97) for n in range(30)}
    assert rows.columns == ["day", "tenths_mm"]
    assert set(rows.rows()) == wanted
    assert rows.height == 30
    assert pl.read_csv(folder / "daily-rain.csv").rows() == rows.rows()
    assert rows["day"].to_list() != sorted(rows["day"])
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        sha256, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
    assert len((folder / "SHA256SUMS").read_text().splitlines()) == 6
    assert json.loads((folder / "odrl.jsonld").read_text())["@type"] == "Offer"
    (described,) = yaml.safe_load((folder / "contract.odcs.yaml").read_text())["schema"]
    assert [p["name"] for p in described["properties"]] == ["day", "tenths_mm"]
    manifest = json.loads((folder / "DELIVERY.json").read_text())
    assert manifest["customer"] == "Crop Cover"
    assert manifest["rows"] == 30
    assert "Attribution: Jiangbei rain" in (folder / "LICENCE.txt").read_text()
    assert stat.S_IMODE((folder / "daily-rain.csv").stat().st_mode) == 0o600
    (used,) = sales.deliveries(store.current(), ["D-1"])
    assert (used["delivery"], used["rows"]) == (manifest["delivery"], 30)
    assert used["bytes"] == sum(f.stat().st_size for f in folder.iterdir())
    assert told["left"] == 70
    assert store.verify(store.current()).exit == 0


def test_a_delivery_is_whole_or_not_at_all(home: Path, tmp_path: Path) -> None:
    """The third of three deliveries of 40 rows exceeds 100."""
    take_order("rain", asked("E-1"))
    deliver("E-1", tmp_path / "one")
    deliver("E-1", tmp_path / "two")

    with pytest.raises(Refused, match="20 rows are left"):
        deliver("E-1", tmp_path / "three")
    with pytest.raises(StoreError, match="is there already"):
        deliver("E-1", tmp_path / "two")

    assert sorted(f.name for f in tmp_path.iterdir()) == ["one", "two"]
    assert len(sales.deliveries(store.current(), ["E-1"])) == 2


def test_a_renewal_adds_its_units_and_the_next_term(home: Path, tmp_path: Path) -> None:
    before = take_order("rain", asked("F-1"))
    deliver("F-1", tmp_path / "one")
    deliver("F-1", tmp_path / "two")

    after = market.renew("F-1", None, None, None)
    deliver("F-1", tmp_path / "three")

    assert (before["quota"], after["quota"]) == (100, 200)
    begins = date.fromisoformat(before["valid_to"]) + timedelta(days=1)
    (renewed,) = rows_of(Entitlement, entitlement="F-1", event="renew")
    assert renewed["valid_from"] == begins
    same = market.renew("F-1", begins, None, None)
    assert same == after
    with pytest.raises(Refused, match="order a multiple"):
        market.renew("F-1", None, None, 5)
    assert market.usage("F-1")[0]["left"] == 80  # 200 - 3 × 40


def test_what_is_not_valid_today_is_not_delivered(home: Path, tmp_path: Path) -> None:
    take_order("rain", asked("G-1", first=TODAY + timedelta(days=9)))
    with pytest.raises(Refused, match="begins on"):
        deliver("G-1", tmp_path / "out")
    old = TODAY - timedelta(days=90)
    take_order("rain", asked("G-2", first=old, last=old + timedelta(days=9)))
    with pytest.raises(Refused, match="ended on"):
        deliver("G-2", tmp_path / "out")
    take_order("rain", asked("G-3"))
    told = market.revoke("G-3", "not paid", None)
    assert told["reason"] == "not paid"
    assert market.revoke("G-3", "again", None)["reason"] == "not paid"
    with pytest.raises(Refused, match="revoked"):
        deliver("G-3", tmp_path / "out")
    with pytest.raises(Refused, match="G-3 was revoked: not paid"):
        market.renew("G-3", None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_end_prevails_over_one_that_was_told_before(
    home: Path, tmp_path: Path
) -> None:
    take_order("rain", asked("G-5"))
    later = TODAY + timedelta(days=26_000)
    market.revoke("G-5", "their wish", later)
    market.revoke("G-5", "another wish", later + timedelta(days=1))
    assert len(rows_of(Entitlement, entitlement="G-5", event="revoke")) == 1

    told = market.revoke("G-5", "fraud", None)

    assert told["revoked_on"] == str(market.today("rain"))
    assert told["reason"] == "fraud"
    with pytest.raises(Refused, match="G-5 is revoked since"):
        deliver("G-5", tmp_path / "out")
    with pytest.raises(Refused, match="G-5 was revoked: fraud"):
        market.renew("G-5", None, None, None)
    assert store.verify(store.current()).exit == 0


def test_what_is_revoked_while_files_are_written_is_not_delivered(
    home: Path, tmp_path: Path
) -> None:
    take_order("rain", asked("G-4"))
    order, offer = order_of("G-4"), released("rain")
    refuse(offer, order)  # valid so far
    _, request = bundle(offer, order, "0" * 32, tmp_path)
    market.revoke("G-4", "not paid", None)

    granted = usage.grant(store.current(), request)

    assert isinstance(granted, usage.Denied)
    assert granted.kind == "revoked"
    assert sales.deliveries(store.current(), ["G-4"]) == []


def test_the_order_of_its_rows_names_a_copy(home: Path, tmp_path: Path) -> None:
    for number in ("H-1", "H-2"):
        take_order("rain", asked(number, quota=100))
        deliver(number, tmp_path / number)
    copy = pl.read_csv(tmp_path / "H-2" / "daily-rain.csv")
    copy.filter(pl.col("town") == "a").write_csv(tmp_path / "leaked.csv")
    copy.sort("day").write_csv(tmp_path / "sorted.csv")

    best, *others = whose(tmp_path / "leaked.csv", "rain")

    assert (best["order"], best["sure"]) == ("H-2", False)  # 19 neighbours: too few
    assert (best["in_order"], best["neighbours"]) == (19, 19)
    assert all(other["in_order"] < 19 for other in others)
    whole, *_ = whose(tmp_path / "H-2" / "daily-rain.parquet", "rain")
    assert (whole["order"], whole["sure"]) == ("H-2", True)
    assert not any(found["sure"] for found in whose(tmp_path / "sorted.csv", "rain"))


def invoice(period: str, on: date) -> list[dict[str, object]]:
    """Invoice as of a later day."""
    terms = InvoiceTerms(factor="rain", period=period, issued_on=on)
    invoice_task(
        Snapshot(register=Order, where={"factor": "rain"}),
        Snapshot(register=Entitlement, where={}),
        Snapshot(register=Usage, where={"period": period}),
        Snapshot(register=Invoice, where={"period": period}),
        terms,
    )
    return rows_of(Invoice, period=period)


def test_orders_and_renewals_are_invoiced_once(home: Path) -> None:
    take_order("rain", asked("I-1", quota=200))
    market.renew("I-1", None, None, 100)
    month = f"{market.today('rain'):%Y-%m}"
    later = TODAY + timedelta(days=40)

    first = invoice(month, later)
    again = invoice(month, later + timedelta(days=1))

    mine = [line for line in again if line["order"] == "I-1"]
    assert first == again
    assert [(n["invoice"], n["quantity"], n["amount_fen"]) for n in mine] == [
        (f"I-1/{month}", 2, 60_000),
        (f"I-1/{month}", 1, 30_000),
    ]
    with pytest.raises(RegisterError, match="is not over yet"):
        market.invoice("rain", month)


def test_a_withdrawn_product_is_neither_sold_nor_delivered(
    home: Path, tmp_path: Path
) -> None:
    take_order("rain", asked("J-1"))
    for _ in range(2):  # the same words again are another event
        told = market.withdraw(
            "rain", "its source is disputed", "letter 7", None, False
        )
        with pytest.raises(
            Refused, match=r"was withdrawn on .*: its source is disputed"
        ):
            take_order("rain", asked("J-2"))
        with pytest.raises(Refused, match="withdrawn"):
            market.renew("J-1", None, None, None)
        with pytest.raises(Refused, match="withdrawn"):
            deliver("J-1", tmp_path / "out")
        with pytest.raises(RegisterError, match="daily-rain is withdrawn already"):
            market.withdraw("rain", "again", "", None, False)
        market.withdraw("rain", "settled", "letter 9", None, True)
    assert "J-1" in told["orders"]
    deliver("J-1", tmp_path / "out")


def test_a_withdrawn_product_stays_so_under_another_name(tmp_path: Path) -> None:
    with shop.shop(tmp_path):
        market.withdraw("rain", "its source is disputed", "letter 7", None, False)
        renamed = shop.DOCUMENT.replace("daily-rain", "town-rain")
        shop.offer(tmp_path, renamed.replace("1.2.0", "2.0.0"))

        with pytest.raises(Refused, match=r"daily-rain was withdrawn on .*disputed"):
            take_order("rain", asked("N-1"))
        assert withdrawal(released("rain").terms, market.today("rain")) == (
            "its source is disputed"
        )
        told = market.withdraw("rain", "settled", "letter 9", None, True)
        assert told["product"] == "daily-rain"
        take_order("rain", asked("N-1"))
        with pytest.raises(RegisterError, match="town-rain is offered already"):
            market.withdraw("rain", "again", "", None, True)

        shop.offer(
            tmp_path, renamed.replace("town-", "city-").replace("1.2.0", "3.0.0")
        )
        market.withdraw("rain", "disputed again", "letter 11", None, False)
        with pytest.raises(Refused, match="product city-rain is withdrawn since"):
            deliver("N-1", tmp_path / "out")


def test_what_the_product_has_become_is_asked_at_delivery(tmp_path: Path) -> None:
    with shop.shop(tmp_path):
        take_order("rain", asked("K-1"))
        document = shop.DOCUMENT.replace("1.2.0", "2.0.0")
        shop.offer(tmp_path, document)
        with pytest.raises(Refused, match=r"at 2\.0\.0 now"):
            deliver("K-1", tmp_path / "out")
        with pytest.raises(Refused, match=r"at 2\.0\.0 now"):
            market.renew("K-1", None, None, None)
        assert len(rows_of(Entitlement, entitlement="K-1")) == 1
        deliver(take_order("rain", asked("K-2"))["order"], tmp_path / "out")

        cheaper = document.replace('"300.00"', '"299.00"').replace("2.0.0", "2.1.0")
        shop.offer(tmp_path, cheaper.replace('"3.00"', '"2.99"'))
        told = r"300\.00 for 100 is above the guide price 2\.99"
        with pytest.raises(Refused, match=told):
            market.renew("K-2", None, None, None)

        changed = document.replace("2.0.0", "3.0.0").replace("[bundle, ", "[")
        offered, prohibited = "claims: Checking claims", "ads: Advertising"
        swapped = changed.replace(f"{offered}, ", "").replace(
            prohibited, f"{prohibited}, claims: Claims"
        )
        shop.offer(tmp_path, swapped)
        with pytest.raises(Refused) as refused:
            deliver("K-2", tmp_path / "more")
    assert [ground.partition(":")[0] for ground in refused.value.grounds] == [
        "use claims is prohibited",
        "daily-rain is delivered by service only",
        "daily-rain is at 3.0.0 now, which breaks what was ordered at 2.0.0",
    ]


def order_in_the_past(number: str, first: date) -> OrderTerms:
    """Order ten days as one would have on the first of them."""
    return OrderTerms(
        factor="rain",
        order=number,
        customer=BUYER.customer,
        customer_code=CODE,
        use=BUYER.use,
        fields=(),
        rows=None,
        quota=None,
        valid_from=first,
        valid_to=first + timedelta(days=9),
        ordered_on=first,
        key_sha256="0" * 64,
        offer=released("rain").terms,
    )


def test_sealed_use_of_a_past_month_is_invoiced_and_corrected(tmp_path: Path) -> None:
    """333 rows × 0.0015 = 0.4995 -> 0.50; 700 more came late: 1.5495 -> 1.55."""
    price = 'price: {mode: per_row, amount: "0.0015"}'
    before = shop.DOCUMENT[shop.DOCUMENT.index("price:") :].splitlines()[0]
    with shop.shop(tmp_path, shop.DOCUMENT.replace(before, price)):
        past = datetime(TODAY.year - 1, 7, 2, 12, tzinfo=UTC)
        month, first = f"{past:%Y-%m}", past.date()
        offer = released("rain")
        ordered = order_in_the_past("L-1", first)
        order_task(offer.ref, market.withdrawals(offer.terms), ordered)

        def use(rows: int) -> None:
            asking = usage.Request(
                *("L-1", "service"),
                past,
                "Asia/Shanghai",
                ("day",),
                rows,
                9,
                offer.ref.id,
            )
            assert isinstance(usage.grant(store.current(), asking), usage.Grant)

        use(300)
        use(33)
        with pytest.raises(RegisterError, match=r"2 deliveries of .* not sealed yet"):
            market.invoice("rain", month)
        meter()
        first_time = market.invoice("rain", month)
        assert market.invoice("rain", month) == first_time
        use(700)
        meter()
        corrected = market.invoice("rain", month)

    assert [line["amount"] for line in first_time["lines"]] == ["0.50"]
    assert [line["amount"] for line in corrected["lines"]] == ["0.50", "-0.50", "1.55"]
    assert corrected["total"] == "1.55"
    assert corrected["lines"][1]["reverses"] == f"L-1/{month}"
