"""A pack of the demo's loan: what is in it, and that no digit of it can be changed."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from flows.loans import draw, pay
from flows.pack import verify_pack, write_pack
from flows.pledges import record
from flows.summary import Chain
from schemas.capital import Capital
from schemas.errors import FactorError, RegisterError
from tasks import store
from tasks.pack.chain import Link, Output
from tasks.pack.chosen import tells
from tasks.pack.zipped import Files, unzipped, zipped
from tasks.store import anchor
from tests.archive import DATA
from tests.builders import temporary_store

LOAN = "BANK-2026-001"
CHAIN, HEAD = "chain/runs.txt", "chain/head.json"
MANIFEST, SEAL = "manifest.json", "manifest.sig"
ROOT = Path(__file__).resolve().parents[2]
Forge = Callable[[Files], None]


@pytest.fixture(scope="module")
def pack(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pack") / "pack.zip"
    write_pack(LOAN, file)
    return file


@pytest.fixture(scope="module")
def files(pack: Path) -> Files:
    return unzipped(pack.read_bytes())


@pytest.fixture(scope="module")
def kept_head(files: Files) -> str:
    """The head, as the lender writes it down when the money is paid out."""
    last = files[CHAIN].splitlines()[-1]
    return last.split()[0].decode()


def house_key() -> Ed25519PrivateKey:
    """The key that sealed the pack: who has it can do the worst."""
    return anchor.signer(store.current())


def sealed(changed: Files, key: Ed25519PrivateKey) -> None:
    """Put a seal on the manifest."""
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    signed = key.sign(changed[MANIFEST]).hex()
    changed[SEAL] = rfc8785.dumps({"key": public.decode(), "signature": signed})


def forged(
    files: Files,
    folder: Path,
    *,
    mended: bool,
    forge: Forge,
    key: Ed25519PrivateKey | None = None,
) -> Path:
    """Change files of a pack; mended, manifest and seal are made anew as well."""
    changed = dict(files)
    forge(changed)
    if mended:
        manifest = json.loads(changed[MANIFEST])
        manifest["entries"] = {
            name: {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
            for name, body in sorted(changed.items())
            if name not in (MANIFEST, SEAL)
        }
        changed[MANIFEST] = rfc8785.dumps(manifest)
        sealed(changed, key or house_key())
    file = folder / "forged.zip"
    file.write_bytes(zipped(changed))
    return file


def another_digit(body: bytes) -> bytes:
    """Change the last digit of a text or the last byte of something else."""
    at = max(body.rfind(bytes([n])) for n in b"0123456789")
    at = at if at >= 0 else len(body) - 1
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def test_the_pack_is_sound_and_says_what_nobody_can_recompute(
    pack: Path, kept_head: str
) -> None:
    found = verify_pack(pack, kept_head)

    assert found.findings == ()
    assert found.exit == 0
    assert found.examined["frames decided again"] == len(Capital._fields)
    assert any("bytes of 6 source files are not in" in note for note in found.notes)
    assert not any("own word" in note for note in found.notes)


def test_without_a_head_of_the_lender_the_pack_says_that_it_is_its_own_word(
    pack: Path,
) -> None:
    found = verify_pack(pack)

    assert found.exit == 0
    assert any("the pack's own word" in note for note in found.notes)


def test_packed_again_it_has_the_same_bytes(
    pack: Path, chain: Chain, tmp_path: Path
) -> None:
    write_pack(f"loan:{LOAN}", tmp_path / "again.zip")

    assert (tmp_path / "again.zip").read_bytes() == pack.read_bytes()


@pytest.mark.parametrize(
    ("task", "frame", "may"),
    [
        ("productize", "product", False),
        ("productize", "gates", True),
        ("transform", "resource", False),
        ("clean", "flights.rejects", False),
        ("assess", "score", True),
        ("a task that nobody knows", "table", False),
    ],
)
def test_only_frames_of_figures_and_answers_may_be_handed_over(
    chain: Chain, task: str, frame: str, may: bool
) -> None:
    run = store.runs(store.current())[0]
    said = run.publication.model_copy(update={"task": task})
    made = said.artifacts[0].model_copy(update={"frame": frame})
    link = Link(1, run.run, said, "tester", "", "")

    assert tells(Output(link, made)) is may


def test_no_bytes_of_the_data_are_in_it(files: Files, chain: Chain) -> None:
    data = {
        made.ref.sha256
        for run in store.runs(store.current())
        for made in run.publication.artifacts
        if run.publication.task in ("collect", "clean", "transform", "derive")
        or made.frame == "product"
    }

    inside = {hashlib.sha256(body).hexdigest() for body in files.values()}
    assert len(data) > 10
    assert not data & inside
    # A tail number of the first flights, which stands in every stage of the data.
    assert not any(b"N14228" in body for body in files.values())


@pytest.mark.parametrize("rows", [6, -1])
def test_other_than_one_to_as_many_rows_as_the_document_shows_are_refused(
    tmp_path: Path, rows: int
) -> None:
    with pytest.raises(FactorError, match="lets 5 rows be seen"):
        write_pack(LOAN, tmp_path / "pack.zip", sample=rows)
    assert not (tmp_path / "pack.zip").exists()


def test_a_sample_holds_rows_of_public_columns_only(
    chain: Chain, tmp_path: Path
) -> None:
    write_pack(LOAN, tmp_path / "pack.zip", sample=2)

    told = json.loads(unzipped((tmp_path / "pack.zip").read_bytes())["sample.json"])
    assert len(told["rows"]) == 2
    assert told["columns"][:3] == ["origin", "dest", "hour"]
    assert verify_pack(tmp_path / "pack.zip").exit == 0


def test_a_loan_for_which_nothing_is_pledged_is_refused(
    chain: Chain, tmp_path: Path
) -> None:
    with pytest.raises(RegisterError, match=f"there are {LOAN}"):
        write_pack("BANK-2026-002", tmp_path / "pack.zip")


def called(files: Files, ending: str) -> str:
    """Find the one entry of this name, whichever run made it."""
    (name,) = [n for n in files if n.endswith(ending)]
    return name


KINDS = (
    *(CHAIN, HEAD, MANIFEST, "dossier.html", "appraisal.tar", "journal.beancount"),
    *("facts/gates.json", "facts/schedule.json", "facts/sources.json"),
    *("facts/valuation.json", "facts/steps.json", "facts/contracts.json"),
    "-pledge.parquet",
)


@pytest.mark.parametrize("name", KINDS)
def test_one_changed_digit_fails_against_the_manifest(
    files: Files, tmp_path: Path, name: str
) -> None:
    def forge(changed: Files) -> None:
        entry = called(changed, name)
        changed[entry] = another_digit(changed[entry])

    found = verify_pack(forged(files, tmp_path, mended=False, forge=forge))

    assert found.exit & 1
    said = "does not have the digest in the manifest"
    assert any(said in f.sentence for f in found.findings) == (name != MANIFEST)


def test_one_changed_digit_fails_with_the_manifest_mended(
    files: Files, tmp_path: Path, kept_head: str
) -> None:
    passed = []
    for kind in (k for k in KINDS if k != MANIFEST):
        name = called(files, kind)

        def forge(changed: Files, name: str = name) -> None:
            changed[name] = another_digit(changed[name])

        file = forged(files, tmp_path, mended=True, forge=forge)
        if not verify_pack(file, kept_head).exit & 3:
            passed.append(name)

    assert passed == []


def test_a_frame_written_anew_is_not_what_its_run_published(
    files: Files, tmp_path: Path, kept_head: str
) -> None:
    name = called(files, "-cards.parquet")

    def forge(changed: Files) -> None:
        longer = pl.read_parquet(BytesIO(changed[name])).with_columns(
            pl.col("life_months") + 60
        )
        out = BytesIO()
        longer.write_parquet(out)
        changed[name] = out.getvalue()

    found = verify_pack(forged(files, tmp_path, mended=True, forge=forge), kept_head)

    assert found.exit & 1
    assert any("is not what run" in f.sentence for f in found.findings)


def test_who_has_no_key_of_the_house_cannot_say_that_another_release_wrote_it(
    files: Files, tmp_path: Path, kept_head: str
) -> None:
    """Of another release a page may differ: so who says so must have sealed it."""

    def forge(changed: Files) -> None:
        manifest = json.loads(changed[MANIFEST]) | {"release": "0" * 64}
        changed[MANIFEST] = rfc8785.dumps(manifest)
        changed["dossier.html"] = changed["dossier.html"].replace(b"5,000", b"9,000")

    def unsealed(changed: Files) -> None:
        forge(changed)
        del changed[SEAL]

    stranger = Ed25519PrivateKey.generate()
    insider = forged(files, tmp_path, mended=True, forge=forge)
    assert verify_pack(insider, kept_head).exit == 4
    outsider = forged(files, tmp_path, mended=True, forge=forge, key=stranger)
    assert verify_pack(outsider, kept_head).exit & 2
    torn = forged(files, tmp_path, mended=False, forge=unsealed)
    sentences = [f.sentence for f in verify_pack(torn, kept_head).findings]
    assert "the seal of the manifest cannot be read" in sentences


def test_an_entry_that_was_added_or_taken_is_named(
    files: Files, tmp_path: Path
) -> None:
    def add(changed: Files) -> None:
        changed["facts/more.json"] = b"{}"

    def drop(changed: Files) -> None:
        del changed[called(changed, "-pledge.parquet")]

    added = verify_pack(forged(files, tmp_path, mended=True, forge=add))
    dropped = verify_pack(forged(files, tmp_path, mended=True, forge=drop))

    assert [f.sentence for f in added.findings] == [
        "facts/more.json does not belong there"
    ]
    assert any(
        "pledge.parquet is not in the pack" in f.sentence for f in dropped.findings
    )


def rebuilt(changed: Files, bodies: list[bytes], key: Ed25519PrivateKey) -> None:
    """Link bodies anew and sign the new end, as somebody does who owns everything."""
    prev, lines = "0" * 64, []
    for body in bodies:
        prev = hashlib.sha256(prev.encode() + body).hexdigest()
        lines.append(prev.encode() + b" " + body)
    changed[CHAIN] = b"".join(line + b"\n" for line in lines)
    head = json.loads(changed[HEAD])
    public = key.public_key()
    mark = hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    line = head["line"] | {"seq": len(bodies), "head": prev}
    line |= {"fingerprint": mark.hexdigest()}
    del line["signature"]
    signed = key.sign(rfc8785.dumps({"store": head["store"], **line})).hex()
    shown = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    head |= {"line": line | {"signature": signed}, "key": shown}
    changed[HEAD] = rfc8785.dumps(head)
    manifest = json.loads(changed[MANIFEST])
    manifest["head"] = {"seq": len(bodies), "hash": prev}
    changed[MANIFEST] = rfc8785.dumps(manifest)


def bodies_of(files: Files) -> list[bytes]:
    return [line.partition(b" ")[2] for line in files[CHAIN].splitlines()]


def test_a_chain_in_another_order_or_without_a_run_is_corrupt(
    files: Files, tmp_path: Path
) -> None:
    def swap(changed: Files) -> None:
        lines = changed[CHAIN].splitlines(keepends=True)
        lines[6], lines[7] = lines[7], lines[6]
        changed[CHAIN] = b"".join(lines)

    def drop(changed: Files) -> None:
        lines = changed[CHAIN].splitlines(keepends=True)
        changed[CHAIN] = b"".join([*lines[:6], *lines[7:]])

    def cut(changed: Files) -> None:
        changed[CHAIN] = b"".join(changed[CHAIN].splitlines(keepends=True)[:-1])

    for forge, said in (
        (swap, "run 7 does not follow"),
        (drop, "run 7 does not follow"),
        (cut, "the signed head elsewhere"),
    ):
        found = verify_pack(forged(files, tmp_path, mended=True, forge=forge))
        assert found.exit & 1
        assert any(said in f.sentence for f in found.findings)


def test_a_pack_rebuilt_from_another_chain_fails_only_against_the_head_that_is_kept(
    files: Files, tmp_path: Path, kept_head: str
) -> None:
    key = Ed25519PrivateKey.generate()
    mark = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def forge(changed: Files) -> None:
        bodies = bodies_of(changed)
        said = json.loads(bodies[0])
        said["terms"]["licence"] = "MIT"  # the forger states a licence of their own
        said["artifacts"][0]["origin"]["licence"] = "MIT"
        last = json.loads(bodies[-1]) | {"signer": hashlib.sha256(mark).hexdigest()}
        bodies[0], bodies[-1] = rfc8785.dumps(said), rfc8785.dumps(last)
        rebuilt(changed, bodies, key)
        follow_again(changed)

    file = forged(files, tmp_path, mended=True, forge=forge, key=key)

    assert verify_pack(file).exit == 0  # the pack's own word
    assert verify_pack(file, kept_head).exit == 2


def test_what_a_stranger_added_to_the_head_that_is_kept_is_not_taken_for_sound(
    files: Files, tmp_path: Path, kept_head: str
) -> None:
    key = Ed25519PrivateKey.generate()
    mark = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def forge(changed: Files) -> None:
        bodies = bodies_of(changed)
        added = json.loads(bodies[0]) | {"signer": hashlib.sha256(mark).hexdigest()}
        rebuilt(changed, [*bodies, rfc8785.dumps(added)], key)
        follow_again(changed)

    file = forged(files, tmp_path, mended=True, forge=forge, key=key)
    found = verify_pack(file, kept_head)

    assert found.exit == 4
    assert "signed nothing before" in found.findings[0].sentence


def follow_again(changed: Files) -> None:
    """Write what follows from a forged chain with the project's own functions."""
    from tasks.pack import contents
    from tasks.pack.chain import followed, read_head
    from tasks.pack.chosen import loan_in, wanted
    from tasks.pack.frames import opened

    links, _ = followed(changed[CHAIN])
    loan = loan_in(links, LOAN)
    held = [opened(k, changed[k.name]) for k in wanted(links, loan)]
    given = contents.Given(
        *(loan, links, read_head(changed[HEAD]), (), held, {}),
    )
    changed |= contents.following(given)


