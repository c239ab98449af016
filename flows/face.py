"""Show answers to people: tables in a terminal, and the same facts as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from flows import summary
from schemas.resource import NOTES
from tasks.product.promises import few
from tasks.store import Fact, Findings, Node, Run

Facts = dict[str, Any]  # JSON
FEW = 8  # roots at the end of a run; `trace` lists all
PLACES = 20  # rules or files in a table, erased artifacts in a list


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> Table:
    """Make a plain table; text is never read as markup."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        numeric = name in ("rows", "in", "out", "rejected", "examined", "failed")
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(str(cell).replace("[", r"\[") for cell in row))
    return made


def ending(console: Console, chain: summary.Chain, reused: bool) -> None:
    """End a run: five lines, the trace of the last artifact, the next commands."""
    console.print(f"\n{chain.title} ({chain.factor}, as of {chain.as_of})\n")
    for stage, text in summary.lines(chain):
        console.print(f"  {stage:9} {text}", markup=False)
    if reused:
        console.print("\n  all stages reused: same inputs, terms and code")
    last = "the loan" if chain.last.name == "pledge" else chain.last.name
    console.print(f"\nwhat {last} rests on:")
    roots(console, summary.traced(chain), FEW)
    console.print("\ntry next:")
    for command in summary.next_commands(chain):
        console.print(f"  {command}", markup=False)


def plan(console: Console, data: Facts) -> None:
    """Show what a factor document asks for."""
    console.print(f"{data['title']} ({data['factor']})", markup=False)
    console.print(f"stages: {' → '.join(data['stages'])}; policy {data['policy']}")
    rows = [(n, path) for n, path in data["sources"].items()]
    console.print(table("\nsources", ("name", "path"), rows))
    rules = [
        (name, c["columns"], "; ".join(c["rules"]))
        for name, c in data["contracts"].items()
    ]
    console.print(table("\ncontracts", ("contract", "columns", "rules"), rules))
    for told in [*since(data), *against(data)]:
        console.print(told, markup=False)
    console.print("\nthe document is sound; nothing was run")


def since(data: Facts) -> Iterator[str]:
    """Say what changed since the product was released last, and when its offer ends."""
    old = data["since"]
    if old:
        changes = [f"{c['level']}: {c['what']}" for c in old["changes"]]
        told = "; ".join(few(changes)) or "the contract is the same"
        yield f"\nproduct {data['version']}, released {old['released']}; {told}"
    if data["ending"]:
        yield f"\nproduct {data['version']} is {data['ending']}"


def against(data: Facts) -> Iterator[str]:
    """Say what a run would refuse the product for, as far as the document shows it."""
    for number, ground in enumerate(data["against"]):
        head = "" if number else "\na run would refuse the product today:\n"
        yield f"{head}  {ground}"


def draft(console: Console, data: Facts) -> None:
    """Say what was drafted, and what to do next."""
    rows = [
        (name, found["path"], found["records"], found["columns"])
        for name, found in data["sources"].items()
    ]
    console.print(table("", ("source", "path", "rows", "columns"), rows))
    for sentence in data.get("left", ()):
        console.print(sentence, markup=False)
    document, left = data["document"], data["todos"]
    console.print(f"\nwrote {document}; {left} places are left to you:", markup=False)
    console.print(f"  datafactor check {document}", markup=False)


def run_facts(run: Run) -> Facts:
    """Tell one run."""
    said = run.publication
    return {
        "run": run.run,
        "at": run.at.isoformat(),
        "who": run.who,
        "factor": said.factor,
        "stage": said.stage,
        "task": said.task,
        "title": title_of(run),
        "kind": said.kind,
        "status": said.status,
        "as_of": str(said.as_of) if said.as_of else None,
        "message": said.message,
        "balances": [b.model_dump() for b in said.balances],
        "checks": [c.model_dump() for c in said.checks],
        "gates": [g.model_dump() for g in said.gates],
        "artifacts": {
            m.frame: {"id": m.ref.id, "sha256": m.ref.sha256, "rows": m.ref.rows}
            for m in said.artifacts
        },
    }


