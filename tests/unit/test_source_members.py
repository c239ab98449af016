"""Many members of one archive become one text, and each line knows its member."""

import gzip
import io
import stat
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from schemas.contract import Column
from schemas.errors import SourceError
from schemas.resource import Source
from schemas.rule import TypeOptions
from tasks.resource.clean import clean
from tasks.resource.collect import collect
from tasks.source import Text, open_text, pieces
from tests.benchmarks.contract_pass import DAY, column
from tests.unit.test_resource_collect import linked, tarred, text_only, zipped
from tests.unit.test_source import judged
from tests.workbooks import book, number, table
from tests.workbooks import text as words

LARGE = Path(__file__).parents[3] / "shared/data/large/tw_freeway_m05a_202405"
A, N = column("a", "string", required=False), column("n", required=False)


def source(path: str, *columns: Column, **terms: object) -> Source:
    known = {"name": "given", "licence": "CC0-1.0", "path": path}
    return Source.model_validate({**known, "columns": columns or (A, N), **terms})


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[bytes, Source], Text]:
    """Collect and open the one file of a source that holds these bytes."""

    def run(content: bytes, given: Source) -> Text:
        outer, piece = tmp_path / given.file, tmp_path / "piece"
        outer.write_bytes(content)
        piece.write_bytes(b"".join(collect(outer, given)))
        return open_text(piece, given, tmp_path)

    return run


Opened = Callable[[bytes, Source], Text]


def told(text: Text) -> list[tuple[object, ...]]:
    """List member, line in the member, and what stands there."""
    starts = text.places.lazy().with_columns(pl.col("_from").set_sorted())
    rows = text.rows.sort("_line").join_asof(starts, left_on="_line", right_on="_from")
    line = (pl.col("_line") - pl.col("_from") + pl.col("_first")).alias("line")
    raw = [c for c in text.rows.collect_schema() if c.startswith("_r_")]
    return rows.select("_member", line, *raw, "_ragged").collect().rows()


NO_END = ("m/0.csv", b"a,n\r\nz,3")
PLAIN = ("m/1.csv", b"a,n\nx,1\ny,2\n")
QUOTED = ("m/3.csv", b'a,n\n"u\nv",4\n\nw\n"t",5\n')
HEADER = ("m/4.csv", b"a,n\n")
LATER = ("m/5.csv", b'a,n\n"u",6\n"v",7\n')
OTHER = ("m/readme.txt", b"no table")
MEMBERS = [LATER, HEADER, PLAIN, NO_END, OTHER, QUOTED]
SEEN = [
    ("m/0.csv", 2, "z", "3", None),
    ("m/1.csv", 2, "x", "1", None),
    ("m/1.csv", 3, "y", "2", None),
    ("m/3.csv", 2, "u\nv", "4", None),
    ("m/3.csv", 5, None, None, "w"),
    ("m/3.csv", 6, "t", "5", None),
    ("m/5.csv", 2, "u", "6", None),
    ("m/5.csv", 3, "v", "7", None),
]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("d.zip!*.csv", zipped(*MEMBERS)),
        ("d.zip!m/?.csv", zipped(*MEMBERS)),
        ("d.zip!m/[0-5].csv", zipped(*MEMBERS)),
        ("d.tar!*.csv", tarred(*sorted(MEMBERS))),
        ("d.tar!*.csv", tarred(*((f"./{n}", c) for n, c in sorted(MEMBERS)))),
        ("d.tar.gz!m/*.csv", tarred(*sorted(MEMBERS), mode="w:gz")),
    ],
    ids=text_only,
)
def test_every_record_of_every_member_is_there_with_its_line(
    opened: Opened, path: str, content: bytes
) -> None:
    text = opened(content, source(path))

    outer = path.partition("!")[0]
    assert told(text) == [(f"{outer}!{m}", *rest) for m, *rest in SEEN]
    assert text.rows.collect()["_line"].is_unique().all()
    assert text.places["_source"].unique().to_list() == ["given"]


@pytest.mark.parametrize(
    "path",
    ["d.zip!*.tar.gz!*.csv", "d.zip!i.tar.gz!*.csv", "d.zip!i*!m/1.csv"],
)
def test_members_of_members_are_found(opened: Opened, path: str) -> None:
    inner = tarred(PLAIN, OTHER, mode="w:gz")

    text = opened(zipped(("i.tar.gz", inner), ("b.txt", b"")), source(path))

    assert told(text) == [
        (f"d.zip!i.tar.gz!{m}", *rest) for m, *rest in SEEN if m == "m/1.csv"
    ]


