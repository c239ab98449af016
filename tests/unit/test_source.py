"""Raw text is opened without losing a line, and means exactly what is declared."""

import csv
import io
import tempfile
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.resource import Source
from tasks.contract import Verdict, compile_contract, contract_pass
from tasks.resource.clean import clean
from tasks.source import Text, open_text
from tests.archive import members
from tests.benchmarks.contract_pass import FLIGHTS, column


def source(*columns: Column, **terms: object) -> Source:
    known = {"name": "given", "path": "a.zip!given.csv", "licence": "CC0-1.0"}
    return Source.model_validate({**known, "columns": columns, **terms})


def text(name: str = "a") -> Column:
    return column(name, "string", required=False)


def whole(name: str = "n") -> Column:
    return column(name, required=False)


def judged(text: Text, terms: Source, folder: Path) -> tuple[pl.DataFrame, Verdict]:
    """Type and check an opened text: rejects, counts."""
    contract = compile_contract(terms.contract(), parsed=True)
    out = folder / "valid", folder / "rejects", folder
    rows = clean(text.rows, terms)
    verdict = contract_pass(rows, contract, *out, places=text.places)
    assert pl.read_parquet(folder / "valid").height == verdict.rows_out
    return pl.read_parquet(folder / "rejects"), verdict


def opened(
    raw: bytes, given_source: Source
) -> tuple[pl.DataFrame, pl.DataFrame, Verdict]:
    """Open and check raw bytes: valid rows in the order of lines, rejects, counts."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.joinpath("raw").write_bytes(raw)
        text = open_text(folder / "raw", given_source, folder)
        rejects, verdict = judged(text, given_source, folder)
        bad = rejects["_line"].implode()
        names = [column.name for column in given_source.columns]
        rows = clean(text.rows, given_source).filter(~pl.col("_line").is_in(bad))
        return rows.select(*names, "_line").collect(), rejects, verdict


def values(raw: bytes, given_source: Source, name: str) -> list[object]:
    return list(opened(raw, given_source)[0][name])


def refusal(raw: bytes, given_source: Source) -> str:
    with pytest.raises(SourceError) as refused:
        opened(raw, given_source)
    assert "\n" not in str(refused.value)
    return str(refused.value)


PAIR = source(text(), whole())
MAYBE = source(text(), whole(), allow_empty=True)


def test_the_flights_of_2013_come_in_and_go_out_as_counted_without_us() -> None:
    loose = FLIGHTS.model_copy(
        update={
            "columns": tuple(
                c.model_copy(update={"required": False}) for c in FLIGHTS.columns
            )
        }
    )

    valid, rejects, verdict = opened(members()["flights.csv"], loose)

    assert verdict.rows_in == 336_776 == valid.height + rejects.height
    assert verdict.rejected == rejects.height == 0
    assert valid["dep_time"].null_count() == 8_255
    assert valid["arr_delay"].null_count() == 9_430
    assert valid["distance"].sum() == 350_217_607
    assert valid["distance"].min() == 17
    assert valid["dep_delay"].max() == 1_301
    assert valid["time_hour"][0] == datetime(2013, 1, 1, 10)  # noqa: DTZ001 - naive UTC
    assert valid["_line"].to_list() == list(range(2, 336_778))


def test_flights_without_departure_are_rejected_and_counted() -> None:
    valid, rejects, verdict = opened(members()["flights.csv"], FLIGHTS)

    assert (verdict.rows_in, verdict.rows_out) == (336_776, 336_776 - 8_255)
    assert verdict.failed["dep_time:required"] == rejects.height == 8_255
    assert rejects["_member"].unique().to_list() == ["flights.csv"]
    assert sorted([*valid["_line"], *rejects["_line"]]) == list(range(2, 336_778))


@pytest.mark.parametrize("other", [b"JFK,229\n", b'"JFK",229\n'])
def test_a_bad_distance_is_rejected_with_its_text_member_and_line(other: bytes) -> None:
    trips = source(text("origin"), column("distance", minimum=17))

    _, rejects, verdict = opened(b"origin,distance\n" + other + b"LGA,x7\n", trips)

    row = rejects.row(0, named=True)
    assert row["distance"] == "x7"
    assert (row["_source"], row["_member"], row["_line"]) == (
        *("given", "a.zip!given.csv"),
        3,
    )
    names = list(verdict.failed)
    assert [n for i, n in enumerate(names) if row["_reasons"] >> i & 1] == [
        "distance:parse"
    ]
    assert verdict.failed["distance:parse"] == 1


def test_ragged_lines_keep_their_raw_text_and_line_and_are_never_null_rows() -> None:
    valid, rejects, verdict = opened(b"a,n\nx,1\ny\nz,2,3\n\nw,4\n,\n", PAIR)

    assert valid["_line"].to_list() == [2, 6, 7]
    assert valid["a"].to_list() == ["x", "w", None]
    assert rejects["_line"].to_list() == [3, 4]
    assert rejects["_ragged"].to_list() == ["y", "z,2,3"]
    assert rejects["a"].to_list() == [None, None]
    assert verdict.failed["*:ragged line"] == 2
    assert verdict.rows_in == 5


def test_a_required_column_is_not_called_missing_on_a_ragged_line() -> None:
    strict = source(text(), column("n"))

    verdict = opened(b"a,n\nx\n", strict)[2]

    assert {k for k, v in verdict.failed.items() if v} == {"*:ragged line"}


UNREADABLE = {
    "a byte that does not decode": (b"\xff", "\\xff,1"),
    "a NUL": (b"a\0b", "a\0b,1"),
    "a quote amid a quoted field": (b'"a"b"', '"a"b",1'),
    "a lone CR": (b"a\rb", "a\rb,1"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_line_that_cannot_be_read_is_kept_apart_with_its_text(case: str) -> None:
    field, shown = UNREADABLE[case]

    valid, rejects, verdict = opened(b"a,n\n" + field + b",1\nb,2\n", PAIR)

    assert valid["_line"].to_list() == [3]
    assert rejects["_line"].to_list() == [2]
    assert rejects["_ragged"].to_list() == [shown]
    assert {k for k, v in verdict.failed.items() if v} == {"*:unreadable line"}


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_cr_amid_a_field_is_not_taken_for_the_end_of_a_line(end: bytes) -> None:
    raw = b"n,a\r\n2,z\r\n1,x\ry" + end

    valid, rejects, _ = opened(raw, source(whole(), text()))

    assert valid["_line"].to_list() == [2]
    assert rejects["_ragged"].to_list() == ["1,x\ry"]


PLAIN = [
    (b"a,n\nx,1\ny,2\n", "LF"),
    (b"a,n\r\nx,1\r\ny,2\r\n", "CRLF"),
    (b"a,n\nx,1\ny,2", "no final newline"),
    (b"a,n\r\nx,1\r\ny,2", "CRLF, no final newline"),
    (b"\xef\xbb\xbfa,n\nx,1\ny,2\n", "byte order mark"),
    (b'"a","n"\nx,1\ny,2\n', "quoted header"),
    (b'a,n\n"x",1\ny,"2"\n', "quoted fields"),
    (b"a,n\nx,1\n\n\ny,2\n\n", "blank lines"),
    (b"a,n\nx,1\r\ny,2\n", "mixed line ends"),
    (b"\na,n\nx,1\ny,2\n", "blank line first"),
]


@pytest.mark.parametrize(("raw", "case"), PLAIN, ids=[c for _, c in PLAIN])
def test_ways_to_write_the_same_table_mean_the_same(raw: bytes, case: str) -> None:
    valid, rejects, _ = opened(raw, PAIR)

    assert valid.drop("_line").rows() == [("x", 1), ("y", 2)]
    assert rejects.is_empty()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_blank_lines_of_a_single_column_are_no_records(end: bytes) -> None:
    raw = end.join([b"a", b"", b"x", b"", b"", b"y", b""])

    valid, _, verdict = opened(raw, source(text()))

    assert valid.rows() == [("x", 3), ("y", 6)]
    assert verdict.rows_in == 2


def test_quoted_newlines_and_separators_are_text_and_lines_stay_physical() -> None:
    valid, _, _ = opened(b'a,n\n"x\ny, ""z""",1\nw,2\n', PAIR)

    assert valid.rows() == [('x\ny, "z"', 1, 2), ("w", 2, 4)]


