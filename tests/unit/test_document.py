from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from schemas.document import load, read
from schemas.entity import Entity
from schemas.errors import FactorError
from schemas.licence import Licence


class Leg(BaseModel):
    model_config = ConfigDict(extra="forbid")

    origin: str
    minutes: int = Field(ge=1)
    logical_type: str = Field("text", alias="logicalType")


class Trip(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    price: Decimal = Decimal("0")
    on: date | None = None
    legs: tuple[Leg, ...] = Field((), min_length=1)
    stops: dict[str, Leg] = {}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "trip.yaml"


def refusal(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(FactorError) as caught:
        load(path, Trip)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written_as", "value"),
    [
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("True", "True"),
        ("NULL", "NULL"),
        ("012", "012"),
        ("0o14", "0o14"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("2026-06-30", "2026-06-30"),
        ("0.10", "0.10"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("+1", "+1"),
        ("1234567890123456789", "1234567890123456789"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("=", "="),
        ("<<", "<<"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("123456789012345678", 123456789012345678),
    ],
)
def test_text_stays_text(written: Path, written_as: str, value: object) -> None:
    written.write_text(f"key: {written_as}\n")

    assert read(written)[0] == {"key": value}
    assert type(read(written)[0]["key"]) is type(value)  # type: ignore[call-overload,index]  # a mapping, as the line above proves


def test_a_decimal_never_passes_through_float(written: Path) -> None:
    written.write_text(
        "name: a\nprice: 0.1000000000000000000000000001\non: 2026-06-30\n"
    )

    trip = load(written, Trip)

    assert trip.price == Decimal("0.1000000000000000000000000001")
    assert trip.on == date(2026, 6, 30)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("name: a\nlegs: &x []\n", 2, "anchor"),
        ("name: a\nstops: *x\n", 2, "alias"),
        ("a: &a [x]\nb: &b [*a, *a]\n", 1, "anchor"),
        ("name: a\nprice: !!python/object/apply:os.system [id]\n", 2, "tag"),
        ("name: a\nprice: !!float 1\n", 2, "tag"),
        ("name: ! a\n", 1, "tag"),
        ("name: !secret a\n", 1, "tag"),
        ("name: a\nprice: 1\nname: b\n", 3, "written twice, first in line 1"),
        ("name: a\nstops:\n  x: {origin: A, origin: B}\n", 3, "written twice"),
        ("name: a\n1: b\n", 2, "key is not text"),
        ("name: a\ntrue: b\n", 2, "key is not text"),
        ("name: a\n? [b]\n: c\n", 2, "key is not text"),
        ("name: a\n<<: {price: 1}\n", 2, "unknown key"),
        ("name: a\n---\nname: b\n", 2, "not YAML"),
        ("name: a\n\tprice: 1\n", 2, "not YAML"),
        ("name: a\nlegs: [\n", 3, "not YAML"),
        ("name: 'a\n", 2, "not YAML"),
        ("name: a\nprice: \x01\n", 2, "control character"),
        (b"name: a\nprice: \xff\n", 2, "UTF-8"),
        ("", 1, "empty"),
        ("# only a comment\n", 1, "empty"),
        ("name: a\nlegs: " + "[" * 100 + "]" * 100, 2, "deeper than 32"),
        ("name: a\nlegs: " + "{a: " * 100 + "}" * 100, 2, "deeper than 32"),
        ("name: a\nlegs: " + "[" * 100_000, 2, "deeper than 32"),
        ("name: a\n" + "\n".join(f"{'  ' * i}k:" for i in range(100)), 33, "deeper"),
        (b"name: " + b"a" * 10_000_000, 1, "longer than 1,000,000 bytes"),
        ("- a\n- b\n", 1, "dictionary"),
        ("name: a\nprize: 1\n", 2, "did you mean price?"),
        ("name: a\nlegs:\n- origin: A\n  minuts: 5\n", 4, "did you mean minutes?"),
        (
            "name: a\nstops:\n  x:\n    origin: A\n    minutes: 5\n    logicaltype: b",
            6,
            "did you mean logicalType?",
        ),
        ("name: a\nzzz: 1\n", 2, "known are name, price, on, legs, stops"),
        ("name: a\nprice: 12 yuan\n", 2, "price"),
        ("name: a\nlegs:\n- origin: A\n  minutes: 1:30\n", 4, "legs.0.minutes"),
        ("name: a\nlegs:\n- {origin: A}\n", 3, "legs.0.minutes: Field required"),
        ("price: 1\n", 1, "name: Field required"),
        ("name: no\nlegs:\n- {origin: 7, minutes: 1}\n", 3, "legs.0.origin"),
    ],
)
def test_an_attack_is_one_sentence_with_its_line(
    written: Path, content: str | bytes, line: int, words: str
) -> None:
    lines = refusal(written, content).splitlines()

    (told,) = [text for text in lines if words in text]
    assert told.startswith(f"trip.yaml line {line}")


def test_all_problems_are_listed_one_a_line(written: Path) -> None:
    told = refusal(
        written, "prize: 1\nlegs:\n- {minutes: 0, origin: A}\n- {origin: B}\n"
    )

    assert [text.partition(":")[0] for text in told.splitlines()] == [
        "trip.yaml line 1, name",
        "trip.yaml line 3, legs.0.minutes",
        "trip.yaml line 4, legs.1.minutes",
        "trip.yaml line 1, prize",
    ]


@pytest.mark.parametrize(
    "content",
    [
        "name: a\nprice: hunter2\n",
        "name: a\nlegs: hunter2\n",
        "name: a\non: hunter2\n",
        "name: a\nstops: {x: hunter2}\n",
        "name: a\nprice: &hunter2 1\n",
        "name: a\nprice: !hunter2 1\n",
        "name: a\nname: hunter2\n",
        "name: a\nzzz: hunter2\n",
        "name: {hunter2: a\n",
        'name: "hunter2\n',
    ],
)
def test_a_value_is_never_printed(written: Path, content: str) -> None:
    assert "hunter2" not in refusal(written, content)


def test_a_missing_document_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        FactorError, match=r"^no.yaml: cannot be read .*; check the path$"
    ):
        load(tmp_path / "no.yaml", Trip)


def test_every_open_place_is_told_with_its_question_before_other_errors(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "entity: TODO  # whose books does it enter?\n"
        "name: x\n"
        "credit_code: TODO\n"
        "zone: Mars/Olympus\n"
        "accounts: {bank: TODO}  # which account?\n"
        "acounts: 1\n",
        "utf-8",
    )

    with pytest.raises(FactorError) as told:
        load(path, Entity)

    assert str(told.value).splitlines() == [
        "a.yaml line 1, entity: TODO whose books does it enter?",
        "a.yaml line 3, credit_code: TODO write what it asks for",
        "a.yaml line 5, accounts.bank: TODO which account?",
        "a.yaml line 4, zone: no time zone 'Mars/Olympus': use a name like"
        " Asia/Shanghai",
        "a.yaml line 6, acounts: unknown key; did you mean accounts?",
    ]


def test_an_open_place_in_a_list_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "name: TODO  # which?\npermissions: [TODO]  # what may be done?\n", "utf-8"
    )

    with pytest.raises(FactorError) as told:
        load(path, Licence)

    assert str(told.value).splitlines() == [
        "a.yaml line 1, name: TODO which?",
        "a.yaml line 2, permissions.0: TODO what may be done?",
    ]


def test_todo_in_quotes_is_text(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text('name: "TODO"\npermissions: [use]\n', "utf-8")

    assert load(path, Licence).name == "TODO"


def test_a_text_read_again_gives_values_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "doc.yaml"
    file.write_text("steps: [a, b]\n")
    first, lines = read(file)
    assert isinstance(first, dict)
    first["steps"] = "changed by its reader"
    lines.clear()

    again, told = read(file)
    assert again == {"steps": ["a", "b"]}
    assert told[("steps",)] == 1

    file.write_text("steps: [c]\n")
    assert read(file)[0] == {"steps": ["c"]}
