"""Nobody takes away what a lender lent on without naming the loan, or silently."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.demo import FACTOR
from flows.erase import erase, lines, refuse_unnamed
from flows.pack import verify_pack, write_pack
from flows.summary import Chain
from schemas.errors import RegisterError, StoreError
from tasks import store
from tasks.pack.chain import chain_text, followed
from tasks.pack.chosen import loan_in, wanted
from tasks.pack.zipped import unzipped
from tasks.store import Findings
from tasks.store.handed import hand_out
from tests.archive import DATA
from tests.builders import temporary_store

SOURCE, LOAN = f"{FACTOR}/resource/flights", "BANK-2026-001"


def test_bytes_that_a_live_loan_rests_on_are_not_erased_before_it_is_named(
    chain: Chain,
) -> None:
    before = len(store.runs(store.current()))

    told = erase([SOURCE], "", [], ever=False)
    assert told["live_loans"] == [LOAN]
    assert told["pledged"] == "5,000,000.00"
    assert f"!! live loans rest on it: {LOAN}" in lines([SOURCE], told)

    with pytest.raises(RegisterError, match=f"add --despite {LOAN}"):
        erase([SOURCE], "request 12", ["BANK-2026-999"], ever=False)

    s = store.current()
    assert len(store.runs(s)) == before
    assert store.path(s, store.resolve(s, SOURCE).sha256).exists()
    refuse_unnamed([LOAN], [LOAN])  # named, it goes


def test_the_pledge_itself_and_the_books_are_kept_by_law(chain: Chain) -> None:
    for frame in ("capital/pledge", "asset/journal"):
        stage = frame.partition("/")[0]
        named = rf"^{FACTOR}/{stage}/\w+ \(\w+\) is posted: its rows stand in"
        with pytest.raises(StoreError, match=named):
            erase([f"{FACTOR}/{frame}"], "request 12", [LOAN], ever=False)


@pytest.fixture
def copied(chain: Chain, demo_home: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the demo's store, in which bytes may go."""
    shutil.copytree(demo_home, tmp_path, dirs_exist_ok=True)
    with temporary_store(tmp_path, DATAFACTOR_DATA=str(DATA)):
        yield tmp_path


def test_the_pack_tells_the_lender_what_was_erased_when_and_why(copied: Path) -> None:
    erase([SOURCE], "request 12", [LOAN], ever=False)
    told = write_pack(LOAN, copied / "pack.zip")

    files = unzipped((copied / "pack.zip").read_bytes())
    erased = json.loads(files["facts/erased.json"])
    assert [(e["name"], e["kind"], e["reason"], e["person"]) for e in erased] == [
        (SOURCE, "frame", "request 12", "tester"),
        (SOURCE, "raw", "request 12", "tester"),
    ]
    (day,) = {e["on"] for e in erased}
    page = files["dossier.html"].decode()
    assert "Bytes on which this loan rests were erased" in page
    assert page.count("request 12") == len(erased)
    assert page.count(f'<td class="day">{day}</td><td><span lang="en">request') == 2

    found = verify_pack(copied / "pack.zip", told["head"])
    assert found.exit == 4
    assert [f.sentence for f in found.findings] == [
        f"the loan rests on bytes that were erased on {day} because request 12, by"
        f" tester: {SOURCE}; their digests stand in the chain, nobody can show them"
        " any more"
    ]
    assert told["unverifiable"] == [f.sentence for f in found.findings]


def test_a_pack_that_lacks_what_was_erased_says_so_and_nothing_else(
    copied: Path,
) -> None:
    """Each figure of the decision that no register keeps goes alone, then all do."""
    links, _ = followed(chain_text(hand_out(store.current()).runs))
    kept = {k.output.made.frame: k for k in wanted(links, loan_in(links, LOAN))}
    file, gone = copied / "pack.zip", set()
    for frame in ("position", "repayment", "score", "valuation", *sorted(kept)):
        if frame in gone or not went(kept[frame].output.made.ref.id):
            continue
        gone.add(frame)
        found = verify_pack(file, write_pack(LOAN, file)["head"])
        missing = {s for s in sentences(found) if "is not in the pack:" in s}
        assert len(missing) == len(gone)
        assert all("erased on" in s and "because rule 7" in s for s in missing)
        assert {f.bit for f in found.findings} == {4}, sentences(found)
    assert {"score", "valuation", "position", "repayment", "quality"} <= gone


def sentences(found: Findings) -> list[str]:
    return [f.sentence for f in found.findings]


def went(id: str) -> bool:
    """Erase one frame; what the books are rebuilt from is refused."""
    try:
        return bool(erase([id], "rule 7", [LOAN], ever=False)["removed"])
    except StoreError:  # it is posted
        return False
