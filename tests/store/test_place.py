"""Bytes at their content address, settings, and the doctor."""

import os
import stat
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.artifact import ArtifactRef, Origin
from schemas.errors import SourceError, StoreError
from tasks import store
from tasks.store import Settings, Store, opening, steps
from tasks.store.migrations import HEAD
from tasks.store.place import hashed, locate_all
from tests.store.build import made, run
from tests.store.conftest import settings_in


def part(s: Store, content: bytes) -> Path:
    file = s.settings.home / "part"
    file.write_bytes(content)
    return file


def test_bytes_are_placed_at_their_hash_and_the_part_is_gone(s: Store) -> None:
    """sha256 of nothing is the known e3b0c442…b855."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    file = part(s, b"")

    assert store.place(s, file) == empty
    assert store.path(s, empty) == s.objects / "e3" / empty
    assert store.path(s, empty).read_bytes() == b""
    assert not file.exists()


@pytest.mark.parametrize(("private", "mode"), [(False, 0o400), (True, 0o600)])
def test_placed_bytes_are_for_their_owner(s: Store, private: bool, mode: int) -> None:
    sha256 = store.place(s, part(s, b"x"), private=private)

    assert stat.S_IMODE(store.path(s, sha256).stat().st_mode) == mode


def test_bytes_that_are_there_are_kept(s: Store) -> None:
    sha256 = store.place(s, part(s, b"x"))
    before = store.path(s, sha256).stat().st_ino

    store.place(s, part(s, b"x"))

    assert store.path(s, sha256).stat().st_ino == before


def test_bytes_placed_again_are_as_young_as_new_ones(s: Store) -> None:
    """A sweep by age must not take an old orphan that a run is about to name."""
    file = store.path(s, store.place(s, part(s, b"x")))
    os.utime(file, (86_400, 86_400))  # 1970-01-02

    again = part(s, b"x")
    placed = again.stat().st_mtime
    store.place(s, again)

    assert file.stat().st_mtime >= placed


def test_damaged_bytes_are_put_right_by_the_same_content(s: Store) -> None:
    sha256 = store.place(s, part(s, b"x"), private=True)
    store.path(s, sha256).write_bytes(b"y")

    store.place(s, part(s, b"x"))

    assert store.path(s, sha256).read_bytes() == b"x"


def test_every_durable_step_can_be_stopped(
    s: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []
    monkeypatch.setattr(steps, "hook", passed.append)

    store.publish(s, run(made(s, "resource", pl.DataFrame({"a": [1]}))))

    placed = ["place.synced", "place.shard", "place.linked", "place.durable"]
    tables = ["artifact", "derivation", "runoutput", "checkresult"]
    inside = ["publish.begin", "publish.run", *(f"publish.{t}" for t in tables)]
    assert passed == [*placed, *inside, "commit", "committed", "anchor.written"]


def test_a_file_is_durable_before_it_has_its_name(
    s: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        target = os.readlink(f"/proc/self/fd/{handle}")
        there = any(s.objects.glob("2d/2d*"))
        seen.append((Path(target).name, there))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    store.place(s, part(s, b"x"))  # its sha256 begins with 2d71

    assert seen == [("part", False), ("objects", False), ("2d", True)]


def test_scratch_is_private_and_gone_afterwards(s: Store) -> None:
    with store.scratch(s) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.parent == s.settings.home / "tmp"
        assert folder.name.startswith(f"{os.getpid()}-")
        (folder / "x").write_text("x")
    assert not folder.exists()


def test_changed_and_missing_bytes_are_never_read(s: Store) -> None:
    frame = made(s, "f", pl.DataFrame({"a": [1]})).ref
    raw = made(s, "r", b"bytes").ref
    assert store.raw(s, raw).read_bytes() == b"bytes"
    for ref in (frame, raw):
        os.chmod(store.path(s, ref.sha256), 0o600)
        store.path(s, ref.sha256).write_bytes(b"other")

    with pytest.raises(StoreError, match="have changed"):
        store.scan(s, frame)
    store.path(s, raw.sha256).unlink()
    with pytest.raises(StoreError, match="are missing"):
        store.raw(s, raw)


def test_a_frame_is_scanned_and_bytes_are_read(s: Store) -> None:
    with pytest.raises(StoreError, match="scan it"):
        store.raw(s, made(s, "f", pl.DataFrame({"a": [1]})).ref)
    with pytest.raises(StoreError, match="not a frame"):
        store.scan(s, made(s, "r", b"bytes").ref)


def test_a_file_is_found_in_the_data_folder_or_in_a_package(s: Store) -> None:
    s.settings.data.mkdir(parents=True)
    (s.settings.data / "a.csv").write_text("x")

    assert store.locate(s, "a.csv") == s.settings.data / "a.csv"
    assert store.locate(s, "package:polars/__init__.py").name == "__init__.py"


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("b.csv", "DATAFACTOR_DATA"),
        ("../store.db", "leads out of"),
        ("/etc/hostname", "leads out of"),
        (".", "there is no file"),
        ("link.csv", "leads out of"),
        ("package:polars/nothing.csv", "reinstall polars"),
        ("package:polars/../pip/__init__.py", "leads out of"),
        ("package:no_such_package/x.csv", "pip install no_such_package"),
        ("package:os/x.csv", "not installed"),
        ("file:///etc/hostname", "is an address"),
        ("https://example.org/a.csv", "is an address.*fetch it"),
    ],
)
def test_a_file_elsewhere_is_refused_with_a_remedy(
    s: Store, file: str, remedy: str
) -> None:
    s.settings.data.mkdir(parents=True)
    (s.settings.data / "link.csv").symlink_to("/etc/hostname")

    with pytest.raises(SourceError, match=remedy):
        store.locate(s, file)


def days(s: Store, *names: str) -> list[str]:
    """Write files into the data folder; return what a pattern finds."""
    for name in names:
        file = s.settings.data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return sorted(names)


def found(s: Store, pattern: str) -> list[str]:
    data = s.settings.data.resolve()
    return [str(f.relative_to(data)) for f in locate_all(s, pattern)]


def test_a_pattern_finds_its_files_in_the_order_of_their_names(s: Store) -> None:
    named = days(s, "m/d02.csv", "m/d01.csv", "m/d10.csv")
    days(s, "m/e01.csv", "d03.csv", "n/d04.csv")
    (s.settings.data / "m" / "d-folder.csv").mkdir()

    assert found(s, "m/d*.csv") == named
    assert found(s, "m/d?[12].csv") == ["m/d01.csv", "m/d02.csv"]
    assert found(s, "*/d0[14].csv") == ["m/d01.csv", "n/d04.csv"]
    assert found(s, "m/d01.csv") == ["m/d01.csv"]


def test_a_pattern_finds_the_data_files_of_a_package(s: Store) -> None:
    (init,) = locate_all(s, "package:polars/__ini*.py")

    assert init == store.locate(s, "package:polars/__init__.py")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("f*.csv", "no file matches.*DATAFACTOR_DATA.*look like it: d01.csv"),
        ("../*.db", "leads out of"),
        ("/etc/host*", "leads out of"),
        ("x/../../*", "leads out of"),
        ("**/d01.csv", "for each folder"),
        ("link*.csv", "symbolic link"),
        ("linked/*", "symbolic link"),
        ("l*ked/d*", "symbolic link"),
        ("pipe*", "not a regular file"),
        ("odd*", "rename"),
        ("package:polars/*.nothing", "reinstall polars"),
        ("package:polars/../pip/*.py", "leads out of"),
        ("package:no_such_package/*", "pip install no_such_package"),
        ("file:///etc/host*", "is an address"),
    ],
)
def test_a_pattern_that_finds_nothing_sound_is_refused(
    s: Store, tmp_path: Path, pattern: str, words: str
) -> None:
    days(s, "d01.csv", "odd[1].csv")
    (s.settings.data / "link.csv").symlink_to("d01.csv")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.csv").write_text("x")
    (s.settings.data / "linked").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(s.settings.data / "pipe")

    with pytest.raises(SourceError, match=words):
        locate_all(s, pattern)


def test_a_file_is_hashed_and_read_through_one_handle(tmp_path: Path) -> None:
    """sha256 of "x" as sha256sum gives it."""
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_bytes(b"x")
    other.write_bytes(b"other")

    with hashed(file) as (opened, sha256):
        other.replace(file)

        assert sha256.startswith("2d711642b726b04401627ca9fbac32f5")
        assert opened.read() == b"x"


def test_a_link_is_not_hashed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/etc/hostname")

    with (
        pytest.raises(SourceError, match="symbolic link"),
        hashed(tmp_path / "a"),
    ):
        pass


def kept_by_reference(s: Store) -> ArtifactRef:
    """Publish raw bytes of which the store keeps hash and place only."""
    days(s, "d01.csv")
    sha256 = store.digest(s.settings.data / "d01.csv")
    origin = Origin(path="d01.csv", file_sha256=sha256, member="", licence="CC0")
    landed = made(s, "days", b"d01.csv", origin=origin)
    store.publish(s, run(landed, task="collect"))
    store.path(s, sha256).unlink()
    return landed.ref


def test_bytes_kept_by_reference_are_read_where_they_were_found(s: Store) -> None:
    ref = kept_by_reference(s)

    assert store.raw(s, ref) == (s.settings.data / "d01.csv").resolve()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "put d01.csv back.*DATAFACTOR_DATA"), (b"other", "d01.csv has changed")],
)
def test_a_reference_that_no_longer_holds_is_refused(
    s: Store, content: bytes | None, words: str
) -> None:
    ref = kept_by_reference(s)
    (s.settings.data / "d01.csv").unlink()
    if content is not None:
        (s.settings.data / "d01.csv").write_bytes(content)

    with pytest.raises(StoreError, match=words):
        store.raw(s, ref)


def test_a_database_with_anothers_folder_of_objects_is_refused(
    s: Store, tmp_path: Path
) -> None:
    more = {"database": s.settings.database, "objects": str(tmp_path / "other")}

    with pytest.raises(StoreError, match="DATAFACTOR_OBJECTS"):
        store.opened(settings_in(tmp_path, **more))
    assert opening.root_identity(s) == s.id


def test_settings_follow_home_and_are_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATAFACTOR_HOME", "here")
    monkeypatch.setenv("DATAFACTOR_ANCHOR", "there")

    found = Settings()

    assert found.home == tmp_path / "here"
    assert found.database == f"sqlite:///{tmp_path}/here/store.db"
    assert found.objects == tmp_path / "here" / "objects"
    assert found.data == tmp_path / "here" / "data"
    assert found.anchor == tmp_path / "there"
    assert found.factors.parts[-2:] == ("deployments", "factors")


def test_settings_default_to_folders_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("DATAFACTOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/somewhere")

    found = Settings()

    assert found.home == Path("/somewhere/.datafactor")
    assert found.anchor == Path("/somewhere/.datafactor-anchor")
    assert not found.key.is_relative_to(found.home)
    assert not found.key.is_relative_to(found.anchor)


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("postgresql://me@host/db", r"no driver: write postgresql\+psycopg://"),
        ("postgres://me@host/db", r"no driver: write postgresql\+psycopg://"),
        ("mysql://me@host/db", "start the URL with"),
    ],
)
def test_a_url_without_a_tested_driver_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, remedy: str
) -> None:
    monkeypatch.setenv("DATAFACTOR_DATABASE", url)

    with pytest.raises(ValidationError, match=remedy):
        Settings()
    with pytest.raises(StoreError, match=rf"^DATAFACTOR.*{remedy}"):
        store.current()


def test_the_present_store_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "anchor", "key"):
        monkeypatch.setenv(f"DATAFACTOR_{name.upper()}", str(tmp_path / name))

    assert store.current() is store.current()
    store.current().engine.dispose()


def test_the_doctor_finds_a_sound_store_sound(s: Store) -> None:
    store.publish(s, run())

    facts = {f.name: f for f in store.doctor(s)}

    assert {f.state for f in facts.values()} <= {"good", "warn"}
    assert facts["database"].state == "good"
    assert f"revision {HEAD}" in facts["database"].sentence
    assert "holds 1 signed heads" in facts["anchor"].sentence
    assert "mode 0600" in facts["key"].sentence
    assert "polars" in facts["engines"].sentence


def test_the_doctor_warns_of_a_lent_key_and_an_anchor_at_home(tmp_path: Path) -> None:
    anchor = str(tmp_path / "home" / "anchor")
    s = store.opened(settings_in(tmp_path, anchor=anchor))
    store.publish(s, run())
    s.settings.key.chmod(0o644)

    facts = {f.name: f for f in store.doctor(s)}

    assert facts["anchor"].state == "warn"
    assert "inside home" in facts["anchor"].sentence
    assert facts["key"].state == "bad"
    s.engine.dispose()


def test_the_key_is_made_once_for_its_owner_only(s: Store) -> None:
    store.publish(s, run(task="1"))
    before = s.settings.key.read_bytes()
    store.publish(s, run(task="2"))

    assert s.settings.key.read_bytes() == before
    assert stat.S_IMODE(s.settings.key.stat().st_mode) == 0o600
    public = s.settings.anchor / f"{s.id}.pub"
    assert public.read_text().startswith("ssh-ed25519 ")
