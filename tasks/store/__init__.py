"""Keep artifacts and lineage: the only code that opens a session or an artifact file.

Publication is the one way in (``publish``), the body of a run the one truth, and what a
reader gets (``scan``, ``raw``) was re-hashed first.
"""

from tasks.store.opening import current, opened
from tasks.store.place import Store, digest, locate, path, place, raw, scan, scratch
from tasks.store.publish import Run, finished, publish
from tasks.store.registers import snapshot
from tasks.store.settings import Settings

__all__ = [
    "Run",
    "Settings",
    "Store",
    "current",
    "digest",
    "finished",
    "locate",
    "opened",
    "path",
    "place",
    "publish",
    "raw",
    "scan",
    "scratch",
    "snapshot",
]
