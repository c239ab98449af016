"""From bytes nobody has seen to a published resource, by what ``check`` asks for."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no stubs in the lock
import pytest
import yaml

from tests.command import ROOT, Said, datafactor

CITIES = ("杭州市", "宁波市", "温州市")
QUESTION = re.compile(r"line (\d+), (\S+): TODO (.*)")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 orders in GB 18030: one date that is none, one mobile in every row."""
    made = tmp_path_factory.mktemp("home")
    rows = ["订单号,下单日期,客户手机,城市,金额,数量"]
    for n in range(500):
        day = "someday" if n == 77 else f"2024/{n % 12 + 1:02}/{n % 28 + 1:02}"
        count = "NA" if n % 4 == 0 else str(n % 3 + 5)
        rows.append(
            f"{n + 1:06},{day},139{n * 7 + 10_000_000:08},{CITIES[n % 3]}"
            f",{n * 17 + 1_003}.5,{count}"
        )
    folder = made / "data"
    folder.mkdir()
    (folder / "订单.csv").write_bytes("\r\n".join(rows).encode("gb18030"))
    (folder / "cities.csv").write_text("city,people\nHangzhou,12520000\n", "utf-8")
    (folder / "empty.csv").touch()
    return made


def say(home: Path, *arguments: str) -> Said:
    return datafactor(*arguments, home=home, data=home / "data")


@pytest.fixture(scope="module")
def drafted(home: Path) -> tuple[Said, str]:
    """Draft once; the document's text is for everybody."""
    document = home / "orders.yaml"
    said = say(home, "draft", str(home / "data" / "订单.csv"), "-o", str(document))
    assert said.exit == 0, said.err
    return said, document.read_text("utf-8")


@pytest.fixture
def document(tmp_path: Path, drafted: tuple[Said, str]) -> Path:
    path = tmp_path / "orders.yaml"
    path.write_text(drafted[1], "utf-8")
    return path


def answer(place: str, question: str) -> str:
    """Answer as a newcomer would, from the question alone."""
    if place in ("entity", "policy"):
        return question.rpartition(": ")[2].split(", ")[0]
    known = {"classification": "sensitive", "unit": '""', "industry": "F52"}
    return (known | {"never": "refused by a person"}).get(
        place.rpartition(".")[2], "said by a person"
    )


def test_a_newcomer_gets_to_a_published_resource_by_what_check_asks_for(
    home: Path, document: Path
) -> None:
    asked = say(home, "check", str(document))
    assert asked.exit == 1
    questions = [QUESTION.search(line) for line in asked.err.splitlines()]
    assert all(questions)  # nothing else is wrong
    lines = document.read_text("utf-8").splitlines()
    for found in questions:
        assert found
        at = int(found[1]) - 1
        lines[at] = lines[at].replace("TODO", answer(found[2], found[3]), 1)
    document.write_text("\n".join(lines) + "\n", "utf-8")

    checked = say(home, "check", str(document))
    assert checked.exit == 0, checked.err
    ran = say(home, "run", str(document), "--json")
    assert ran.exit == 0, ran.err
    assert ran.data["summary"]["resource"].startswith("499 rows, 1 rejected")
    assert say(home, "verify").exit == 0


PRODUCT = """
product:
  name: orders-a-day
  version: 1.0.0
  query: SELECT column_2 AS day, COUNT(*) AS orders FROM resource GROUP BY column_2
  licence: {name: house, permissions: [use]}
  compliance:
    lawful_source: {answer: true, evidence: CONTRACT-1}
    undisputed: {answer: true, evidence: DECLARATION-1}
    third_party_rights: {answer: true, evidence: own books}
    consent: {basis: none-personal, evidence: orders counted by day}
  columns:
    - {name: day, logicalType: date, required: true}
    - {name: orders, logicalType: integer, required: true}
  key: [day]
"""


