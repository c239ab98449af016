"""Refuse a runtime package under a strong copyleft licence, or under none that is told.

    python .ci/licences.py requirements.lock

Packages of the tests may be under any: they are run, never shipped.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

# A library under the LGPL is used through its interface and may be replaced.
REFUSED = re.compile(r"(?<!L)(?<!Lesser )(?:AGPL|GPL|Affero|General Public)", re.I)
ALLOWED = re.compile(r"LGPL|Lesser General Public", re.I)


def said(name: str) -> str:
    """Say under which licence a package is, by its own words."""
    told = metadata(name)
    classes = [c for c in told.get_all("Classifier") or [] if c.startswith("License")]
    plain = (told.get("License") or "").strip().partition("\n")[0]
    texts = [told.get("License-Expression") or "", *classes, plain]
    return "; ".join(dict.fromkeys(text for text in texts if text))


def problem(name: str) -> str:
    """Say why a package may not be shipped; empty if it may."""
    try:
        licence = said(name)
    except PackageNotFoundError:  # for another system or Python
        return ""
    if not licence:
        return f"{name}: no licence is told: look it up, and leave the package out"
    # Under several it may be taken under any of them.
    if all(REFUSED.search(t) and not ALLOWED.search(t) for t in licence.split("; ")):
        return f"{name}: {licence}: its terms would bind those who ship this project"
    return ""


def main(lock: str) -> int:
    """Check every package of a lock file."""
    text = Path(lock).read_text("utf-8")
    names = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==", text, re.M)
    found = [said for name in names if (said := problem(name))]
    print("\n".join(found) or f"{len(names)} packages of {lock}: licences fit")  # noqa: T201 - its answer
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
