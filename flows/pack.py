"""Hand over what a loan rests on as one file, and examine one without a store."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rfc8785
from rich.console import Console

from schemas.errors import FactorError, RegisterError, SourceError, StoreError
from tasks.pack import contents
from tasks.pack.chain import Head, Seal, chain_text, followed, keys_in, seal_text
from tasks.pack.chosen import Kept, Loan, concerns, loan_in, others, wanted
from tasks.pack.erased import gone_in
from tasks.pack.examine import Trusted, examine
from tasks.pack.frames import Held, opened
from tasks.pack.zipped import MAX_BYTES, zipped
from tasks.store import Findings
from tasks.store.verify import CORRUPT, UNTRUSTED

Facts = dict[str, Any]  # JSON
DECIDING = "tasks.capital.capitalize"


def write_pack(number: str, file: Path, sample: int = 0) -> Facts:
    """Write the pack of a loan; an earlier file goes.

    Args:
        number: Number of the loan's agreement, also as ``loan:NUMBER``.
        file: Where it goes.
        sample: Rows of the product to show, if its document allows so many.

    Raises:
        RegisterError: Nothing is pledged for the loan.
        FactorError: The product's document does not allow the sample.
        StoreError: The chain has no signed head, bytes are missing or changed, or what
            was packed does not verify.
    """
    data, given = packed(number.removeprefix("loan:"), sample)
    found = examine(data, Trusted(head=given.head.hash))
    if found.exit & (CORRUPT | UNTRUSTED):
        said = found.findings[0].sentence
        raise StoreError(f"the pack would not verify: {said}; nothing was written")
    part = file.with_name(f".{file.name}.part")
    part.write_bytes(data)
    os.replace(part, file)
    return {
        "file": str(file),
        "loan": given.loan.number,
        "head": given.head.hash,
        "runs": given.head.seq,
        "frames": len(given.held),
        "bytes": len(data),
        "illustrative": given.loan.illustrative,
        "unverifiable": [finding.sentence for finding in found.findings],
    }


def packed(number: str, sample: int = 0) -> tuple[bytes, contents.Given]:
    """Gather what a loan's pack is made of, and pack it."""
    from tasks import store
    from tasks.stage.code import code_digest
    from tasks.store.handed import bytes_of, hand_out, sealed

    s = store.current()
    handed = hand_out(s)
    links, faults = followed(chain_text(handed.runs))
    if faults:
        raise RegisterError(f"{faults[0]}: `datafactor verify` says more")
    loan = loan_in(links, number)
    gone = gone_in(links)
    there = [k for k in wanted(links, loan) if k.output.made.ref.id not in gone]
    kept = [(k, bytes_of(s, k.output.made.ref.sha256)) for k in there]
    for other in others(links, loan):
        data = bytes_of(s, other.output.made.ref.sha256)
        if speaks(opened(other, data), loan):
            kept.append((other, data))
    given = contents.Given(
        loan=loan,
        links=links,
        head=Head(s.id, handed.line, handed.key),
        runs=handed.runs,
        held=held_of(kept),
        frames={k.name: data for k, data in kept},
        code=code_digest(DECIDING),
        sample=sampled(loan, sample) if sample else b"",
    )
    files = contents.files_of(given)
    seal = Seal(*sealed(s, files[contents.MANIFEST]))
    return zipped(files | {contents.SEAL: seal_text(seal)}), given


def held_of(kept: Sequence[tuple[Kept, bytes]]) -> list[Held]:
    """Read frames in the order of their names, as who receives the pack does."""
    return [opened(k, data) for k, data in sorted(kept, key=lambda pair: pair[0].name)]


def speaks(held: Held, loan: Loan) -> bool:
    """Say whether a frame has a row that speaks of the loan."""
    return any(concerns(row, loan) for row in held.frame.iter_rows(named=True))


def sampled(loan: Loan, rows: int) -> bytes:
    """Read the first rows of the product's public columns, if its document allows them.

    Raises:
        FactorError: It allows none, or fewer.
    """
    from flows.catalog import sample_of
    from flows.released import released

    offer = released(loan.factor)
    allowed = offer.terms.delivery.sample_rows if offer.terms.release == "open" else 0
    if not 0 < rows <= allowed:
        raise FactorError(
            f"{loan.factor}: its document lets {allowed} rows be seen"
            f" (delivery.sample_rows), not {rows}: ask for one to so many"
        )
    shown = sample_of(offer)
    shown["rows"] = shown["rows"][:rows]
    return rfc8785.dumps(shown)


def verify_pack(file: Path, head: str = "", anchor: Path | None = None) -> Findings:
    """Examine a pack that was handed over; no store is opened.

    Args:
        file: The pack.
        head: Hash of the head that the lender keeps.
        anchor: Signed heads that the lender keeps, with the public key beside them.

    Raises:
        SourceError: A file cannot be read.
    """
    return examine(read(file), trusted(head, anchor))


def read(file: Path) -> bytes:
    """Read a file, but not more of it than a pack may have."""
    try:
        with file.open("rb") as handle:
            return handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}; name a pack") from error


def trusted(head: str, anchor: Path | None) -> Trusted:
    """Read what the lender keeps: signed heads, and the keys in the ``.pub`` beside.

    Raises:
        SourceError: The head is no hash, there is no such file, no key beside it, or a
            line is no JSON.
    """
    if head and not re.fullmatch("[0-9a-f]{64}", head):
        raise SourceError("a head has 64 hex digits: give the one that you keep")
    if anchor is None:
        return Trusted(head=head)
    keys = keys_in(read(anchor.with_suffix(".pub")).splitlines())
    if not keys:
        raise SourceError(
            f"{anchor.with_suffix('.pub')} holds no public key: keep it too"
        )
    if anchor.suffix == ".pub":
        return Trusted(head=head, keys=keys)
    try:
        lines = tuple(json.loads(line) for line in read(anchor).splitlines())
    except (ValueError, RecursionError):
        raise SourceError(
            f"{anchor} is no anchor: name the file of signed heads"
        ) from None
    return Trusted(head=head, lines=lines, keys=keys)


def show(console: Console, facts: Facts) -> None:
    """Say what was packed, and what the lender should keep."""
    lines = [
        f"loan {facts['loan']}: {facts['frames']} frames and the chain of"
        f" {facts['runs']:,} runs in {facts['file']}, {facts['bytes']:,} bytes",
        *(["  ILLUSTRATIVE: made up, do not use"] if facts["illustrative"] else []),
        *(f"  not verifiable: {said}" for said in facts["unverifiable"]),
        f"head {facts['head']}",
        "let the lender keep the head apart from the pack, then:",
        f"  datafactor verify {facts['file']} --head {facts['head']}",
    ]
    console.print("\n".join(lines), markup=False)
