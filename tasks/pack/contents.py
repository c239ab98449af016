"""Write every file of a pack; what follows from chain and frames is made here alone.

``manifest.json`` is canonical JSON (RFC 8785) with the sha256 of each other file, and
``manifest.sig`` seals it with the key of who packed. Whoever changes a file breaks its
digest; whoever mends the digest breaks the seal; what the sealer changed is found by
making the file again from chain and frames; who changes those has another head.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import rfc8785

from schemas.errors import SourceError
from tasks.pack.appraised import bundle_for
from tasks.pack.chain import Head, Link, chain_text, head_text
from tasks.pack.chosen import Loan
from tasks.pack.facts import Told, facts_of
from tasks.pack.frames import Held
from tasks.pack.journal import ledger_text
from tasks.pack.zipped import Files
from tasks.page.dossier import page

FORM = "datafactor/pack/1"
MANIFEST, SEAL = "manifest.json", "manifest.sig"
CHAIN, HEAD = "chain/runs.txt", "chain/head.json"
BUNDLE, JOURNAL, DOSSIER = "appraisal.tar", "journal.beancount", "dossier.html"
SAMPLE = "sample.json"
GIVEN = (CHAIN, HEAD, SAMPLE)  # beside frames: all else follows from them
ROOMS = ("schemas", "tasks")


class Given(NamedTuple):
    """What a pack is made of."""

    loan: Loan
    links: Sequence[Link]
    head: Head
    runs: Sequence[tuple[str, str]]  # hash and body of each run
    held: Sequence[Held]
    frames: Mapping[str, bytes]  # by name in the pack
    code: str = ""  # digest of what decides on loans in this release
    sample: bytes = b""  # rows that the licence lets be seen; empty: none


@cache
def release() -> str:
    """Digest of all that decides and writes here: another release may do it otherwise.

    It names the very sources, so that a pack of the same release has to come out the
    same to the byte.
    """
    state = hashlib.sha256()
    for room in ROOMS:
        top = Path(str(files(room)))
        for file in sorted(top.rglob("*")):
            if file.suffix in (".py", ".html", ".css") and file.is_file():
                name = f"{room}/{file.relative_to(top).as_posix()}"
                state.update(f"{name}\0".encode() + file.read_bytes())
    return state.hexdigest()


def files_of(given: Given) -> Files:
    """Write every file of a pack, the manifest among them."""
    made: Files = {
        CHAIN: chain_text(given.runs),
        HEAD: head_text(given.head),
        **given.frames,
        **({SAMPLE: given.sample} if given.sample else {}),
        **following(given),
    }
    return made | {MANIFEST: manifest_of(given, made)}


def following(given: Given) -> Files:
    """Write what follows from chain, frames and bundle: facts, journal, dossier."""
    facts = facts_of(Told(given.loan, given.links, given.held))
    bundle = bundle_for(given.links, given.loan)
    title = str(given.loan.terms.get("borrower", {}).get("name", given.loan.entity))
    ledger = ledger_text(given.held, given.links, given.loan, title)
    end = {
        "head": given.head.hash,
        "seq": given.head.seq,
        "at": str(given.head.line["at"]),
        "store": given.head.store,
        "signer": given.head.signed_with,
        "bundle": hashlib.sha256(bundle).hexdigest() if bundle else "",
        "sample": bool(given.sample),
    }
    return {
        **{f"facts/{name}.json": rfc8785.dumps(part) for name, part in facts.items()},
        **({JOURNAL: ledger} if ledger else {}),
        **({BUNDLE: bundle} if bundle else {}),
        DOSSIER: page(facts, end),
    }


def manifest_of(given: Given, made: Mapping[str, bytes]) -> bytes:
    """Write the digest of each file, and the head."""
    return rfc8785.dumps(
        {
            "form": FORM,
            "loan": given.loan.number,
            "head": {"seq": given.head.seq, "hash": given.head.hash},
            "store": given.head.store,
            "release": release(),
            "code": given.code,
            "entries": {
                name: {
                    "sha256": hashlib.sha256(body).hexdigest(),
                    "bytes": len(body),
                }
                for name, body in sorted(made.items())
            },
        }
    )


def read_manifest(entries: Mapping[str, bytes]) -> dict[str, Any]:  # Any: JSON
    """Read the manifest of a pack.

    Raises:
        SourceError: There is none, or it lacks something.
    """
    try:
        held: dict[str, Any] = json.loads(entries[MANIFEST])
        sound = (
            held["form"] == FORM
            and {*("loan", "head", "store", "release", "code", "entries")}
            <= held.keys()
        )
        shaped = all(isinstance(e["sha256"], str) for e in held["entries"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sound = shaped = False
    if not (sound and shaped):
        raise SourceError(f"{MANIFEST} is missing or is that of another form: ask anew")
    return held


def faults_in(entries: Mapping[str, bytes], manifest: Mapping[str, Any]) -> list[str]:
    """Name what is changed, missing or added against the manifest."""
    named, there = manifest["entries"], entries.keys() - {MANIFEST, SEAL}
    faults = [f"{name} is missing" for name in sorted(named.keys() - there)]
    faults += [f"{name} was added" for name in sorted(there - named.keys())]
    for name in sorted(there & named.keys()):
        if hashlib.sha256(entries[name]).hexdigest() != named[name]["sha256"]:
            faults.append(f"{name} does not have the digest in the manifest")
    return faults