def test_what_looks_personal_keeps_the_product_shut_until_a_person_decides(
    home: Path, tmp_path: Path, drafted: tuple[Said, str]
) -> None:
    lines = drafted[1].replace("factor: orders", "factor: shut").splitlines()
    silent = [line for line in lines if "classification: TODO" not in line]
    assert len(silent) == len(lines) - 1
    answers = {"entity": "jiangbei-data", "policy": "cn-2025", "industry": "F52"}
    answers |= {"licence": "own books", "prohibited_uses": "anything else"}

    def said(line: str) -> str:
        key = line.partition(":")[0].strip()
        return line.replace("TODO", answers.get(key, "x"), 1)

    document = tmp_path / "shut.yaml"
    document.write_text("\n".join(map(said, silent)) + PRODUCT, "utf-8")
    shut = say(home, "run", str(document), "--json")
    answers["classification"] = "internal"  # telephones of the office
    document.write_text("\n".join(map(said, lines)) + PRODUCT, "utf-8")
    opened = say(home, "run", str(document), "--json")

    assert shut.exit == 1
    (ground,) = shut.data["grounds"]
    assert "column_3 (mobile in 499 of 499; its name: contact)" in ground
    assert opened.exit == 0, opened.err


def test_guesses_stand_beside_their_evidence(drafted: tuple[Said, str]) -> None:
    _, text = drafted

    # 6 headings of 3, 4, 4, 2, 2 and 2 signs, and 500 cities of 3 signs.
    assert re.search(r"encoding: gb18030  # .*gb18030: 1,517 of 1,517", text)
    assert "cp950: " in text
    assert re.search(r'delimiter: ","  # 6 fields in 501 of 501', text)
    assert "header: 1  # line 1 has numbers in 0 of 5 columns of numbers" in text
    assert 'null_tokens: ["", "NA"]  # "" 0 times, "NA" 125 times' in text
    assert "key: [column_1]" in text
    assert "date  # 99.8 % parse as date yyyy/MM/dd; 1 row does not" in text
    assert "string  # text: 500 have digits after a leading 0" in text
    assert "mobile in 500 of 500" in text
    assert "# 125 of 500 are empty" in text
    assert text.startswith("# yaml-language-server: $schema=")


def test_no_value_of_the_data_enters_the_document(
    home: Path, drafted: tuple[Said, str]
) -> None:
    said, document = drafted
    rows = (home / "data" / "订单.csv").read_bytes().decode("gb18030").splitlines()[1:]

    # Digits of up to two places also count something; every longer cell is searched.
    cells = {cell for row in rows for cell in row.split(",") if len(cell) > 2}
    told = document + said.out + said.err
    assert len(cells) > 1_500
    assert [cell for cell in sorted(cells) if cell in told] == []


def test_a_declared_encoding_stands_instead_of_the_guess(
    home: Path, tmp_path: Path
) -> None:
    # Its two bytes are a comma in GB 2312: nothing tells, and that comes first.
    (home / "data" / "sounds.csv").write_bytes("id,ㄛ\n1,2\n3,4\n".encode("cp950"))
    guessed, told = tmp_path / "guessed.yaml", tmp_path / "told.yaml"
    say(home, "draft", "sounds.csv", "-o", str(guessed))
    said = say(home, "draft", "sounds.csv", "-o", str(told), "--encoding", "CP950")
    wrong = say(home, "draft", "sounds.csv", "-o", "wrong.yaml", "--encoding", "gbk")

    assert said.exit == 0, said.err
    assert "encoding: TODO  # plausible signs" in guessed.read_text("utf-8")
    text = told.read_text("utf-8")
    assert (
        "encoding: cp950  # declared; plausible signs beyond ASCII: cp950: 1 of 1"
        in text
    )
    assert 'physicalName: "ㄛ"' in text
    assert wrong.exit == 1
    assert "'gbk' is not known; known are utf-8, gb18030, big5, cp950," in wrong.err


