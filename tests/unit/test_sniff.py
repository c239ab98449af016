"""How the bytes of a text are written, told by counts."""

from pathlib import Path

import pytest

from schemas.resource import Encoding
from tasks.resource.sniff import (
    footer,
    header,
    is_number,
    proposed,
    reading,
    readings,
    records_of,
    splits,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "highway_rescue_tw"
SIMPLIFIED = (
    "数据要素是指参与到社会生产经营活动的数据资源，日期编号车牌交通事故高速公路"
)
TRADITIONAL = (
    "國道高速公路局統計報表單位萬元同比增長臺北市新北市桃園市臺中市臺南市高雄市"
)
JAPANESE = "これは日本語のテストです。東京都新宿区の統計データを収集しました。氏名住所"
FRENCH = "Élève à Besançon, déjà préféré; naïveté; forêt"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SIMPLIFIED, "utf-8"),
        (SIMPLIFIED, "gb18030"),
        (TRADITIONAL, "cp950"),
        (JAPANESE, "shift_jis"),
        (FRENCH, "latin-1"),
        (SIMPLIFIED, "utf-16"),
    ],
)
def test_an_encoding_is_told_by_plausible_signs(text: str, encoding: str) -> None:
    made = readings(text.encode(encoding))

    assert proposed(made) == encoding
    assert made[0].share == 1.0 or made[0].share > 0.95


def test_big5_also_decodes_as_gb18030_and_both_counts_are_told() -> None:
    content = TRADITIONAL.encode("cp950")
    content.decode("gb18030")  # no error: decoding alone would toss a coin

    counts = {r.encoding: r for r in readings(content)}

    signs = len(TRADITIONAL)
    assert (counts["cp950"].signs, counts["cp950"].plausible) == (signs, signs)
    assert counts["gb18030"].broken == 0
    assert counts["gb18030"].plausible < signs * 0.5


@pytest.mark.parametrize("encoding", ["gb18030", "cp950", "big5", "utf-8", "utf-16"])
def test_a_declared_encoding_is_judged_as_the_others_are(encoding: Encoding) -> None:
    text = {"gb18030": SIMPLIFIED}.get(encoding, TRADITIONAL)
    lines = [text, "a,b", text]

    found = reading("\n".join(lines).encode(encoding), encoding)

    signs = len(text) * 2
    assert found == (encoding, 0, signs, signs)


def test_a_wrong_encoding_that_a_person_declares_is_told_by_its_counts() -> None:
    found = reading(f"a\n{TRADITIONAL}\n".encode("cp950"), "utf-8")

    assert (found.broken, found.plausible) == (1, 0)


def test_a_real_list_of_gantries_is_cp950() -> None:
    path = DATA / "國道計費門架座標及里程牌價表104.09.04版_373038.csv"
    if not path.exists():
        pytest.skip("the freeway set is not beside the project")

    assert proposed(readings(path.read_bytes())) == "cp950"


def test_where_two_encodings_are_as_plausible_none_is_proposed() -> None:
    # A3AC is a comma in GB 2312 and a phonetic sign in Big5, both common.
    made = readings("，".encode("gb18030"))

    counts = {r.encoding: (r.signs, r.plausible) for r in made}
    assert counts["gb18030"] == counts["cp950"] == (1, 1)
    assert proposed(made) is None


def test_a_broken_line_of_utf_8_is_counted() -> None:
    lines = [SIMPLIFIED.encode()] * 40 + [b"\xff\xfe\xfd"]

    best = readings(b"\n".join(lines))[0]

    assert (best.encoding, best.broken) == ("utf-8", 1)


def test_a_semicolon_is_told_from_decimal_commas() -> None:
    text = "a;b;c\n" + "1,5;2,25;x\n" * 20

    best = splits(text)[0]

    assert (best.delimiter, best.fields, best.fitting, best.records) == (";", 3, 21, 21)


@pytest.mark.parametrize(
    ("text", "lines", "names"),
    [
        ("id,amount\n1,2.5\n2,3.5\n", 1, ["id", "amount"]),
        ("Report of May\n\nid,amount\n1,2.5\n2,3.5\n", 3, ["id", "amount"]),
        ("1,2.5\n2,3.5\n", 0, []),
        ('id,"amount\nCNY"\n1,2.5\n', 2, ["id", "amount\nCNY"]),
        ("name,city\nWang,Rom\nLi,Ulm\n", 1, ["name", "city"]),
        ("Wang,Rom\nLi,Ulm\n", None, []),
        ("x,y\n,1\n5,2\n", 1, ["x", "y"]),
        ("Wang,NA\nLi,2.5\nWu,3.5\n", None, []),  # a row may lack its numbers
        ("City Hall,Rom\nLi,Ulm\n", None, []),
        ("2019,2020\n1,2\n", 0, []),  # names that are years look like data
    ],
)
def test_the_heading_is_told_by_the_numbers_below_it(
    text: str, lines: int | None, names: list[str]
) -> None:
    found = header(text, ",", 2)

    assert (found.lines, found.names) == (lines, names)


@pytest.mark.parametrize(
    ("tail", "lines", "totals"),
    [
        ("1,2\n3,4\n", 0, 0),
        ("1,2\n3,4\nTotal: 2 rows\n", 1, 0),
        ("1,2\n3,4\nTotal,6\n", 1, 1),
        ("a,2\n,4\n,合　计：\nsource: office\n", 2, 1),
        ("a,2\nSubtotal,4\nGrand total,6\n", 2, 2),
        ("Total,2\nb,4\n", 0, 0),  # inside the table nothing is cut off
        ("a,2\nTotal Energies,4\n", 0, 0),
        ("a,2\n3,total\n", 1, 1),
        ("a,2\nx,total\n", 0, 0),  # not its first text
    ],
)
def test_lines_at_the_end_with_other_fields_and_totals_are_a_footer(
    tail: str, lines: int, totals: int
) -> None:
    assert footer(tail, ",", 2) == (lines, totals)


def test_a_record_knows_its_last_line() -> None:
    made = records_of('a,b\n\n1,"x\ny"\n', ",")

    assert made == [(1, ["a", "b"]), (4, ["1", "x\ny"])]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        *(("1,234.5", True), ("2e+05", True), ("2024/05/01 08:30", True)),
        *(("2024-05-01T08:30:00+08:00", True), ("2024-05-01T08:30:00Z", True)),
        *(("50 %", True), ("2024年5月1日", True)),
        *(("T1", False), ("", False), ("a1", False), ("-", False)),
    ],
)
def test_what_counts_as_a_number(text: str, answer: bool) -> None:
    assert is_number(text) is answer


def test_gb18030_with_uncommon_signs_is_asked_about_not_taken_for_latin_1() -> None:
    line = "2024-05-01,K{n},青岚-东屿,{n}\n"
    content = (
        "日期,车次,线路,张数\n" + "".join(line.format(n=n) for n in range(30))
    ).encode("gb18030")

    made = readings(content)

    assert made[0].encoding == "gb18030"
    assert proposed(made) in (None, "gb18030")
