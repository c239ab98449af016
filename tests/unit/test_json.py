"""JSON gives records with every number as written, in memory that does not grow."""

import gzip
import json
from pathlib import Path

import pytest

from schemas.resource import Source
from tasks.source.limited import read_limited
from tests.carried import carried, column, read, refused_by, source
from tests.killers import measuring

A = source("a.json", column("a"))
LINES = source("a.jsonl", column("a"))
PAIR = source("a.jsonl", column("a"), column("n", "integer"))
TWO = [("x",), ("y",)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"000"', "000"),
        ("1e400", "1e400"),
        ("123456789012345678", "123456789012345678"),
        ("0.10", "0.10"),
        ("-0", "-0"),
        ("true", "true"),
        ("false", "false"),
        ("null", None),
        ('""', None),
        ('"\\u4f60\\n"', "你\n"),
        (
            '[1.0, "x", null, {"b": 007}]'.replace("007", "7.70"),
            '[1.0,"x",null,{"b":7.70}]',
        ),
        ("{}", "{}"),
    ],
)
def test_a_value_is_its_text(written: str, expected: str | None) -> None:
    rows = f'{{"a": {written}, "b": 1}}'
    both = (column("a"), column("b"))

    assert read(f"[{rows}]".encode(), source("a.json", *both)) == [(expected, "1")]
    assert read(rows.encode(), source("a.jsonl", *both)) == [(expected, "1")]


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("", '[{"a": "x"}, {"a": "y"}]'),
        ("", '\ufeff [{"a": "x"},\n{"a": "y"}]\n'),
        ("data", '{"data": [{"a": "x"}, {"a": "y"}]}'),
        ("data", '{"n": {"data": []}, "data": [{"a": "x"}, {"a": "y"}], "m": [1, 2]}'),
        ("v1.items", '{"v1": {"n": 2, "items": [{"a": "x"}, {"a": "y"}]}, "z": {}}'),
    ],
)
def test_records_are_found_at_their_path(path: str, written: str) -> None:
    assert read(written.encode(), A.model_copy(update={"records": path})) == TWO


def test_records_by_key_give_the_key_a_column() -> None:
    keyed = source("a.json", column("zip", written="$key"), column("a"))

    assert read(b'{"010": {"a": "x"}, "020": {"a": null}}', keyed) == [
        *(("010", "x"), ("020", None)),
    ]
    assert "physicalName $key" in refused_by(b'{"010": {"a": "x"}}', A)


def test_a_dotted_name_leads_into_objects_and_to_keys_with_a_dot() -> None:
    inner = source("a.json", column("city", written="address.city"), column("a"))

    found = read(
        b'[{"address": {"city": "x"}, "a": 1}, {"address.city": "y"},'
        b' {"address": null, "a": 3}]',
        inner,
    )

    assert found == [("x", "1"), ("y", None), (None, "3")]


def test_a_record_that_does_not_fit_keeps_its_raw_text_and_number() -> None:
    inner = source("a.json", column("city", written="address.city"))
    raw = (
        b'[{"address": {"city": "x"}}, {"address": "x"}, 7, [],'
        b' {"address": {"city": "y", "zip": 1}},'
        b' {"address": {"city": "x"}, "address.city": "y"}]'
    )

    found = carried(raw, inner)

    assert found.rows == [("x",)]
    assert found.lines == [2, 3, 4, 5, 6]
    assert found.rejects["_ragged"].to_list()[:3] == ['{"address": "x"}', "7", "[]"]
    assert found.failed == {"*:ragged line": 5}


def test_lines_that_do_not_fit_are_kept_apart_and_lines_stay_physical() -> None:
    raw = b'{"a": "x", "n": 1}\r\n\n{"a": "y"}\n{"a": "z", "n": "bad"}\n{"a": \n'
    raw += b'{"a": "u", "more": 1}\n{"a": "v", "a": "w"}\n{"n": NaN}\n{"a": "\xff"}\n'

    found = carried(raw, PAIR)

    assert found.rows == [("x", 1), ("y", None)]
    assert found.lines == [4, 5, 6, 7, 8, 9]
    assert found.rejects["_ragged"].to_list() == [
        *(None, '{"a": ', '{"a": "u", "more": 1}', '{"a": "v", "a": "w"}'),
        *('{"n": NaN}', '{"a": "\\xff"}'),
    ]
    assert found.failed == {
        **{"*:ragged line": 1, "*:unreadable line": 4, "n:parse": 1},
    }


def test_keys_that_are_not_declared_can_be_ignored() -> None:
    raw = b'{"a": "x", "more": {"b": [1]}}\n{"a": "y"}\n'

    assert read(raw, LINES.model_copy(update={"undeclared": "ignore"})) == TWO