def test_a_known_key_is_proposed_for_an_unknown_one(home: Path, document: Path) -> None:
    text = document.read_text("utf-8").replace("null_tokens:", "nul_tokens:")
    document.write_text(text, "utf-8")

    told = say(home, "check", str(document)).err.splitlines()

    assert "TODO" in told[0]
    assert told[-1].endswith("unknown key; did you mean null_tokens?")


def test_two_files_ask_for_the_select_that_joins_them(
    home: Path, tmp_path: Path
) -> None:
    document = str(tmp_path / "orders.yaml")
    say(home, "draft", "订单.csv", "cities.csv", "-o", document)

    said = say(home, "check", document)

    assert "resource.consolidate: TODO which SELECT brings" in said.err
    assert said.err.count("TODO") == len(said.err.splitlines())


@pytest.mark.parametrize(
    ("path", "name", "told"),
    [
        ("missing.csv", "orders", "there is no file missing.csv"),
        ("订单.csv", "Orders", "small letters, digits and hyphens"),
        ("empty.csv", "orders", "the file is empty"),
        (str(ROOT / "README.md"), "orders", "README.md lies outside the data folder"),
    ],
    ids=["missing", "capital letter", "empty", "outside"],
)
def test_what_cannot_be_drafted_is_refused(
    home: Path, tmp_path: Path, path: str, name: str, told: str
) -> None:
    document = tmp_path / f"{name}.yaml"

    said = say(home, "draft", path, "-o", str(document))

    assert said.exit == 1
    assert told in said.err
    assert not document.exists()


def test_a_document_that_is_there_is_not_overwritten(
    home: Path, document: Path
) -> None:
    document.write_text("mine", "utf-8")

    said = say(home, "draft", "订单.csv", "-o", str(document))

    assert said.exit == 1
    assert document.read_text("utf-8") == "mine"


def test_check_names_the_line_of_a_wrong_query(home: Path, tmp_path: Path) -> None:
    shipped = ROOT / "deployments" / "factors" / "flight-disruption.yaml"
    text = shipped.read_text("utf-8").replace("FROM flights f", "FROM flihgts f")
    line = text[: text.index("FROM flihgts f")].count("\n") + 1
    document = tmp_path / "flight-disruption.yaml"
    document.write_text(text, "utf-8")

    said = say(home, "check", str(document))

    assert said.exit == 1
    assert said.err.startswith(
        f"flight-disruption.yaml line {line}, resource.consolidate line 5 column"
    )


class Loader(yaml.SafeLoader):
    """YAML 1.2 as an editor reads it: a date is text."""

    yaml_implicit_resolvers = {
        first: [(tag, form) for tag, form in forms if not tag.endswith("timestamp")]
        for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:  # Any: JSON Schema
    said = datafactor("schema", home=tmp_path_factory.mktemp("home"))
    return json.loads(said.out)


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "deployments" / "factors").glob("*.yaml")),
    ids=lambda path: path.stem,
)
def test_each_factor_of_the_house_fits_the_exported_schema(
    schema: Any, path: Path
) -> None:
    document = yaml.load(path.read_text("utf-8"), Loader)

    jsonschema.Draft202012Validator.check_schema(schema)
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(document))

    assert [f"{list(e.absolute_path)}: {e.message[:200]}" for e in errors] == []


def test_the_exported_schema_describes_each_field_and_refuses_unknown_ones(
    schema: Any,
) -> None:
    parts = {"": schema, **schema["$defs"]}
    bare = [
        f"{name}.{field}"
        for name, part in parts.items()
        for field, told in part.get("properties", {}).items()
        if not told.get("description")
    ]
    open_ = [n for n, p in parts.items() if p.get("additionalProperties") is not False]

    assert bare == []
    assert open_ == []
    assert "name" not in schema["$defs"]["Source"]["properties"]
    assert "zone" not in schema["properties"]