def title_of(run: Run) -> str:
    """Name a run as its box on the run page: ``collect[flights]``, ``transform``."""
    said = run.publication
    named = said.task in ("collect", "clean")
    part = next((m.frame for m in said.artifacts if named), "").removesuffix(".rejects")
    return f"{said.task}[{part}]" if part else said.task


def runs(console: Console, data: list[Facts]) -> None:
    """Show runs, newest first, with what failed or was refused in words."""
    rows = []
    for fact in data:
        main: Facts = max(fact["balances"], key=lambda b: b["rows_in"], default={})
        counts = [main.get(n, "") for n in ("rows_in", "rows_out", "rejected")]
        shut = "; ".join(g["ground"] for g in fact["gates"] if not g["passed"])
        state = "REFUSED" if shut else fact["status"]
        rows.append(
            (
                *(fact["at"][:19], fact["factor"], fact["title"], state, *counts),
                fact["run"][:12],
                fact["message"] or shut or noted(fact["checks"]),
            )
        )
    columns = ("at (UTC)", "factor", "task", "state", "in", "out", "rejected", "run")
    console.print(table("", (*columns, "why"), rows))


def noted(checks: Sequence[Facts]) -> str:
    """Say what reading passed over or joined."""
    told = [f"{c['examined']:,} {c['check']}" for c in checks if c["check"] in NOTES]
    return "; ".join(told)


def columns(console: Console, data: Sequence[Facts]) -> None:
    """Show from which columns of the sources each column comes, and how."""
    rows = [
        (
            "every row" if edge["column"] == "*" else edge["column"],
            edge["how"],
            edge["source_column"],
            edge["from"],
            edge["known"],
        )
        for edge in data
    ]
    console.print(table("", ("column", "as", "of column", "in", "known as"), rows))


def roots(console: Console, nodes: Sequence[Node], limit: int | None = None) -> None:
    """List the raw bytes of a lineage: file, member, sha256, licence."""
    raw = [(node, node.origin) for node in nodes if node.origin]
    for node, origin in raw[:limit]:
        where = f"{origin.path}!{origin.member}".rstrip("!")
        console.print(f"  {where}", markup=False)
        console.print(f"    sha256 {node.sha256}  ({origin.licence})", markup=False)
        if node.erased:
            console.print(f"    {node.erased}", markup=False)
    if more := len(raw[limit:] if limit else ()):
        console.print(f"  and {more:,} more: `datafactor trace` lists them")


def erased(console: Console, artifacts: Sequence[Facts]) -> None:
    """List the artifacts whose bytes were erased, each with when and why."""
    gone = [one for one in artifacts if one["erased"]]
    for one in gone[:PLACES]:
        name = "/".join(one[n] for n in ("factor", "stage", "frame"))
        said = f"  {name} ({one['id'][:12]}): {one['erased']}"
        console.print(said, markup=False)
    if more := len(gone[PLACES:]):
        console.print(f"  and {more:,} more that were erased: see --json")


def rows(console: Console, data: Facts) -> None:
    """Show the first rows of a frame."""
    many = len(data["fragments"])
    lie = f" in {many} fragments, one of each file" if many > 1 else ""
    console.print(f"{data['frame']}: {data['total']:,} rows{lie}", markup=False)
    if data["rows"]:
        cells = [list(row.values()) for row in data["rows"]]
        console.print(table("", list(data["rows"][0]), cells))
    if len(data["rows"]) < data["total"]:
        console.print(f"… {len(data['rows'])} shown; more with --limit N")


