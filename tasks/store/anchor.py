"""Sign the head of the chain outside the database.

Whoever owns the database can rewrite all of it; what was signed elsewhere still says
which head it had. One JSON line a publication, over which an Ed25519 key signs
{store, seq, head, at, pledged, fingerprint}.
"""

import hashlib
import json
import os
from contextlib import suppress
from fcntl import LOCK_EX, flock
from pathlib import Path
from threading import get_ident
from typing import Any, BinaryIO

import rfc8785
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_public_key,
)

from schemas.errors import StoreError
from tasks.store.place import Store, sync
from tasks.store.steps import failpoint

LONGEST_LINE = 4096
Line = dict[str, Any]  # one line of an anchor, as JSON


def signer(s: Store) -> Ed25519PrivateKey:
    """Load the private key; the first publication makes it, for its owner only.

    Raises:
        StoreError: The file is no Ed25519 key.
    """
    file = s.settings.key
    # Before the transaction: what cannot be signed is better not published.
    s.settings.anchor.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        _make(file)
    key = private_key(file)
    if key is None:
        raise StoreError(f"{file} is no Ed25519 key: set DATAFACTOR_KEY to one")
    return key


def private_key(file: Path) -> Ed25519PrivateKey | None:
    """Read a private key; None where the file is something else."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PrivateKey) else None


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    part = file.with_name(f".{file.name}-{os.getpid()}-{get_ident()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(handle, pem)
    os.fsync(handle)
    os.close(handle)
    with suppress(FileExistsError):  # two first publications: one key wins
        os.link(part, file)
    part.unlink()


def fingerprint(key: Ed25519PublicKey) -> str:
    """Name a public key by the sha256 of its 32 bytes."""
    plain = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(plain).hexdigest()


def file_of(s: Store, anchor: Path) -> Path:
    """Find this store's anchor in a folder; a file is taken as it is."""
    return anchor / f"{s.id}.jsonl" if anchor.is_dir() else anchor


def append(s: Store, key: Ed25519PrivateKey, head: Line) -> None:
    """Sign a head and add it, durably; a torn last line goes first."""
    folder = s.settings.anchor
    line = {**head, "fingerprint": fingerprint(key.public_key())}
    signature = key.sign(rfc8785.dumps({"store": s.id, **line})).hex()
    text = json.dumps({**line, "signature": signature}) + "\n"
    file = folder / f"{s.id}.jsonl"
    with file.open("ab+") as out:
        flock(out, LOCK_EX)
        # Before the line that it signs: a crash may leave a key without a line only.
        _publish_key(file.with_suffix(".pub"), key.public_key())
        _drop_torn_line(out)
        out.write(text.encode())
        out.flush()
        os.fsync(out.fileno())
    failpoint("anchor.written")
    sync(folder)


def _drop_torn_line(out: BinaryIO) -> None:
    """A crash may leave half a line; it was never acknowledged."""
    end = out.seek(0, os.SEEK_END)
    out.seek(max(0, end - LONGEST_LINE))
    tail = out.read()
    out.truncate(end - len(tail) + tail.rfind(b"\n") + 1)


def _publish_key(file: Path, key: Ed25519PublicKey) -> None:
    """Add the public half, one OpenSSH line a signer."""
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    known = file.read_bytes().splitlines() if file.exists() else []
    if line not in known:
        part = file.with_name(f".{file.name}-{os.getpid()}-{get_ident()}")
        part.write_bytes(b"\n".join([*known, line]) + b"\n")
        sync(part)
        os.replace(part, file)


def read(s: Store, file: Path) -> tuple[list[Line], list[str]]:
    """Read an anchor and check every signature.

    Returns:
        The lines whose signature holds, and a sentence for each that does not.
    """
    known = trusted(s)
    good, faults = [], []
    for number, text in enumerate(_lines(file), 1):
        try:
            line = json.loads(text)
            signed = {**line, "store": s.id}
            signature = bytes.fromhex(signed.pop("signature"))
            known[line["fingerprint"]].verify(signature, rfc8785.dumps(signed))
            good.append(line)
        except (ValueError, KeyError, TypeError, InvalidSignature):
            faults.append(
                f"line {number} of the anchor {file.name} is not signed by a key that"
                " is trusted here: the own one, or one in deployments/signers"
            )
    return good, faults


def trusted(s: Store) -> dict[str, Ed25519PublicKey]:
    """Collect the keys whose signature counts: the own, and those of known signers.

    The public half beside the anchor is for handing on; whoever can write the anchor
    can write it too, so it proves nothing.
    """
    keys = known(s)
    if s.settings.key.exists() and (own := private_key(s.settings.key)):
        keys[fingerprint(own.public_key())] = own.public_key()
    return keys


def signers(s: Store) -> Path:
    """Say where the public halves of known signers lie."""
    return s.settings.factors.parent / "signers"


def known(s: Store) -> dict[str, Ed25519PublicKey]:
    """Collect the keys of known signers by fingerprint: deployments/signers/*.pub."""
    keys: list[object] = []
    for line in (n for file in sorted(signers(s).glob("*.pub")) for n in _lines(file)):
        with suppress(ValueError, UnsupportedAlgorithm):
            keys.append(load_ssh_public_key(line))
    return {fingerprint(k): k for k in keys if isinstance(k, Ed25519PublicKey)}


def name_of(s: Store, mark: str) -> str:
    """Name a known signer by the file of the public half: ``anna.pub`` is anna."""
    for file in sorted(signers(s).glob("*.pub")):
        for line in _lines(file):
            with suppress(ValueError, UnsupportedAlgorithm):
                key = load_ssh_public_key(line)
                if isinstance(key, Ed25519PublicKey) and fingerprint(key) == mark:
                    return file.stem
    return ""


def _lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines() if file.exists() else []