def test_where_every_record_has_other_keys_the_file_is_refused_by_their_names() -> None:
    told = refused_by(b'{"a": "x", "more": 1}\n{"a": "y", "other": 1}\n', LINES)

    assert "more" in told
    assert "undeclared: ignore" in told


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "is empty"),
        ("  ", "list or object of records"),
        ('"text"', "list or object of records"),
        ('[{"a": "x"},\n{"a": ', "line 2"),
        (
            '[{"a": "x"}\n{"a": "y"}]',
            "line 2: is no JSON that can be read (,",
        ),
        ('[{"a": 007}]', "line 1"),
        ('[{"a": "x"}] []', "something follows"),
        ('[{"a": "x", "a": "y"}]', "a key stands twice"),
        ('{"data": [], "data": []}', "a key stands twice"),
        ('[{"a": NaN}]', "NaN"),
        ('[{"a": -Infinity}]', "NaN or an infinity"),
        (f'[{{"a": {"[" * 5_000}{"]" * 5_000}}}]', "nested too deeply"),
        (f'[{{"a": "{"x" * (2 << 20)}"}}]', "too long"),
    ],
    ids=lambda value: value[:30],
)
def test_a_document_that_is_not_sound_is_refused(written: str, why: str) -> None:
    keyed = A.model_copy(update={"records": "data"})
    given = keyed if written.startswith("{") else A

    assert why in refused_by(written.encode(), given)


def test_a_path_that_leads_nowhere_is_refused() -> None:
    nowhere = A.model_copy(update={"records": "data.rows"})

    assert "key rows" in refused_by(b'{"data": {"items": []}}', nowhere)
    assert "key rows" in refused_by(b'{"data": [1]}', nowhere)
    assert "key data" in refused_by(b"[]", nowhere)


def test_the_declared_encoding_is_the_one_that_is_read() -> None:
    big5 = A.model_copy(update={"encoding": "big5"})
    utf16 = A.model_copy(update={"encoding": "utf-16"})

    assert read('[{"a": "國道"}]'.encode("big5"), big5) == [("國道",)]
    assert read('[{"a": "國道"}]'.encode("utf-16"), utf16) == [("國道",)]
    assert "declare encoding: utf-16" in refused_by('[{"a": 1}]'.encode("utf-16"), A)


def test_records_are_read_alike_however_the_text_is_cut_into_pieces() -> None:
    """A piece is 262,144 signs: cut inside text, numbers, escapes and spaces."""
    values = [str(at) * (at % 97) + "\\u00e9" for at in range(40_000)]
    body = ", ".join(
        f'{{"a": "{value}", "b": {at}}}' for at, value in enumerate(values)
    )
    both = source("a.json", column("a"), column("b"))

    found = read(f"[{body}]".encode(), both)

    expected = [(row["a"] or None, str(row["b"])) for row in json.loads(f"[{body}]")]
    assert found == expected


@pytest.mark.parametrize("before", range(262_144 - 12, 262_144, 2))
def test_a_number_cut_by_the_end_of_a_piece_goes_on(before: int) -> None:
    rows = '[{"a": "x"}, {"a": "y"}]'
    written = f'{{{" " * (before - 6)}"n": 1234567890, "data": {rows}}}'

    assert read(written.encode(), A.model_copy(update={"records": "data"})) == TWO


def big(path: Path, records: int) -> int:
    """Write a document of records by key, 4.7 kB each as the water set has."""
    record = {f"field_{at}": "x" * 70 for at in range(55)} | {"a": 1}
    written = json.dumps(record)
    with path.open("w") as file:
        file.write("{")
        for at in range(records):
            file.write(f'{", " * (at > 0)}"{at:05}": {written}')
        return file.write("}") + file.tell()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_a_document_of_189_mb_is_read_in_the_memory_of_a_small_one(
    tmp_path: Path,
) -> None:
    keyed = source(
        *("a.json", column("zip", written="$key"), column("a", "integer")),
        undeclared="ignore",
    )
    size = big(tmp_path / "big", 40_000)

    rows = read_limited(tmp_path / "big", keyed, tmp_path, reader=measuring)

    *records, last = rows.select("_line", "_r_zip", "_r_a").collect().rows()
    assert size == 189_560_001
    assert len(records) == 40_000
    assert records[-1] == (40_000, "39999", "1")
    assert last[0] < 250_000, "KiB; json.load alone takes 0.5 GB for it"


def test_a_document_inside_gzip_is_collected_and_read() -> None:
    inner = source("a.json.gz", column("a"), format="json")

    assert carried(gzip.compress(b'[{"a": "x"}, {"a": "y"}]'), inner).rows == TWO


def test_terms_for_json_survive_their_way_to_the_child() -> None:
    given = source("a.json", column("a", written="b.c"), null_tokens=["-"], records="d")

    assert Source.model_validate(given.model_dump(mode="json", by_alias=True)) == given
    assert carried(b'{"d": [{"b": {"c": "-"}}]}', given).rows == [(None,)]