def rejects(console: Console, data: Facts) -> None:
    """Show how many rows were rejected by which rule and where, then the rows."""
    shown_rows = data["rows"]
    console.print(f"{data['frame']}: {data['total']:,} rows rejected", markup=False)
    for by in (("rule",), ("source", "member")):
        counts = data["rules" if by == ("rule",) else "places"]
        rows = [[fact["rows"], *(fact[n] for n in by)] for fact in counts[:PLACES]]
        if rows:
            console.print(table(f"\nby {by[-1]}", ("rows", *by), rows))
        if len(counts) > PLACES:
            console.print(f"… and {len(counts) - PLACES} {by[-1]}s more; see --json")
    if not shown_rows:
        return
    names = list(shown_rows[0])
    cells = [
        ["; ".join(v) if isinstance(v, list) else v for v in row.values()]
        for row in shown_rows
    ]
    console.print(table("\nrows", names, cells))
    if len(shown_rows) < data["total"]:
        console.print(f"… {len(shown_rows)} shown; more with --limit N, all in --csv")


def found(console: Console, data: Facts) -> None:
    """Show what was found: how large, how good, how classified, how often used."""
    rows = [
        (
            *(fact["ref"], " ".join(filter(None, (fact["title"], fact["ending"])))),
            "not run" if fact["rows"] is None else f"{fact['rows']:,}",
            *(fact["score"] or "", fact["grade"] or "", fact["licence"]),
            used_by(fact["used"]),
            ", ".join(fact["matched"]),
        )
        for fact in data["found"]
    ]
    columns = ("ref", "title", "rows", "quality", "grade", "licence")
    if rows:
        console.print(table("", (*columns, "used by", "found"), rows))
    else:
        said = f"no document holds all of: {', '.join(data['words'])}"
        console.print(said, markup=False)
    if data["unreadable"]:
        names = ", ".join(data["unreadable"])
        said = f"not searched, `datafactor check` says why: {names}"
        console.print(said, markup=False)


def used_by(uses: Sequence[Facts]) -> str:
    """Sum up who took it as input: ``3 runs of 2 factors``."""
    runs, factors = sum(u["runs"] for u in uses), len({u["factor"] for u in uses})
    if not runs:
        return ""
    many = "s" if runs > 1 else ""
    return f"{runs} run{many} of {factors} factor{'s' if factors > 1 else ''}"


def redriven(console: Console, data: Facts) -> None:
    """Say how many rejects moved and how many remain, and what to do next."""
    if not data["rejected"]:
        console.print(f"{data['frame']}: no row is rejected", markup=False)
        return
    mended = f" ({data['changed']:,} cells mended)" if data["changed"] else ""
    console.print(
        f"{data['frame']}: {data['moved']:,} of {data['rejected']:,} rejected rows"
        f" moved{mended}, {data['remain']:,} remain; {data['rows']:,} rows stand in the"
        f" {data['files']:,} files that have rejects",
        markup=False,
    )
    if not data["moved"]:
        console.print("no reject keeps the contract yet: nothing was changed")
    if data["moved"]:
        console.print(f"go on with  {data['next']}", markup=False)


def finding_facts(findings: Findings) -> Facts:
    """Tell what verification examined and found."""
    return {"exit": findings.exit, **findings.model_dump(mode="json")}


def findings(console: Console, data: Facts, what: str = "store") -> None:
    """Show what was examined and every finding with the money that rests on it."""
    counts = ", ".join(f"{n:,} {kind}" for kind, n in data["examined"].items())
    console.print(f"examined {counts}", markup=False)
    for found in data["findings"]:
        console.print(f"  {found['sentence']}", markup=False)
    for note in data["notes"]:
        console.print(f"  note: {note}", markup=False)
    bits = {1: "corrupt", 2: "untrusted", 4: "unverifiable"}
    words = [word for bit, word in bits.items() if data["exit"] & bit]
    console.print(f"the {what} is {' and '.join(words) or 'sound'}")


def doctor_facts(fact: Fact) -> Facts:
    """Tell one fact about the installation."""
    return fact.model_dump(mode="json")


def doctor(console: Console, data: list[Facts]) -> None:
    """Show the installation's facts, the bad ones marked."""
    rows = [(f["state"], f["name"], f["sentence"]) for f in data]
    console.print(table("", ("state", "what", "finding"), rows))