def test_members_packed_alone_are_unpacked(opened: Opened) -> None:
    packed = [(f"{name}.gz", gzip.compress(content)) for name, content in MEMBERS]

    text = opened(zipped(*packed), source("d.zip!*.csv.gz"))

    assert told(text) == [(f"d.zip!{m}.gz", *rest) for m, *rest in SEEN]


def test_the_piece_of_a_pattern_is_the_file_as_it_was_found(tmp_path: Path) -> None:
    inner = tarred(PLAIN, mode="w:gz")
    outer = zipped(("i.tar.gz", inner))
    (tmp_path / "d.zip").write_bytes(outer)

    def piece(path: str) -> bytes:
        return b"".join(collect(tmp_path / "d.zip", source(path)))

    assert piece("d.zip!*.tar.gz!*.csv") == outer
    assert piece("d.zip!i.tar.gz!*.csv") == inner


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("d.zip!m/1.csv", zipped(PLAIN, OTHER)),
        ("d.zip!*1.csv", zipped(PLAIN, OTHER)),
        ("d.zip!i.tar!m/1.csv", zipped(("i.tar", tarred(PLAIN)))),
        ("d.zip!i.tar!m/*", zipped(("i.tar", tarred(PLAIN)))),
        ("m.csv.gz", gzip.compress(PLAIN[1], mtime=0)),
        ("m.csv", PLAIN[1]),
    ],
    ids=text_only,
)
def test_a_source_kept_by_reference_is_opened_from_the_outer_file(
    tmp_path: Path, path: str, content: bytes
) -> None:
    given = source(path, retain="reference")
    file = tmp_path / given.file
    file.write_bytes(content)

    by_path = told(open_text(file, given, tmp_path))
    with file.open("rb") as handle:
        scratch = tmp_path / "again"
        scratch.mkdir()
        assert told(open_text(handle, given, scratch)) == by_path

    assert [row[1:4] for row in by_path] == [(2, "x", "1"), (3, "y", "2")]
    assert by_path[0][0] == path.replace("*1.csv", "m/1.csv").replace("*", "1.csv")


def test_columns_that_moved_between_members_are_found_by_name(opened: Opened) -> None:
    drift = zipped(
        ("1.csv", b"a,n\nx,1\n"),
        ("2.csv", b"n,new,a\n2,?,y\n"),
        ("3.csv", b"a,n\nz,3\n"),
    )

    text = opened(drift, source("d.zip!*.csv", undeclared="ignore"))

    assert {row[:4] for row in told(text)} == {
        ("d.zip!1.csv", 2, "x", "1"),
        ("d.zip!2.csv", 2, "y", "2"),
        ("d.zip!3.csv", 2, "z", "3"),
    }
    with pytest.raises(SourceError, match=r"d\.zip!2\.csv: columns not declared.*new"):
        opened(drift, source("d.zip!*.csv"))


@pytest.mark.parametrize("encoding", ["cp950", "gb18030", "utf-16"])
def test_members_in_another_encoding_are_read(opened: Opened, encoding: str) -> None:
    words = ["交流道", "匝道"]
    packed = [
        (f"{i}.csv", f"a,n\n{word},{i}\n".encode(encoding))
        for i, word in enumerate(words)
    ]
    undecodable = b"\0\xdc\n\0" if encoding == "utf-16" else b"\xff\xff\n"
    bad = ("2.csv", "a,n\n站,2\n".encode(encoding) + undecodable)

    text = opened(zipped(*packed, bad), source("d.zip!*", encoding=encoding))

    assert [row[2] for row in told(text)] == [*words, "站", None]


def parquet(*rows: tuple[str, int]) -> bytes:
    """Write rows as Parquet."""
    buffer = io.BytesIO()
    pl.DataFrame(rows, {"a": pl.String, "n": pl.Int64}, orient="row").write_parquet(
        buffer
    )
    return buffer.getvalue()


OTHERS = {
    "jsonl": (b'{"a": "x", "n": 1}\n{"a": "y", "n": 2}\n', b'{"a": "z", "n": 3}\n'),
    "json": (b'[{"a": "x", "n": 1}, {"a": "y", "n": 2}]', b'[{"a": "z", "n": 3}]'),
    "parquet": (parquet(("x", 1), ("y", 2)), parquet(("z", 3))),
    "xlsx": (
        book(table(["a", "n"], [words("x"), number(1)], [words("y"), number(2)])),
        book(table(["a", "n"], [words("z"), number(3)])),
    ),
}


