"""Read the list of parts that are one logical artifact."""

import json

from schemas.artifact import NO_CONTRACT, ArtifactRef
from tasks.store.place import Store, intact


def is_frame(ref: ArtifactRef) -> bool:
    """Say whether an artifact holds rows, in one file or in parts."""
    return ref.kind in ("frame", "manifest") and ref.contract != NO_CONTRACT


def members(s: Store, ref: ArtifactRef) -> list[ArtifactRef]:
    """List the parts of a manifest in order; anything else is its own only part.

    Raises:
        StoreError: The manifest's bytes are missing or changed.
    """
    if ref.kind != "manifest":
        return [ref]
    return [part for _, part in parts(s, ref)]


def parts(s: Store, ref: ArtifactRef) -> list[tuple[str, ArtifactRef]]:
    """List the parts of a manifest with the value that each one stands for."""
    entries = json.loads(intact(s, ref.sha256).read_bytes())
    raw = ref.contract == NO_CONTRACT
    base = ref.name.removesuffix(".rejects")
    end = ref.name[len(base) :]
    return [
        (
            entry["value"],
            ArtifactRef(
                id=entry["id"],
                sha256=entry["sha256"],
                name=f"{base}@{entry['value']}{end}",
                rows=entry["rows"],
                contract=ref.contract,
                kind="raw" if raw else "frame",
            ),
        )
        for entry in entries
    ]
