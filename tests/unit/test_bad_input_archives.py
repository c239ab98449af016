"""Bad input, rows 40 to 50 of the catalogue: archives, links, devices and names.

Each test is named after its row; the answers are explained in ``test_bad_input_text``.
"""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from schemas.errors import SourceError
from tasks import store
from tasks.resource.collect import collect
from tests.builders import temporary_store
from tests.carried import carried, column, refusal, source
from tests.unit.test_resource_collect import linked, tarred, zipped

COLUMNS = column("a"), column("n", "integer")
CSV = b"a,n\nx,1\ny,2\n"
ROWS = [("x", 1), ("y", 2)]


def packed(path: str, content: bytes) -> str:
    """Get the refusal of an archive."""
    return refusal(content, source(path, *COLUMNS, format="csv"))


def read(path: str, content: bytes) -> list[tuple[object, ...]]:
    """Get the rows of an archive's member."""
    return carried(content, source(path, *COLUMNS, format="csv")).rows


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(CSV, mtime=0)[:-9],  # cut short
        gzip.compress(CSV, mtime=0)[:-8]
        + b"\xff\xff\xff\xff"
        + gzip.compress(CSV, mtime=0)[-4:],  # CRC
        gzip.compress(CSV, mtime=0)[:-4] + b"\xff\xff\xff\x00",  # length
    ],
)
def test_row_40_a_damaged_gzip_is_refused(content: bytes) -> None:
    assert "a.csv.gz: is damaged, cut short" in packed("a.csv.gz", content)


def test_row_41_gzip_after_gzip_is_one_text() -> None:
    assert read("a.csv.gz", gzip.compress(CSV[:9]) + gzip.compress(CSV[9:])) == ROWS


@pytest.mark.parametrize(
    ("path", "cuts", "joined"),
    [
        ("a.csv.gz", (9,), 2),
        ("a.csv.gz", (4, 9), 3),
        ("a.csv.gz", (), None),
        ("a.tar.gz!*.csv", (700, 900), 3),  # amid what the tar is told by, and after
        ("a.tar!*.csv.gz!", (9,), 2),
        ("a.tar!*.csv.gz!", (), None),
    ],
)
def test_row_41_how_many_gzip_members_were_joined_is_counted(
    path: str, cuts: tuple[int, ...], joined: int | None
) -> None:
    outside = path.startswith("a.tar.gz")
    whole = tarred(("1.csv", CSV)) if outside else CSV
    ends = zip((0, *cuts), (*cuts, len(whole)), strict=True)
    packed = b"".join(gzip.compress(whole[a:b]) for a, b in ends)
    content = tarred(("1.csv.gz", packed)) if path.startswith("a.tar!") else packed

    found = carried(content, source(path, *COLUMNS, format="csv"))

    assert found.rows == ROWS
    assert found.notes == ({"gzip members joined": joined} if joined else {})


def test_row_41_zeros_after_a_gzip_are_no_member() -> None:
    found = carried(gzip.compress(CSV) + bytes(64), source("a.csv.gz", *COLUMNS))

    assert (found.rows, found.notes) == (ROWS, {})


@pytest.mark.parametrize("path", ["a.zip!a.csv", "a.csv.gz", "a.zip!*.csv"])
def test_row_42_a_bomb_is_refused_while_it_unfolds(path: str) -> None:
    zeros = bytes(300 << 20)
    content = gzip.compress(zeros) if "gz" in path else zipped(("a.csv", zeros))

    assert len(content) < 320_000
    assert "unfolds to over 200 times its size, as a bomb does" in packed(path, content)


@pytest.mark.parametrize("path", ["a.zip!a.csv", "a.zip!*.csv"])
@pytest.mark.parametrize("said", [1, 8, 13, 2**31 - 1])
def test_row_43_a_zip_that_lies_about_a_size_is_refused(path: str, said: int) -> None:
    content = bytearray(zipped(("a.csv", CSV)))
    listed = content.rindex(b"PK\x01\x02")
    content[listed + 24 : listed + 28] = said.to_bytes(4, "little")  # APPNOTE 4.3.12

    told = packed(path, bytes(content))

    assert "is damaged" in told


