"""Personal identifiers: vectors ID-01 to ID-03 of the oracles, and GA 36-2018."""

import random

import polars as pl
import pytest

from schemas.entity import ALPHABET, credit_code_is_sound
from tasks.resource.recognise import RECOGNISERS, hint_of, is_telling, plain

BY_NAME = {each.name: each for each in RECOGNISERS}


def counts(recogniser: str, *texts: str | None) -> tuple[int, int]:
    """Count texts with the shape, and with a sound value."""
    each, text = BY_NAME[recogniser], plain(pl.col("text"))
    made = pl.LazyFrame({"text": texts}, {"text": pl.String}).select(
        shaped=each.shaped(text).sum(), matched=each.sound(text).sum()
    )
    shaped, matched = made.collect().row(0)
    return shaped, matched


@pytest.mark.parametrize(
    "number",
    [
        *("360426199101010071", "44011320141005001X", "412723199010050012"),
        *("110102199101010078", "440308199901101512", "810000199408230021"),
        *("830000199201300022", "44040119580101000X", "430302199312194239"),
        "610104620927690",
    ],
)
def test_a_sound_resident_id_is_found_alone_and_in_text(number: str) -> None:
    small, wide = number.lower(), "".join(chr(ord(c) + 0xFEE0) for c in number)

    assert counts("resident_id", number, small, wide, f"证号{number}，男") == (4, 4)


@pytest.mark.parametrize(
    ("number", "shaped"),
    [
        ("36042619910102009X", 1),  # check sign
        ("440308199901101513", 1),  # check sign
        ("360426199113010079", 1),  # month 13, its check sign is right
        ("440308199902301512", 1),  # 30 February
        ("T60426199101010078", 0),
        ("44030819990110", 0),
        ("610104620932690", 1),  # 32 September
        ("1360426199101010071", 0),  # a digit too many
        ("990102199101010071", 1),  # no province 99
    ],
)
def test_a_wrong_resident_id_is_not_sound(number: str, shaped: int) -> None:
    assert counts("resident_id", number) == (shaped, 0)


@pytest.mark.parametrize(
    "code",
    [
        *("91110000600037341L", "121200004013590816", "91310115MA1K3BTP2B"),
        *("91340600MA2PBM9HXD", "91620105L015101280", "92340602MA2PBQAH7E"),
        "9144030071526726XG",
    ],
)
def test_the_expression_agrees_with_the_entity_on_every_last_sign(code: str) -> None:
    texts = [code[:17] + sign for sign in ALPHABET]

    assert counts("credit_code", *texts) == (31, 1)
    assert counts("credit_code", code) == (1, 1)


def test_a_credit_code_may_begin_with_letters() -> None:
    body = "N2340602MA2PBQAH7"
    (sound,) = [body + s for s in ALPHABET if credit_code_is_sound(body + s)]

    assert counts("credit_code", f"社会信用代码:{sound}") == (1, 1)
    assert counts("credit_code", "9111000060003IOZSV", "12345") == (0, 0)


def test_a_card_passes_luhn_in_any_length_and_in_groups() -> None:
    # Published test numbers of the card schemes, and one of 19 digits.
    good = ["4111111111111111", "378282246310005", "4222222222222", "5555555555554444"]
    good += ["4111 1111 1111 1111", "4111-1111-1111-1111", "6205500000000000004"]

    assert counts("bank_card", *good) == (7, 7)
    assert counts("bank_card", "4111111111111112", "0000000000000000") == (2, 0)
    assert counts("bank_card", "7894", "78949") == (0, 0)  # ID-03: too short for a card


def test_a_mobile_begins_13_to_19() -> None:
    good = [
        "13812345678",
        "+86 19912345678",
        "8615012345678",
        "138-1234-5678",
        "手机13312345678转",
    ]

    assert counts("mobile", *good) == (5, 5)
    assert counts("mobile", "24.13812345678") == (0, 0)
    assert counts("mobile", "12812345678", "1381234567", "213812345678") == (1, 0)


@pytest.mark.parametrize(
    "plate",
    [
        *("京A12345", "沪B·8K123", "粤BD12345", "粤BFA1234", "粤B12345D", "浙A1234挂"),
        *("粤Z1234港", "京A1234警", "车牌京a12345在路肩", "皖Ａ１２３４５"),
    ],
)
def test_a_plate_of_the_mainland_is_found(plate: str) -> None:
    assert counts("plate", plate) == (1, 1)


@pytest.mark.parametrize("text", ["京AI2345", "京A123456", "AB12345", "京12345"])
def test_what_is_no_plate_is_not(text: str) -> None:
    assert counts("plate", text) == (0, 0)


def test_a_plate_of_taiwan_is_suspected_amid_text() -> None:
    assert counts("plate_tw_suspected", "小客車ABC1234追撞", "AB-1234", "1234-AB") == (
        3,
        3,
    )
    assert counts("plate_tw_suspected", "2024-05-01", "ABC12345", "03F-2614") == (0, 0)


def test_an_address_of_mail_is_found() -> None:
    assert counts("email", "a.b+c@mail.example.cn", "写信到x@y.com。", "a@b") == (2, 2)


def test_null_is_nothing() -> None:
    for each in RECOGNISERS:
        assert counts(each.name, None) == (0, 0)


def test_numbers_that_pass_luhn_by_accident_do_not_tell() -> None:
    dice = random.Random(7)
    numbers = [str(dice.randrange(10**15, 10**16)) for _ in range(3_000)]

    shaped, matched = counts("bank_card", *numbers)

    assert shaped == 3_000
    assert 200 < matched < 400
    assert not is_telling(shaped, matched, 0.1)
    assert is_telling(shaped, matched + 200, 0.1)
    assert is_telling(1, 1, 0.1)
    assert not is_telling(3_000, 0, 0.0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("name", "person_name"),
        ("CustomerName", "person_name"),
        ("姓名", "person_name"),
        ("station_name", None),
        ("國道名稱", None),
        ("mobile_no", "contact"),
        ("联系电话", "contact"),
        ("dest_lat", "location"),
        ("LNG", "location"),
        ("latency", None),
        ("birth_date", "birth"),
        ("diagnosis", "health"),
        ("身份证号", "identity"),
        ("home_address", "address"),
        ("住址", "address"),
        ("distance", None),
        ("age", "birth"),
        ("stage", None),
    ],
)
def test_a_column_name_speaks_for_its_values(name: str, kind: str | None) -> None:
    hint = hint_of(name)

    assert (hint.kind if hint else None) == kind
