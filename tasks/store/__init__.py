"""Keep artifacts and lineage: the only code that opens a session or an artifact file.

Publication is the one way in (``publish``), the body of a run the one truth, and what a
reader gets (``scan``, ``raw``) was re-hashed first.
"""

from tasks.store.books import entered
from tasks.store.counts import check_counts, series, snapshot
from tasks.store.doctor import Fact, doctor
from tasks.store.find import Use, uses
from tasks.store.impact import Impact, Weight, impact, outstanding, weigh
from tasks.store.lineage import (
    Loan,
    Node,
    factor_of,
    newest,
    runs,
    trace,
    volumes,
)
from tasks.store.manifest import is_frame, members, parts
from tasks.store.opening import current, opened
from tasks.store.outside import brought
from tasks.store.place import (
    Store,
    digest,
    hashed,
    is_kept,
    locate,
    locate_all,
    path,
    place,
    raw,
    raw_file,
    scan,
    scratch,
)
from tasks.store.publish import Run, again, finished, publish, recorded
from tasks.store.quarantine import rejects
from tasks.store.redriven import (
    fragments,
    keep_file,
    made_with,
    redriven,
    rejected_before,
    was_redriven,
)
from tasks.store.refs import every, resolve
from tasks.store.secrets import secret
from tasks.store.settings import Settings
from tasks.store.signing import bears, fingerprint, own_name, sign
from tasks.store.trail import Trail, trail
from tasks.store.troubles import (
    GOOD,
    UNREACHED,
    Trouble,
    is_flow,
    is_outage,
    part_of,
    troubles,
)
from tasks.store.usage import (
    Denied,
    Grant,
    Request,
    entitled,
    foreseen,
    grant,
    grant_all,
    last_run,
    opened_by,
    unsealed_factors,
)
from tasks.store.verify import Finding, Findings, verify

__all__ = [
    "GOOD",
    "UNREACHED",
    "Denied",
    "Fact",
    "Finding",
    "Findings",
    "Grant",
    "Impact",
    "Loan",
    "Node",
    "Request",
    "Run",
    "Settings",
    "Store",
    "Trail",
    "Trouble",
    "Use",
    "Weight",
    "again",
    "bears",
    "brought",
    "check_counts",
    "current",
    "digest",
    "doctor",
    "entered",
    "entitled",
    "every",
    "factor_of",
    "fingerprint",
    "finished",
    "foreseen",
    "fragments",
    "grant",
    "grant_all",
    "hashed",
    "impact",
    "is_flow",
    "is_frame",
    "is_kept",
    "is_outage",
    "keep_file",
    "last_run",
    "locate",
    "locate_all",
    "made_with",
    "members",
    "newest",
    "opened",
    "opened_by",
    "outstanding",
    "own_name",
    "part_of",
    "parts",
    "path",
    "place",
    "publish",
    "raw",
    "raw_file",
    "recorded",
    "redriven",
    "rejected_before",
    "rejects",
    "resolve",
    "runs",
    "scan",
    "scratch",
    "secret",
    "series",
    "sign",
    "snapshot",
    "trace",
    "trail",
    "troubles",
    "unsealed_factors",
    "uses",
    "verify",
    "volumes",
    "was_redriven",
    "weigh",
]