@pytest.mark.parametrize("name", ["../a.csv", "/a.csv", "b/../../a.csv", "C:\\a.csv"])
def test_row_44_a_member_that_leads_out_of_its_archive_is_refused(name: str) -> None:
    for pack in (zipped, tarred):
        assert "leaves the archive" in packed(f"a!{name}", pack((name, CSV)))
        assert "leaves the archive" in packed("a!*.csv", pack((name, CSV)))


@pytest.mark.filterwarnings("ignore:Duplicate name")  # what is written here is bad
def test_row_45_a_member_that_is_there_twice_is_refused() -> None:
    two = (("a.csv", CSV), ("a.csv", b"a,n\nother,9\n"))

    for pack in (zipped, tarred):
        for path in ("a!a.csv", "a!*.csv"):
            assert "there twice" in packed(path, pack(*two))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_row_46_a_link_or_device_in_a_tar_is_refused(kind: bytes) -> None:
    content = tarred(linked("a.csv", kind))

    for path in ("a.tar!a.csv", "a.tar!*.csv"):
        assert "link or device" in packed(path, content)


def test_row_46_a_link_in_a_zip_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        entry = zipfile.ZipInfo("a.csv")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        bundle.writestr(entry, "/etc/passwd")

    assert "link or device" in packed("a.zip!a.csv", buffer.getvalue())


def told_of(file: Path) -> str:
    """Get the refusal of a path that is opened."""
    with pytest.raises(SourceError) as refused:
        b"".join(collect(file, source(file.name, *COLUMNS)))
    assert "; " in str(refused.value)
    return str(refused.value)


def test_row_47_a_link_is_not_followed_and_none_leads_out_of_the_folder(
    tmp_path: Path,
) -> None:
    with temporary_store(tmp_path, DATAFACTOR_DATA=str(tmp_path / "data")) as s:
        s.settings.data.mkdir()
        (s.settings.data / "a.csv").symlink_to("/etc/passwd")
        (s.settings.data / "b").symlink_to("/etc")

        assert "symbolic link" in told_of(s.settings.data / "a.csv")
        for name in ("a.csv", "b/passwd", "../a.csv", "/etc/passwd"):
            with pytest.raises(SourceError, match=r"leads out of .*: name a file"):
                store.locate(s, name)


def test_row_48_a_pipe_device_or_process_file_is_refused_without_waiting(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "pipe.csv")

    for file in (tmp_path / "pipe.csv", Path("/dev/zero"), tmp_path):
        assert "is not a regular file" in told_of(file)
    with temporary_store(tmp_path, DATAFACTOR_DATA=str(tmp_path)) as s:
        with pytest.raises(SourceError, match=r"there is no file pipe\.csv"):
            store.locate(s, "pipe.csv")
        with pytest.raises(SourceError, match="leads out of"):
            store.locate(s, "/proc/self/environ")


def test_row_49_a_star_in_the_name_of_a_file_reads_no_other_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "e1.csv").write_bytes(b"a,n\nanother,9\n")
    (tmp_path / "e*.csv").write_bytes(CSV)
    named = source("e*.csv", *COLUMNS)

    # A pattern of the document is resolved to files, then each is opened by its name.
    content = b"".join(collect(tmp_path / "e*.csv", named))

    assert content == CSV
    assert carried(content, source("e[1].csv", *COLUMNS)).rows == ROWS


@pytest.mark.parametrize(
    "address",
    [
        *("file:///etc/hostname", "https://example.org/a.csv", "s3://bucket/a.csv"),
        *("ftp://example.org/a.csv", "FILE:///etc/hostname"),
    ],
)
def test_row_50_an_address_is_refused_whatever_its_scheme(
    tmp_path: Path, address: str
) -> None:
    with (
        temporary_store(tmp_path) as s,
        pytest.raises(SourceError, match="is an address"),
    ):
        store.locate(s, address)
