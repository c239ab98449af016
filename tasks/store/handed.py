"""Hand out the chain of runs up to its newest signed head."""

from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from sqlmodel import col

from schemas.errors import StoreError
from schemas.tables.lineage import StageRun
from tasks.store import anchor
from tasks.store.database import reading
from tasks.store.place import Store, intact


class Handed(NamedTuple):
    """Every run (hash, body) in order, the line that signs the last, and its key."""

    runs: tuple[tuple[str, str], ...]
    line: dict[str, Any]  # JSON, as the anchor has it
    key: str


def hand_out(s: Store) -> Handed:
    """Read the chain up to the newest head that is signed by a trusted key.

    Raises:
        StoreError: No head is signed, or the signed one is not in the chain.
    """
    lines, _ = anchor.read(s, anchor.file_of(s, s.settings.anchor))
    if not lines:
        raise StoreError(
            f"there is no signed head in {s.settings.anchor}: a pack without one proves"
            " nothing; set DATAFACTOR_ANCHOR, or run a factor, which signs one"
        )
    newest = max(lines, key=lambda line: int(line["seq"]))
    query = select(col(StageRun.hash), col(StageRun.body)).order_by(col(StageRun.seq))
    with reading(s.engine) as c:
        found = c.execute(query.where(col(StageRun.seq) <= newest["seq"])).all()
    runs = tuple((row.hash, row.body) for row in found)
    if not runs or (len(runs), runs[-1][0]) != (newest["seq"], newest["head"]):
        raise StoreError(
            "the signed head is not the end of this chain: `datafactor verify` says"
            " what was changed or cut off"
        )
    key = anchor.trusted(s)[newest["fingerprint"]]
    text = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return Handed(runs, newest, text)


def sealed(s: Store, text: bytes) -> tuple[str, str]:
    """Sign a text with the key of who acts: public half (OpenSSH), signature (hex)."""
    key = anchor.signer(s)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return public.decode(), key.sign(text).hex()


def bytes_of(s: Store, sha256: str) -> bytes:
    """Re-hash bytes and read them.

    Raises:
        StoreError: They are missing or changed.
    """
    return intact(s, sha256).read_bytes()
