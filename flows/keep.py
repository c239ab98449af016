"""Keep a store: copy it away, bring it back, free what nobody names."""

from pathlib import Path
from typing import Any

from rich.console import Console

from flows import face
from tasks import store
from tasks.store.backup import Saved, backup
from tasks.store.garbage import collect_garbage
from tasks.store.opening import settings_here
from tasks.store.reread import reread
from tasks.store.restore import Restored, restore

Facts = dict[str, Any]  # JSON
ONE = (
    "two stores of one name share their signed heads: if the first one lives on, run"
    " here only with DATAFACTOR_ANCHOR set to another folder, or both become untrusted"
)
KEYLESS = (
    "the private key is not in it: keep that apart; nor are the raw files in"
    " DATAFACTOR_DATA, the documents and what Prefect remembers"
)


def backed_up(folder: Path) -> Facts:
    """Back the store up; what could not be saved makes it unsound."""
    saved = backup(store.current(), folder)
    return {**saved.model_dump(mode="json"), "sound": sound(saved), "apart": KEYLESS}


def sound(saved: Saved) -> bool:
    """Say whether all bytes are in the backup that are kept in the store."""
    return not saved.missing and not saved.damaged


def show_backup(console: Console, data: Facts) -> None:
    """Say what is in the backup, and what is not."""
    console.print(
        f"{data['folder']}: {data['runs']:,} runs, {data['rows']:,} rows,"
        f" {data['objects']:,} files ({data['fresh']:,} new, of them"
        f" {data['linked']:,} linked on the same disk), {data['removed']:,} dropped",
        markup=False,
    )
    for word in ("missing", "damaged"):
        for sha256 in data[word]:
            said = f"  bytes sha256:{sha256[:12]} are {word} and not in the backup"
            console.print(f"{said}: `datafactor verify` says what rests on them")
    if data["by_reference"]:
        count = data["by_reference"]
        console.print(f"  {count:,} files are kept by reference: copy DATAFACTOR_DATA")
    if data["linked"]:
        console.print(
            "  what is linked lies on the same disk: copy the folder to another"
        )
    console.print(data["apart"], markup=False)


def read_again(folder: Path) -> Facts:
    """Read a backup again; what is damaged or missing makes it unsound."""
    found = reread(folder)
    bad = found.damaged or found.missing
    return {**found.model_dump(mode="json"), "sound": not bad}


def show_reread(console: Console, data: Facts) -> None:
    """Say what was read, and what of it must come from another copy."""
    console.print(
        f"{data['folder']}: {data['files']:,} files of {data['seq']:,} runs as of"
        f" {data['made_at']} were read again",
        markup=False,
    )
    for word in ("damaged", "missing"):
        for name in data[word]:
            console.print(f"  {name} is {word}", markup=False)
    if not data["complete"]:
        console.print("  an older release wrote it: what is missing was not examined")
    if data["sound"]:
        console.print("the backup is sound")
        return
    console.print(
        "the backup is not sound: back up into a fresh folder; objects alone are also"
        " mended by deleting them and backing up into this one again"
    )


def brought_back(folder: Path) -> tuple[Facts, int]:
    """Restore into the place that the environment names; give the verdict too."""
    made = restore(settings_here(), folder)
    return told(made), made.findings.exit


def told(made: Restored) -> Facts:
    """Tell what was restored, and what `verify` found."""
    header = made.header
    return {
        "store": header.store,
        "made_at": header.made_at.isoformat(),
        "revision": header.revision,
        "seq": header.seq,
        "head": header.head,
        "rows": sum(of.rows for of in header.tables.values()),
        "objects": made.objects,
        "anchor": str(made.anchor),
        "verified": face.finding_facts(made.findings),
    }


def show_restore(console: Console, data: Facts) -> None:
    """Say what was restored, and whether it is sound."""
    console.print(
        f"restored {data['seq']:,} runs, {data['rows']:,} rows and"
        f" {data['objects']:,} files as of {data['made_at']}; anchor {data['anchor']}",
        markup=False,
    )
    console.print(ONE, markup=False)
    face.findings(console, data["verified"], "store")


def freed(hours: float) -> Facts:
    """Free what nobody names and nobody touched for some hours."""
    return collect_garbage(store.current(), hours * 3600).model_dump(mode="json")


def show_freed(console: Console, data: Facts) -> None:
    """Say what was freed, and what may still be named."""
    console.print(
        f"freed {data['bytes']:,} bytes: {data['orphans']:,} files that nothing names,"
        f" {data['scratch']:,} left by crashes, {data['erased']:,} erased;"
        f" {data['young']:,} files are too young to go",
        markup=False,
    )