def test_a_head_signed_by_another_key_than_it_names_is_untrusted(
    files: Files, tmp_path: Path
) -> None:
    def forge(changed: Files) -> None:
        head = json.loads(changed[HEAD])
        signed = Ed25519PrivateKey.generate().sign(b"another head").hex()
        head["line"]["signature"] = signed
        changed[HEAD] = rfc8785.dumps(head)

    found = verify_pack(forged(files, tmp_path, mended=True, forge=forge))

    assert found.exit & 2


def test_the_lenders_copy_of_the_anchor_trusts_the_pack_and_no_other_key(
    pack: Path, chain: Chain, tmp_path: Path
) -> None:
    s = store.current()
    anchor = s.settings.anchor / f"{s.id}.jsonl"
    other = tmp_path / "kept.jsonl"
    other.write_bytes(anchor.read_bytes())
    key = Ed25519PrivateKey.generate().public_key()
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    other.with_suffix(".pub").write_bytes(line + b"\n")

    own = verify_pack(pack, anchor=anchor)

    assert (own.exit, [n for n in own.notes if "own word" in n]) == (0, [])
    assert verify_pack(pack, anchor=anchor.with_suffix(".pub")).exit == 0
    assert verify_pack(pack, anchor=other).exit == 2


def test_what_swells_leads_elsewhere_or_stands_twice_is_refused_unread(
    files: Files, tmp_path: Path
) -> None:
    def written(entries: list[tuple[str, bytes]], compressed: int) -> Path:
        out = BytesIO()
        with zipfile.ZipFile(out, "w", compressed) as archive:
            for name, body in entries:
                archive.writestr(name, body)
        file = tmp_path / "odd.zip"
        file.write_bytes(out.getvalue())
        return file

    bomb = written([("dossier.html", b"0" * 50_000_000)], zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 100_000
    sentences = [
        verify_pack(bomb).findings[0].sentence,
        verify_pack(written([("../x", b"")], 0)).findings[0].sentence,
        verify_pack(written([(f"n{n}", b"") for n in range(5_001)], 0))
        .findings[0]
        .sentence,
    ]
    assert "compressed" in sentences[0]
    assert "leads elsewhere" in sentences[1]
    assert "more than 5,000" in sentences[2]
    tail = tmp_path / "tail.zip"
    tail.write_bytes(b"#!/bin/sh\n" + zipped(files))
    assert "beside its entries" in verify_pack(tail).findings[0].sentence
    (tmp_path / "none.zip").write_bytes(b"PK\x05\x06 no zip")
    assert verify_pack(tmp_path / "none.zip").exit == 1


def test_a_pack_is_examined_without_prefect_and_without_a_store(
    pack: Path, tmp_path: Path, kept_head: str
) -> None:
    code = (
        "import sys\nfrom flows.cli import main\n"
        f"left = main(['verify', {str(pack)!r}, '--head', {kept_head!r}])\n"
        "print('prefect' in sys.modules, left)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), "PATH": ""},
    )

    assert done.stdout.splitlines()[-2:] == ["the pack is sound", "False 0"]
    assert not (tmp_path / "home").exists()


@pytest.fixture(scope="module")
def lived(
    demo_home: Path, pack: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The pack of the same loan after registration, drawdown and a first payment."""
    home = tmp_path_factory.mktemp("lived")
    shutil.copytree(demo_home, home, dirs_exist_ok=True)
    search = home / "search.txt"
    search.write_text("no earlier entry")
    with temporary_store(home, DATAFACTOR_DATA=str(DATA)):
        registered = datetime.fromisoformat("2026-07-02T09:30+08:00")
        record(
            *(LOAN, "perfect", date(2026, 7, 2), search),
            registration="ZD-7",
            registered_at=registered,
            valid_to=date(2029, 7, 1),
            evidence="SEARCH-7",
        )
        draw(LOAN, "1", date(2026, 7, 3), None, None, evidence="RECEIPT-1")
        on = date(2026, 7, 30)
        pay(LOAN, "430166.67", "1", on, "", None, evidence="RECEIPT-2")
        write_pack(LOAN, home / "later.zip")
    return home / "later.zip"


def test_what_was_recorded_since_is_told_and_the_head_kept_before_still_holds(
    lived: Path, kept_head: str
) -> None:
    told = unzipped(lived.read_bytes())
    (account,) = json.loads(told["facts/account.json"])
    pledge = json.loads(told["facts/pledge.json"])
    steps = {s["step"]: s["begins"] for s in json.loads(told["facts/steps.json"])}

    now = {u["what"]: u.get("now") for u in json.loads(told["facts/unsafe.json"])}

    found = verify_pack(lived, kept_head)

    # Of 430,166.67, 27 days at 3.6 % by 30/360 are interest: 13,500.00.
    assert account["outstanding"] == "4583333.33"
    assert (pledge["registration"], pledge["secured"]) == ("perfected", "5000000.00")
    assert steps["warning_ltv"] == "7638888.88"  # 4,583,333.33 / 0.60
    assert now["max_ltv"] == "0.397123"  # 4,583,333.33 / 11,541,346.75
    assert found.exit == 0
    assert any(" came after" in note for note in found.notes)


def test_a_payment_that_is_left_out_is_missed(lived: Path, tmp_path: Path) -> None:
    files = unzipped(lived.read_bytes())
    (payment,) = [n for n in files if n.endswith("record_loan_fact.parquet")]

    def drop(changed: Files) -> None:
        del changed[payment]

    found = verify_pack(forged(files, tmp_path, mended=True, forge=drop))

    assert found.exit & 1
    assert f"{payment} is not in the pack" in {f.sentence for f in found.findings}
