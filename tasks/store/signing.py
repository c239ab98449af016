"""Sign a text with a person's own key, and see whose signature a text bears."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from schemas.errors import StoreError
from tasks.store import anchor
from tasks.store.place import Store


def own_key(s: Store) -> Ed25519PrivateKey:
    """Load the key of who acts; it must be among the known signers.

    Raises:
        StoreError: Its public half is not in deployments/signers.
    """
    key = anchor.signer(s)
    public = key.public_key()
    if anchor.fingerprint(public) not in anchor.known(s):
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        raise StoreError(
            f"nobody knows whose key {s.settings.key} is: let the line {line} be put"
            f" into {anchor.signers(s)} as YOUR-NAME.pub, or set DATAFACTOR_KEY to the"
            " key that stands there"
        )
    return key


def sign(s: Store, text: bytes) -> str:
    """Sign a text with one's own key: Ed25519, as hex."""
    return own_key(s).sign(text).hex()


def fingerprint(s: Store) -> str:
    """Name the key of who acts."""
    return anchor.fingerprint(anchor.signer(s).public_key())


def own_name(s: Store) -> str:
    """Say by which name the house knows the key of who acts."""
    return anchor.name_of(s, anchor.fingerprint(own_key(s).public_key()))


def bears(s: Store, text: bytes, signature: str, key: str) -> bool:
    """Ask whether a text bears the signature of a known signer's key."""
    public = anchor.known(s).get(key)
    try:
        if public is None:
            return False
        public.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True