def named(name: str, physical: str, kind: str = "string") -> Column:
    known = {"name": name, "physicalName": physical, "logicalType": kind}
    return Column.model_validate(known)


TITLED = [
    (b"Title\nof 2024\na,n\nx,1\ny,2\n", 3, 4),
    (b"Title, with a comma\r\n\r\na,n\r\nx,1\r\ny,2\r\n", 3, 4),
    (b'"Title\nof two lines"\na,n\nx,1\ny,2', 3, 4),
    (b'"Title\na,n\n"x",1\ny,2\n', 2, 3),
    (b'Title\n"a",n\nx,1\ny,2\n', 2, 3),
    (b"Title\n\n\na,n\nx,1\ny,2\n", 2, 5),
    (b'Title\na,"n"\nx,1\ny,"2"\n', 2, 3),
]


@pytest.mark.parametrize(("raw", "header", "first"), TITLED)
def test_the_last_line_of_the_header_names_the_columns(
    raw: bytes, header: int, first: int
) -> None:
    valid, rejects, _ = opened(raw, source(text(), whole(), header=header))

    assert valid.rows() == [("x", 1, first), ("y", 2, first + 1)]
    assert rejects.is_empty()


def test_a_header_longer_than_the_file_is_refused() -> None:
    told = refusal(b"a,n\nx,1", source(text(), whole(), header=3))

    assert "3 lines of header are declared" in told


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("lead", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("quote", [b"", b'"'])
def test_columns_of_a_headerless_file_have_their_places(
    lead: bytes, quote: bytes, end: bytes
) -> None:
    raw = lead + end.join([quote + b"x" + quote + b",1", b"y,2", b"z"])

    valid, rejects, _ = opened(raw, source(text(), whole(), header=0))

    assert valid.rows() == [("x", 1, 1), ("y", 2, 2)]
    assert rejects.select("_line", "_ragged").rows() == [(3, "z")]


HEADERLESS = {
    "empty": (b"", "empty"),
    "blank": (b"\n\n", "empty"),
    "CR only": (b"x,1\ry,2\r", "CR alone"),
    "UTF-16 not declared": ("x,1\ny,2\n".encode("utf-16"), "declare encoding: utf-16"),
}


@pytest.mark.parametrize("undeclared", ["refuse", "ignore"])
@pytest.mark.parametrize("case", HEADERLESS)
def test_a_headerless_file_that_cannot_be_read_is_refused(
    case: str, undeclared: str
) -> None:
    raw, said = HEADERLESS[case]
    told = refusal(raw, source(text(), whole(), header=0, undeclared=undeclared))

    assert said in told


FOOTED = b"a,n\nx,1\ny,2\n\nSource: an office, 2024\nChecked\n\n"


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_lines_of_the_footer_are_no_data(quote: bytes) -> None:
    raw = FOOTED.replace(b"y", quote + b"y" + quote)

    valid, rejects, verdict = opened(raw, source(text(), whole(), footer=2))
    short, missed, _ = opened(raw, source(text(), whole(), footer=1))

    assert valid.rows() == [("x", 1, 2), ("y", 2, 3)]
    assert (rejects.height, verdict.rows_in) == (0, 2)
    assert short.height == 2
    assert missed.height == 1, "a footer that is not declared is in quarantine"


def test_a_footer_longer_than_the_data_leaves_none() -> None:
    assert (
        opened(b"a,n\nx,1\n", source(text(), whole(), footer=5, allow_empty=True))[
            2
        ].rows_in
        == 0
    )


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_a_column_has_the_name_it_has_in_the_file(quote: bytes) -> None:
    raw = ",起点 Origin\nx,1\n".encode().replace(b"x", quote + b"x" + quote)
    given = source(named("id", ""), named("origin", "起点 Origin", "integer"))

    assert opened(raw, given)[0].rows() == [("x", 1, 2)]


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_undeclared_columns_are_ignored_when_the_document_says_so(
    quote: bytes,
) -> None:
    q = quote + b"x" + quote
    wide = source(whole(), text(), undeclared="ignore")

    named_so = opened(b"b,a,c,n,c,\n?," + q + b",?,1,?,?\ny,y\n", wide)

    assert named_so[0].rows() == [(1, "x", 2)]
    assert named_so[1]["_ragged"].to_list() == ["y,y"]


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_fields_after_those_of_a_headerless_file_are_ignored_too(quote: bytes) -> None:
    raw = quote + b"x" + quote + b",1,?,?\ny,2\nz,3,?,?\n"
    given = source(text(), whole(), header=0, undeclared="ignore")

    valid, rejects, _ = opened(raw, given)

    assert valid.rows() == [("x", 1, 1), ("z", 3, 3)]
    assert rejects["_ragged"].to_list() == ["y,2"]
    assert "line 1 has 1 fields" in refusal(b"x\n", given)


ENCODED = ["utf-8", "gb18030", "big5", "cp950", "utf-16"]


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_declared_encoding_is_read(encoding: str) -> None:
    city = source(text(), whole(), encoding=encoding)

    assert values("a,n\n台北,1\n".encode(encoding), city, "a") == ["台北"]


@pytest.mark.parametrize(("encoding", "sign"), [("latin-1", "é"), ("shift_jis", "駅")])
def test_other_encodings_are_read(encoding: str, sign: str) -> None:
    place = source(text(), whole(), encoding=encoding)

    assert values(f"a,n\n{sign},1\n".encode(encoding), place, "a") == [sign]


def test_a_byte_that_is_not_of_the_declared_encoding_loses_its_line_only() -> None:
    city = source(text(), whole(), encoding="gb18030")
    raw = (
        "a,n\n台北,1\n".encode("gb18030")
        + b"\xff\xff,2\n"
        + "高雄,3\n".encode("gb18030")
    )

    valid, rejects, _ = opened(raw, city)

    assert valid["a"].to_list() == ["台北", "高雄"]
    assert rejects["_ragged"].to_list() == ["\\xff\\xff,2"]


def test_text_in_cp950_declared_as_gb18030_is_other_text() -> None:
    """Both decode: only a rule of the contract can tell."""
    road = "國道1號"
    raw = f"a,n\n{road},1\n".encode("cp950")

    assert values(raw, source(text(), whole(), encoding="cp950"), "a") == [road]
    wrong = source(text(), whole(), encoding="gb18030")
    assert values(raw, wrong, "a") not in ([road], [])
    strict = source(column("a", "string", pattern="^國道[0-9]號$"), encoding="gb18030")
    known = strict.model_copy(update={"columns": (*strict.columns, whole())})
    assert opened(raw, known)[2].rejected == 1


def test_null_tokens_are_null_and_other_texts_are_not() -> None:
    dashes = source(text(), whole(), null_tokens=("-", "NA"))

    for quote in (b"", b'"'):
        raw = b"a,n\n-,1\nNA,2\n" + quote + quote + b",3\nNAN,4\n"
        assert values(raw, dashes, "a") == [None, None, "", "NAN"]


REFUSED = {
    "empty": (b"", ["empty"]),
    "blank": (b"\n\n", ["empty"]),
    "missing column": (b"a\nx\n", ["missing: n"]),
    "a plate for a name": (
        "a,n,京A12345\nx,1,2\n".encode(),
        ["not declared (name or place): one that looks like a value"],
    ),
    "extra column": (b"a,n,m\nx,1,2\n", ["not declared (name or place): m"]),
    "other column": (b"a,m\nx,1\n", ["missing: n", "not declared (name or place): 2"]),
    "repeated column": (b"a,n,a\nx,1,y\n", ["repeated: a"]),
    "no header": (b"Smith,1\nJones,2\n", ["none of the declared columns"]),
    "empty name": (b"a,n,\nx,1,\n", ["not declared"]),
    "invisible sign": (
        "a,n\u202e\nx,1\n".encode(),
        ["column 2", "not shown"],
    ),
    "wrong delimiter": (b"a;n\nx;1\n", ["none of the declared columns"]),
    "CR only": (b"a,n\rx,1\ry,2\r", ["line 1", "CR alone"]),
    "UTF-16 not declared": (
        "a,n\nx,1\n".encode("utf-16"),
        ["declare encoding: utf-16"],
    ),
    "unclosed quote": (b'a,n\nx,1\n"y,2\nz,3\n', ["line 3", "never closed"]),
    "long field": (b'a,n\n"' + b"y" * 200_000 + b'",2\n', ["line 2", "131,072"]),
    "long line": (b"a,n\n" + b"y" * 2_000_000, ["line 2", "1,048,576"]),
    "10,000 columns": (
        (",".join(f"c{i}" for i in range(10_000)) + "\n").encode(),
        ["10000 fields"],
    ),
    "10,000 columns too many": (
        (",".join(["a", "n", *(f"c{i}" for i in range(10_000))]) + "\n").encode(),
        ["c7 and 9992 more"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_not_as_declared_is_refused(case: str) -> None:
    raw, said = REFUSED[case]

    message = refusal(raw, PAIR)

    assert message.startswith("source given")
    assert all(part in message for part in said), message
    assert len(message) < 400


def test_columns_are_found_by_their_names_in_any_order() -> None:
    assert opened(b"n,a\n1,x\n", PAIR)[0].rows() == [("x", 1, 2)]


def test_a_refusal_shows_no_value_of_a_headerless_file() -> None:
    assert "Smith" not in refusal(b"Smith,1\nJones,2\n", PAIR)


@pytest.mark.parametrize("delimiter", ["\n", '"', "\r"])
def test_a_delimiter_that_divides_lines_is_refused(delimiter: str) -> None:
    assert "delimiter" in refusal(b"a\n", source(text(), delimiter=delimiter))


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "，"])
def test_a_declared_delimiter_is_used(delimiter: str) -> None:
    semi = source(text(), whole(), delimiter=delimiter)

    assert values(f"a{delimiter}n\nx,y{delimiter}1\n".encode(), semi, "n") == [1]


def test_a_header_alone_is_a_table_of_no_rows_where_that_is_declared() -> None:
    valid, rejects, verdict = opened(b"a,n\n", MAYBE)

    assert "allow_empty: true" in refusal(b"a,n\n", PAIR)

    assert valid.is_empty()
    assert rejects.is_empty()
    assert verdict.rows_in == 0


MEANINGS: list[tuple[str, str | None, dict[str, object]]] = [
    (
        *("integer", None),
        {"+4": 4, "-5": -5, "007": 7, "9223372036854775807": 2**63 - 1}
        | dict.fromkeys([" 3", "3 ", "1e3", "2.7", "1_0", "0x1", "٣", "\uff13", "--1"])
        | {"9223372036854775808": None, "": None},
    ),
    (
        *("number", None),
        {"2.50": 2.5, "-.5": -0.5, "1e3": 1000.0}
        | dict.fromkeys(["nan", "NaN", "inf", "-inf", "1e400", "0x10", "1,5", "1_0"])
        | dict.fromkeys([" 1", "1 ", "٣"]),
    ),
    (
        *("date", None),
        {"2013-01-31": date(2013, 1, 31), "2012-02-29": date(2012, 2, 29)}
        | dict.fromkeys(["2013-02-30", "2013-1-1", "2013- 1- 1", "+013-01-01"])
        | dict.fromkeys(["2013-01-31 ", "20130131", "31/01/2013", "2013-01-31T00:00"]),
    ),
    ("date", "dd/MM/yyyy", {"31/01/2013": date(2013, 1, 31), "01/31/2013": None}),
    (
        *("timestamp", None),
        {
            "2013-01-01T10:00:00Z": datetime(2013, 1, 1, 10),  # noqa: DTZ001 - naive UTC
            "2013-01-01T10:00:00": datetime(2013, 1, 1, 10),  # noqa: DTZ001 - naive
        }
        | dict.fromkeys(["2013-01-01T23:59:60Z", "2013-01-01 10:00:00", "2013-01-01"])
        | dict.fromkeys(["2013-01-01T10:00:00+08:00", "2013-01-01T24:00:00"])
        | dict.fromkeys(["2013-01-01T10:00:00ZZ", "2013-01-01T 9:00:00"]),
    ),
    (
        *("timestamp", "yyyy/MM/dd HH:mm"),
        {
            "2024/05/05 00:05": datetime(2024, 5, 5, 0, 5),  # noqa: DTZ001 - naive
            "2024/05/05 00:05Z": None,
            "2024/05/0500:05": None,
        },
    ),
    ("boolean", None, {"true": True, "false": False, "True": None, "1": None}),
    (
        *("integer", "yuan"),
        {"12.3": 1230, "12.30": 1230, "0.07": 7, "-0.07": -7, "5": 500, "+1.00": 100}
        | {"29.35": 2935, "90000000000000.00": 9_000_000_000_000_000}
        | dict.fromkeys(["1.005", "12.", ".5", "1,000.00", "1e2", " 1", "¥5", "-"])
        | {"90000000000000.01": None, "99999999999999999999": None},
    ),
]


@pytest.mark.parametrize(("kind", "form", "meaning"), MEANINGS)
def test_texts_mean_exactly_what_is_declared(
    kind: str, form: str | None, meaning: dict[str, object]
) -> None:
    options = {"format": form} if form else {}
    typed = source(
        text("t"), column("v", kind, required=False, **options), null_tokens=("NULL",)
    )
    lines = [f't,"{written}"' for written in meaning]
    raw = "\n".join(["t,v", *lines, "t,NULL", ""]).encode()

    valid, rejects, verdict = opened(raw, typed)

    good = [value for value in meaning.values() if value is not None]
    assert valid["v"].to_list() == [*good, None]
    assert rejects["v"].to_list() == [t for t, v in meaning.items() if v is None]
    assert verdict.failed["v:parse"] == rejects.height


@pytest.mark.parametrize(
    ("kind", "form"), [("date", "MM/dd"), ("date", "yyyy-MMM"), ("number", "yuan")]
)
def test_a_format_that_is_not_understood_is_refused(kind: str, form: str) -> None:
    odd = source(column("v", kind, format=form))

    assert repr(form) in refusal(b"v\n1\n", odd)


SIGNS = [*'",\n\r;\t \0', "a", "1", "é", "中", "\u2028", "\x85", "\ufeff", '""', "NA"]
HOSTILE = st.lists(st.sampled_from(SIGNS), max_size=40).map("".join)


def reference(body: str) -> list[list[str]] | None:
    """Read what the standard library calls records; None: it calls a line no record."""
    try:
        rows = csv.reader(io.StringIO(body, newline="\n"), strict=True)
        return [row for row in rows if row]
    except csv.Error:
        return None


@settings(max_examples=120, deadline=None)
@given(body=HOSTILE)
@example(body="a\n" * 5)
@example(body="\ufeff,1\n")  # the engine drops this sign after skipped lines
@example(body='x,1\n"y\n",2\nz\n')
@example(body="\n\n\n")
def test_every_record_of_any_text_appears_exactly_once(body: str) -> None:
    rows = reference(body)
    try:
        valid, rejects, verdict = opened(b"a,n\n" + body.encode(), MAYBE)
    except SourceError:  # a quote is opened and never closed
        assert rows is None
        return

    lines = [*valid["_line"], *rejects["_line"]]
    assert verdict.rows_in == verdict.rows_out + verdict.rejected == len(lines)
    assert len(set(lines)) == len(lines)
    if rows is None or "\0" in body:
        return
    assert len(rows) == len(lines)
    texts = [row for row in rows if len(row) == 2]
    kept = pl.concat(
        [
            valid.select("_line", "a", pl.col("n").cast(pl.String)),
            rejects.filter(pl.col("_ragged").is_null()).select("_line", "a", "n"),
        ],
        how="vertical_relaxed",
    ).sort("_line")
    assert kept["a"].to_list() == [row[0] or None for row in texts]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.text("ab1é中 ;", max_size=4), st.text("0123456789-", max_size=3)),
        max_size=30,
    ),
    ragged=st.sets(st.integers(0, 29), max_size=3),
)
def test_reading_as_it_lies_and_record_by_record_agree(
    rows: list[tuple[str, str]], ragged: set[int]
) -> None:
    lines = [f"{a},{n}" for a, n in rows]
    plain = "\n".join(["a,n", *lines, ""]).encode()
    quoted = "\n".join(["a,n", *(f'"{a}","{n}"' for a, n in rows), ""]).encode()
    cut = [
        line.replace(",", ";") if i in ragged else line for i, line in enumerate(lines)
    ]
    broken = opened("\n".join(["a,n", *cut, ""]).encode(), MAYBE)

    as_it_lies, by_record = opened(plain, MAYBE), opened(quoted, MAYBE)

    assert as_it_lies[0].equals(by_record[0])
    assert as_it_lies[1].equals(by_record[1])
    assert as_it_lies[2] == by_record[2]
    left = [line for line in as_it_lies[0]["_line"] if line - 2 not in ragged]
    assert broken[0]["_line"].to_list() == left