@pytest.mark.parametrize("form", OTHERS)
def test_members_of_other_formats_are_read_one_by_one(
    opened: Opened, form: str
) -> None:
    one, two = OTHERS[form]

    text = opened(
        zipped((f"2.{form}", two), (f"1.{form}", one)),
        source(f"d.zip!*.{form}", format=form),
    )

    first = 2 if form == "xlsx" else 1  # the row of the sheet, after the heading
    assert [row[:4] for row in told(text)] == [
        (f"d.zip!1.{form}", first, "x", "1"),
        (f"d.zip!1.{form}", first + 1, "y", "2"),
        (f"d.zip!2.{form}", first, "z", "3"),
    ]


def test_a_member_of_another_format_is_refused_by_its_name(opened: Opened) -> None:
    content = zipped(("1.jsonl", b'{"a": "x", "n": 1}\n'), ("2.jsonl", b"[1"))

    with pytest.raises(SourceError) as caught:
        opened(content, source("d.zip!*.jsonl", format="json"))

    assert str(caught.value).startswith("source given, d.zip!")
    assert str(caught.value).count("source given") == 1


def test_the_counts_of_rejects_name_member_and_line(
    opened: Opened, tmp_path: Path
) -> None:
    given = source("d.zip!*.csv", A, N)
    text = opened(
        zipped(("1.csv", b"a,n\nx,1\ny,bad\n"), ("2.csv", b"a,n\n\nz\nw,4\n")), given
    )

    rejects, verdict = judged(text, given, tmp_path)

    assert (verdict.rows_in, verdict.rows_out, verdict.rejected) == (4, 2, 2)
    places = rejects.select("_source", "_member", "_line", "n", "_ragged").rows()
    assert sorted(places) == [
        ("given", "d.zip!1.csv", 3, "bad", None),
        ("given", "d.zip!2.csv", 3, None, "z"),
    ]


