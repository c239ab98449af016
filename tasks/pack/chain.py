"""Read the chain of runs from a pack, link by link, without the store that wrote it.

One line a run: its hash, a space, its body; hash = sha256(hash before + body). The head
is the last hash; whoever signed it with an Ed25519 key signed all that stands before.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import rfc8785
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)

from schemas.artifact import Input, Made, Publication
from tasks.store.publish import GENESIS, link, read_body, signer_of

MOST_KEYS = 1_000
Keys = Mapping[str, Ed25519PublicKey]  # by fingerprint


class Link(NamedTuple):
    """A run in the chain: its place, its hash, what it said, who, when, whose key."""

    seq: int
    hash: str
    said: Publication
    who: str
    at: str
    signer: str


class Output(NamedTuple):
    """An artifact with the run that made it."""

    link: Link
    made: Made


class Head(NamedTuple):
    """The signed end of a chain."""

    store: str
    line: Mapping[str, Any]  # JSON, as the anchor holds it
    key: str  # public half, one OpenSSH line

    @property
    def hash(self) -> str:
        """Hash of the last run."""
        return str(self.line["head"])

    @property
    def seq(self) -> int:
        """Number of the last run."""
        return int(self.line["seq"])

    @property
    def signed_with(self) -> str:
        """Fingerprint that the line names."""
        return str(self.line["fingerprint"])


class Seal(NamedTuple):
    """Who packed: a signature over the manifest, by a key that stands beside it."""

    key: str  # public half, one OpenSSH line
    signature: str  # Ed25519, hex

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the key; nothing where it is no key."""
        return next(iter(keys_in([self.key.encode()])), "")

    def holds(self, text: bytes) -> bool:
        """Ask whether a text bears the signature."""
        try:
            signed = bytes.fromhex(self.signature)
            keys_in([self.key.encode()])[self.fingerprint].verify(signed, text)
        except (ValueError, KeyError, InvalidSignature):
            return False
        return True


def chain_text(runs: Iterable[tuple[str, str]]) -> bytes:
    """Write runs (hash, body) as a pack holds them."""
    return "".join(f"{hash} {body}\n" for hash, body in runs).encode()


def followed(data: bytes) -> tuple[list[Link], list[str]]:
    """Follow the chain from its start.

    Returns:
        The runs that can be read, and a sentence for each link that does not hold.
    """
    links: list[Link] = []
    faults: list[str] = []
    prev = GENESIS
    lines = data.split(b"\n")
    if lines.pop() != b"":
        faults.append("the chain ends in the middle of a run")
    for seq, line in enumerate(lines, 1):
        hash, body = "", ""
        with suppress(UnicodeDecodeError):
            hash, _, body = line.decode().partition(" ")
        if link(prev, body) != hash:
            faults.append(f"run {seq} does not follow from the one before: changed")
        prev = hash
        try:
            said, who, at = read_body(body)
            links.append(Link(seq, hash, said, who, at.isoformat(), signer_of(body)))
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
            faults.append(f"the body of run {seq} cannot be read")
    return links, faults


def head_text(head: Head) -> bytes:
    """Write a head as canonical JSON (RFC 8785)."""
    return rfc8785.dumps(
        {"store": head.store, "line": dict(head.line), "key": head.key}
    )


def read_head(data: bytes) -> Head:
    """Read a head.

    Raises:
        ValueError: It lacks something, or something is no text or number.
    """
    try:
        held = json.loads(data)
        head = Head(str(held["store"]), dict(held["line"]), str(held["key"]))
        sound = all((head.hash, head.seq, head.signed_with, head.line["signature"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("the signed head cannot be read") from error
    if not sound:
        raise ValueError("the signed head lacks something")
    return head


def seal_text(seal: Seal) -> bytes:
    """Write a seal as canonical JSON (RFC 8785)."""
    return rfc8785.dumps(seal._asdict())


def read_seal(data: bytes) -> Seal:
    """Read a seal.

    Raises:
        ValueError: It is none.
    """
    try:
        held = json.loads(data)
        return Seal(str(held["key"]), str(held["signature"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("the seal of the manifest cannot be read") from error


def bears_signature(head: Head, keys: Keys) -> bool:
    """Ask whether a head bears the signature of one of some keys."""
    try:
        signed = {**head.line, "store": head.store}
        signature = bytes.fromhex(signed.pop("signature"))
        keys[head.signed_with].verify(signature, rfc8785.dumps(signed))
    except (ValueError, KeyError, TypeError, InvalidSignature, RecursionError):
        return False
    return True


def keys_in(lines: Iterable[bytes]) -> dict[str, Ed25519PublicKey]:
    """Read public keys, one OpenSSH line each, by fingerprint; what is none is left."""
    found: dict[str, Ed25519PublicKey] = {}
    for line in [*lines][:MOST_KEYS]:
        try:
            key = load_ssh_public_key(line)
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, Ed25519PublicKey):
            plain = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
            found[hashlib.sha256(plain).hexdigest()] = key
    return found


def outputs(links: Sequence[Link]) -> dict[str, Output]:
    """List the artifacts of complete runs by id, with the run that made each first."""
    found: dict[str, Output] = {}
    for one in links:
        if one.said.status == "COMPLETE":
            for made in one.said.artifacts:
                found.setdefault(made.ref.id, Output(one, made))
    return found


def inputs_of(output: Output) -> tuple[Input, ...]:
    """List what an artifact was made of."""
    roles = output.made.roles
    return tuple(i for i in output.link.said.inputs if roles is None or i.role in roles)


def closure(start: Iterable[str], known: Mapping[str, Output]) -> dict[str, Output]:
    """List artifacts and all they are made of, nearest first."""
    found: dict[str, Output] = {}
    front = [id for id in start if id in known]
    while front:
        found |= {id: known[id] for id in front}
        above = {i.id for id in front for i in inputs_of(known[id])}
        front = sorted(id for id in above if id in known and id not in found)
    return found