def odd(name: str, kind: int) -> bytes:
    """Make a zip whose one member is a link or device."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (kind | 0o777) << 16
        bundle.writestr(entry, "/etc/passwd")
    return buffer.getvalue()


CSV = ("a.csv", b"a,n\nx,1\n")
PACKED = gzip.compress(b"a", mtime=0)  # a clock in it would change the test's name


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(CSV, ("../b.csv", b"a,n\n")), r"path \.\./b\.csv leaves the archive"),
        (zipped(CSV, ("/b.csv", b"a,n\n")), "path /b.csv leaves the archive"),
        (zipped(CSV, ("C:\\b.csv", b"a,n\n")), "leaves the archive"),
        (tarred(CSV, ("x/../../b.csv", b"")), "leaves the archive"),
        (tarred(CSV, linked("b.csv", tarfile.SYMTYPE)), "b.csv is a folder, link or"),
        (tarred(CSV, linked("b.csv", tarfile.LNKTYPE)), "b.csv is a folder, link or"),
        (tarred(CSV, linked("b.csv", tarfile.FIFOTYPE)), "b.csv is a folder, link"),
        (tarred(CSV, linked("b.csv", tarfile.GNUTYPE_SPARSE)), "b.csv is a folder"),
        (odd("b.csv", stat.S_IFLNK), "b.csv is a folder, link or device"),
        (odd("b.csv", stat.S_IFCHR), "b.csv is a folder, link or device"),
        (tarred(CSV, CSV), "a.csv is there twice"),
        (tarred(CSV, ("./a.csv", b"a,n\n")), "a.csv is there twice"),
        (zipped(CSV, ("b/../a.csv", b"a,n\n")), "a.csv is there twice"),
        (zipped(("b.txt", b"")), "no member matches; members that look like it: b.txt"),
        (tarred(("b.txt", b"")), "no member matches; members that look like it: b.txt"),
        (b"a,n\nx,1\n", "lies in no archive of kind"),
        (zipped(CSV, ("b.csv", b"")), r"d!b\.csv: the file is empty"),
        (zipped(CSV, ("b.csv", b"a\n1\n")), r"d!b\.csv: columns missing: n"),
        (zipped(CSV, ("b.csv", b'a,n\n"x,1\n')), r"d!b\.csv: line 2: a quote is never"),
        (zipped(CSV, ("b.csv", zipped(CSV))), r"d!b\.csv: is an archive; add"),
        (zipped(CSV, ("b.csv", PACKED)), r"d!b\.csv: is an archive"),
        (tarred(CSV, mode="w:gz")[:-12], "is damaged, cut short"),
        (tarred(CSV, ("b.csv", b"a,n\n" * 900))[:2600], r"d!b\.csv: is damaged, cut"),
        (tarred(CSV, mode="w:gz")[:-8] + bytes(8), "is damaged"),
        (zipped(CSV, method=zipfile.ZIP_STORED).replace(b"x,1", b"y,1", 1),
         r"d!a\.csv: is damaged"),
    ],
    ids=text_only,
)  # fmt: skip
def test_a_bad_archive_is_refused_by_a_sentence(
    opened: Opened, content: bytes, words: str
) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        opened(content, source("d!*.csv"))

    said = str(caught.value)
    assert said.startswith("source given, d!")
    assert said.count("source given") == 1
    assert "\n" not in said


def test_what_does_not_match_may_be_odd(opened: Opened) -> None:
    content = tarred(
        linked("folder.csv", tarfile.DIRTYPE),
        linked("b.lnk", tarfile.SYMTYPE),
        ("../b.txt", b"x"),
        CSV,
        ("b.txt", b"x"),
        ("b.txt", b"x"),
    )

    assert [row[1:3] for row in told(opened(content, source("d!*.csv")))] == [(2, "x")]


def test_a_duplicate_in_a_zip_is_refused(opened: Opened) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zipped(CSV, CSV)

    with pytest.raises(SourceError, match=r"a\.csv is there twice"):
        opened(content, source("d!*.csv"))


@pytest.mark.parametrize(("change", "words"), [(1, "damaged"), (-1, "damaged")])
def test_a_zip_that_lies_about_a_size_is_refused(
    opened: Opened, change: int, words: str
) -> None:
    """APPNOTE 4.3.12: the uncompressed size stands 24 bytes into the entry."""
    content = bytearray(zipped(CSV, method=zipfile.ZIP_STORED))
    listed = content.rindex(b"PK\x01\x02")
    size = int.from_bytes(content[listed + 24 : listed + 28], "little") + change
    content[listed + 24 : listed + 28] = size.to_bytes(4, "little")

    with pytest.raises(SourceError, match=words):
        opened(bytes(content), source("d!*.csv"))


ZEROS = bytes(100 << 20)


@pytest.mark.parametrize(
    ("path", "pack"),
    [
        ("d!*.csv", lambda: zipped(("a.csv", ZEROS))),
        ("d!*.csv", lambda: tarred(("a.csv", ZEROS), mode="w:gz")),
        ("d!*.csv", lambda: tarred(("a.bin", ZEROS), CSV, mode="w:gz")),
        ("d!*!*.csv", lambda: zipped(("i.zip", zipped(("a.csv", ZEROS))))),
    ],
    ids=["zip", "tar", "not meant", "nested"],
)
def test_a_bomb_is_stopped_while_it_unfolds(
    opened: Opened, path: str, pack: Callable[[], bytes]
) -> None:
    with pytest.raises(SourceError, match="as a bomb does"):
        opened(pack(), source(path))


HEAVY = ("a.csv", b"a,n\n" + b"x,1\n" * (10 << 20))


@pytest.mark.parametrize("path", ["d!*.csv", "d!*.zip!*.csv"])
def test_members_that_together_weigh_too_much_are_a_bomb(
    opened: Opened, path: str
) -> None:
    """Each unfolds to 40 MiB, which one may; three of them may not."""
    inner = zipped(HEAVY)
    alone = zipped(*((f"{i}.csv", HEAVY[1]) for i in range(3)))
    nested = zipped(*((f"{i}.zip", inner) for i in range(3)))

    with pytest.raises(SourceError, match="as a bomb does"):
        opened(nested if ".zip" in path else alone, source(path))


def test_too_many_members_are_refused(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "MAX_MEMBERS", 2)

    for pack in (zipped, tarred):
        content = pack(CSV, ("b.csv", b"a,n\n"), ("c.csv", b"a,n\n"))
        with pytest.raises(SourceError, match="more than 2 members"):
            opened(content, source("d!*.csv"))


def test_a_members_name_that_is_no_text_is_shown_and_kept(opened: Opened) -> None:
    entry = tarfile.TarInfo("\udcffb\x1b.csv")
    entry.size = len(CSV[1])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", errors="surrogateescape") as bundle:
        bundle.addfile(entry, io.BytesIO(CSV[1]))

    text = opened(buffer.getvalue(), source("d!*.csv"))

    (member,) = text.places["_member"]
    assert member.isprintable()
    assert member.endswith(".csv")


def test_a_large_member_is_never_held_whole(opened: Opened) -> None:
    content = tarred(("1.csv", b"a,n\n" + b"x,1\n" * (8 << 20)), CSV, mode="w:gz")

    tracemalloc.start()
    text = opened(content, source("d!*.csv"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert text.rows.select(pl.len()).collect().item() == (8 << 20) + 1
    assert peak < 16 << 20


def test_a_gantry_day_of_288_headerless_files_is_one_scan(tmp_path: Path) -> None:
    """606,240 rows and 26,150,422 bytes as tar and wc count them."""
    file = LARGE / "M05A_20240501.tar.gz"
    if not file.is_file():
        pytest.skip(f"the gantry month is not at {LARGE}")
    day = DAY.model_copy(update={"path": f"{file.name}!*.csv", "header": 0})

    text = open_text(file, day, tmp_path)
    rows = clean(text.rows, day)

    plan = text.rows.explain()
    assert plan.count(" SCAN [") == 1
    assert text.places.height == 288
    assert text.places["_member"].is_sorted()
    assert text.places["_member"][0] == f"{file.name}!TDCS_M05A_20240501_000000.csv"
    assert text.rows.select(pl.len()).collect().item() == 606_240
    last = text.places.row(-1, named=True)
    assert last["_first"] == 1
    of_last = rows.filter(pl.col("_line") >= last["_from"]).collect()
    assert of_last.height == 2_105
    assert of_last["at"].dt.strftime("%H:%M").unique().to_list() == ["23:55"]


def test_a_reject_among_288_files_names_its_file_and_line(tmp_path: Path) -> None:
    """Found by grep: line 231 of the file of 01:50 counts one car at 266 km/h."""
    file = LARGE / "M05A_20240505.tar.gz"
    if not file.is_file():
        pytest.skip(f"the gantry month is not at {LARGE}")
    columns = [
        c.model_copy(update={"options": TypeOptions(maximum=250)})
        if c.name == "speed"
        else c.model_copy(update={"options": TypeOptions(format=c.options.format)})
        for c in DAY.columns
    ]
    day = DAY.model_copy(
        update={"path": f"{file.name}!*.csv", "header": 0, "columns": tuple(columns)}
    )

    rejects, verdict = judged(open_text(file, day, tmp_path), day, tmp_path)

    assert (verdict.rejected, verdict.failed["speed:0:at most 250"]) == (1, 1)
    assert rejects.select("_member", "_line", "speed").row(0) == (
        *(f"{file.name}!TDCS_M05A_20240505_015000.csv", 231, "266"),
    )


OPENS = """
import sys
from pathlib import Path
from schemas.resource import Source
from tasks.resource.collect import collect
from tasks.source import open_text
from tasks.store.place import hashed
file, scratch = Path(sys.argv[1]), Path(sys.argv[2])
columns = [{"name": n, "logicalType": "string"} for n in ("a", "n")]
given = Source.model_validate({"name": "given", "path": "d.zip!*.csv",
    "licence": "x", "columns": columns, "retain": sys.argv[3]})
with hashed(file) as (opened, sha256):
    piece = opened
    if given.retain == "copy":
        piece = scratch / "piece"
        piece.write_bytes(b"".join(collect(opened, given)))
    assert open_text(piece, given, scratch).rows.collect().height == 1
"""


@pytest.mark.parametrize("retain", ["copy", "reference"])
def test_a_source_file_is_opened_once_to_hash_and_read_it(
    tmp_path: Path, retain: str
) -> None:
    file, trace = tmp_path / "d.zip", tmp_path / "trace"
    file.write_bytes(zipped(CSV))
    command = ["strace", "-f", "-e", "trace=open,openat", "-o", str(trace)]
    try:
        subprocess.run(
            [*command, sys.executable, "-c", OPENS, str(file), str(tmp_path), retain],
            check=True,
            cwd=Path(__file__).parents[2],
        )
    except (FileNotFoundError, PermissionError):
        pytest.skip("there is no strace here")

    opens = [line for line in trace.read_text().splitlines() if str(file) in line]
    assert len(opens) == 1
