"""Write a first factor document of raw files: guesses beside their evidence.

``datafactor draft PATH… -o factor.yaml`` reads the files, writes what it could count
and marks as TODO what only a person can say. No value of the data enters the document:
only names of columns, counts and patterns.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import polars as pl

from flows.sample import Sample, samples, unique
from schemas.errors import FactorError, SourceError
from schemas.grade import reason
from schemas.resource import Encoding, Source
from tasks import store
from tasks.resource.profile import Described, Guess, Profile, profile
from tasks.resource.recognise import hint_of, words
from tasks.source import open_text
from tasks.source.limited import read_limited
from tasks.source.pieces import named
from tasks.source.typed import ZONE
from tasks.source.workbook import hidden_cells, readable_frames

ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
SCHEMA = "# yaml-language-server: $schema=./factor.schema.json"
ERROR = re.compile(r"holds (#[A-Z0-9_/!?]+)")  # a cell in error, in a refusal
# Numbers that have no unit: they count, number or name something.
UNITLESS = re.compile(
    r"_(?:id|no|nr|num|number|code|key|index|rank|year|month|day|hour|minute|second|week"
    r"|quarter|date|time|type|status|class|level|flag|version|rownames?|lat|lon|lng"
    r"|latitude|longitude)_|^[年月日时時分秒]$|编号|編號|代码|代碼|序号|序號"
)


class Table(NamedTuple):
    """One source as it was found."""

    name: str
    sample: Sample
    source: Source
    profile: Profile


def draft_facts(made: "Drafted", output: Path) -> dict[str, Any]:  # Any: JSON
    """Tell what was drafted."""
    return {
        "document": str(output),
        "todos": made.todos,
        "sources": {
            t.name: {
                "path": t.source.path,
                "records": t.profile.rows,
                "columns": len(t.profile.columns),
            }
            for t in made.tables
        },
    }


class Drafted(NamedTuple):
    """A document and what is left to a person in it."""

    text: str
    tables: tuple[Table, ...]
    todos: int


def drafted(paths: Sequence[str], output: Path, encoding: str = "") -> Drafted:
    """Read raw files and write a factor document.

    Args:
        paths: Files below ``DATAFACTOR_DATA``, members of archives, patterns; each
            becomes a source.
        output: The document to write; it is named after the file.
        encoding: Of delimited text, where a person knows it; else it is guessed.

    Raises:
        FactorError: The document is there already, its name is no factor's, or the
            encoding is not known.
        SourceError: A file is missing, outside the data folder or not readable.
    """
    refuse_output(output)
    declared = known_encoding(encoding) if encoding else None
    s = store.current()
    with store.scratch(s) as scratch:
        tables = tuple(
            table
            for at, path in enumerate(paths)
            for table in read(s, path, scratch / str(at), declared)
        )
    text = "\n".join(written(output.stem, numbered(tables), s.settings.factors)) + "\n"
    output.write_text(text, "utf-8")
    todos = len(re.findall(r"^[^#]*\bTODO\b", text, re.MULTILINE))
    return Drafted(text, tables, todos)


def refuse_output(output: Path) -> None:
    """Let a new document pass whose name is a factor's.

    Raises:
        FactorError: It is there already, or its name is no factor's.
    """
    if output.exists():
        raise FactorError(f"{output.name} is there already; name another file")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}\.ya?ml", output.name):
        raise FactorError(
            f"{output.name}: call it after the factor: small letters, digits and"
            " hyphens, then .yaml"
        )


def known_encoding(name: str) -> Encoding:
    """Take a name for an encoding that sources know."""
    found: Encoding | None = next((e for e in ENCODINGS if e == name.lower()), None)
    if found is None:
        raise FactorError(
            f"--encoding {name!r} is not known; known are {', '.join(ENCODINGS)}"
        )
    return found


def read(
    s: store.Store, path: str, folder: Path, declared: Encoding | None
) -> Iterator[Table]:
    """Sample one path, and describe each table it holds."""
    folder.mkdir()
    for given in samples(s, path, folder, declared):
        sample, rows = texts(given, folder)
        found = profile(rows, sample.source.columns)
        yield Table(sample.source.name, sample, sample.source, found)


def texts(sample: Sample, folder: Path) -> tuple[Sample, pl.LazyFrame]:
    """Open the files as they will be opened; what cells hide is counted and missing."""
    source = sample.source.model_copy(update={"path": "sample"})
    try:
        frames = [open_text(f, source, folder).rows for f in sample.files]
    except SourceError:
        if source.format != "xlsx":
            raise
        return uncovered(sample, folder)
    return sample, pl.concat(frames)


def uncovered(sample: Sample, folder: Path) -> tuple[Sample, pl.LazyFrame]:
    """Read a workbook as far as it can be read, and count what it hides.

    Saved results and cells in error are declared; the rest only a person can mend.
    """
    source = sample.source.model_copy(update={"formulas": "cached"})
    with named(source, source.path):
        asked, rows = (
            read_limited(sample.files[0], source, folder, reader=reader)
            for reader in (hidden_cells, readable_frames)
        )
    hidden = dict(asked.collect().rows())
    formulas = hidden.pop("formula", 0)
    errors = {e[1]: n for what, n in hidden.items() if (e := ERROR.search(what))}
    told = f"{formulas:,} cells hold formulas; their saved results count"
    return sample._replace(
        source=source if formulas else sample.source,
        guesses=sample.guesses + (("formulas", "cached", told),) * bool(formulas),
        errors=tuple(errors.items()),
        notes=tuple(
            f"{n:,} times a cell {what}; run refuses it, here it is missing"
            for what, n in hidden.items()
            if not ERROR.search(what)
        ),
    ), rows


def numbered(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """Give each table a name of its own."""
    names = unique([t.name for t in tables])
    return tuple(t._replace(name=n) for t, n in zip(tables, names, strict=True))


def written(name: str, tables: tuple[Table, ...], factors: Path) -> Iterator[str]:
    """Write the document, line by line."""
    yield from (
        SCHEMA,
        "# Drafted from raw files. What stands after # is evidence: counts, no values.",
        "# TODO: only a person can say it. `datafactor check` lists what is left.",
        "# Limits (logicalTypeOptions: {minimum: 0}) and lists of values are yours.",
        f"factor: {name}",
        "title: TODO  # one line for people: what is it about?",
        *scenario_lines(factors),
        "sources:",
    )
    for table in tables:
        yield from source_lines(table)
    yield from resource_lines(tables)


def scenario_lines(factors: Path) -> Iterator[str]:
    """Ask whose it is, and for whom."""
    yield from (
        f"entity: TODO  # whose books does it enter? {known(factors, 'entities')}",
        f"policy: TODO  # which dated rules hold? {known(factors, 'policies')}",
        "scenario:",
        "  user: TODO  # who receives it?",
        "  decision: TODO  # which decision does it serve?",
        "  benefit: TODO  # what does the user gain?",
        "  metric: TODO  # how is that measured, in which unit?",
        "  uses: {first: TODO}  # which uses are offered? a short name and a sentence",
        "  prohibited_uses: {never: TODO}  # which uses are refused?",
        "  industry: TODO  # GB/T 4754 code and name, such as N76 water management",
        "  region: TODO  # where does it speak of?",
        "",
    )


def known(factors: Path, kind: str) -> str:
    """List the documents that a factor may name."""
    names = sorted(p.stem for p in (factors.parent / kind).glob("*.yaml"))
    return f"{kind} known: {', '.join(names) or 'none yet'}"


def source_lines(table: Table) -> Iterator[str]:
    """Write one source."""
    found = table.profile
    yield from place_lines(table)
    yield "    # update_frequency: P1D  # how often is it renewed?"
    yield f"    key: {key_line(found)}"
    if found.repeats:
        yield f"    # {found.repeats:,} records repeat another in every column;"
        yield "    # drop_repeats: true keeps one of each and counts the others"
    yield "    columns:"
    key = found.keys[0] if found.keys else ()
    for column in found.columns:
        yield from column_lines(column, found, key)


def place_lines(table: Table) -> Iterator[str]:
    """Write where a source is and how it is written."""
    sample, source, found = table.sample, table.source, table.profile
    yield f"  {table.name}:"
    yield f"    path: {quoted(source.path)}  # {sample.extent}; {found.rows:,} records"
    if source.format != "csv":
        yield f"    format: {source.format}"
    for term, value, evidence in sample.guesses:
        yield f"    {term}: {value}  # {evidence}"
    for note in sample.notes:
        yield f"    # {note}"
    json_ = source.format in ("json", "jsonl")
    for count, what in (
        (found.ragged, "keys" if json_ else "fields"),
        (found.unreadable, "form or bytes" if json_ else "bytes or quotes"),
    ):
        if count:
            yield f"    # {count:,} records are rejected for their {what}"
    yield f"    null_tokens: {tokens(found, sample.errors)}"
    yield (
        "    licence: TODO  # under which licence may it be used? CC-BY-4.0 (whom to"
        " credit), own books, unstated, … in deployments/licences"
    )


def tokens(found: Profile, errors: Sequence[tuple[str, int]]) -> str:
    """Write the texts that mean missing, with their counts; cells in error too."""
    told = {"": found.tokens.get("", 0), **found.tokens}
    for error, cells in errors:
        told[error] = told.get(error, 0) + cells
    counts = [f"{json.dumps(t)} {n:,} times" for t, n in told.items()]
    listed = json.dumps(list(told), ensure_ascii=False)
    return f"{listed}  # {', '.join(counts)}"


def key_line(found: Profile) -> str:
    """Write the smallest key, or ask for it; tell the one that a few rows break."""
    close = ""
    if found.near:
        whole = found.rows - found.ragged - found.unreadable
        told = f"unique but for {found.near.broken:,} of {whole:,} rows"
        close = f"; {'+'.join(found.near.columns)}: {told}"
    if not found.keys:
        return (
            "[TODO]  # which columns identify a record? no set of up to 4 columns is"
            f" without empty cells and repeats{close}; [] if none do"
        )
    first, *others = found.keys
    more = "; nor are " + ", ".join("+".join(k) for k in others[:3]) if others else ""
    told = f"never empty and never twice in these records{more}{close}"
    return f"[{', '.join(first)}]  # {told}"


def column_lines(
    column: Described, found: Profile, key: Sequence[str]
) -> Iterator[str]:
    """Write one column: its type with the evidence, what is missing, what it may be."""
    name, guess = column.column.name, column.guess
    yield f"      - name: {name}"
    if column.column.physical_name is not None:
        yield f"        physicalName: {quoted(column.column.written)}"
    yield f"        logicalType: {guess.logical_type}  # {type_evidence(column)}"
    if column.rivals:
        forms = " or ".join(g.format or "" for g in (guess, *column.rivals))
        yield "        logicalTypeOptions:"
        yield f"          format: TODO  # {forms}? as many values parse as each"
    elif guess.format:
        yield "        logicalTypeOptions:"
        utc = "  # moments become UTC" if guess.format.endswith(ZONE) else ""
        yield f"          format: {quoted(guess.format)}{utc}"
    if column.empty:
        whole = column.filled + column.empty
        yield f"        # {column.empty:,} of {whole:,} are empty"
    elif column.filled:
        yield f"        required: true  # none of {column.filled:,} is empty"
    yield f"        # {extent(column)}"
    label = " ".join(column.column.written.split()) or name
    reasons = list(personal(found.findings, name))
    if reasons:
        yield (
            f"        classification: TODO  # of {label}: public, internal, personal or"
            f" sensitive? ({'; '.join(reasons)})"
        )
    if asks_unit(column, key):
        yield f'        unit: TODO  # of {label}: which unit? "" if it has none'


def type_evidence(column: Described) -> str:
    """Say how many values parse, and how many do not."""
    guess = column.guess
    if not column.filled:
        return "no value in these records"
    if guess.logical_type != "string":
        return parse_evidence(guess, column.filled)
    if column.identifies:
        return "text: digits that identify are no number"
    if column.padded:
        return f"text: {column.padded:,} have digits after a leading 0"
    if column.guesses:
        return f"text: only {parse_evidence(column.guesses[0], column.filled)}"
    return "text: most values parse as no other type"


def parse_evidence(guess: Guess, filled: int) -> str:
    """Write ``99.8 % parse as date yyyy/MM/dd; 41 rows do not``."""
    what = f"{guess.logical_type} {guess.format or ''}".strip()
    if guess.parsed == filled:
        return f"all {filled:,} parse as {what}"
    per_mille = guess.parsed * 1_000 // filled  # rounded down: never 100 with a rest
    left = rows(filled - guess.parsed)
    share = f"{per_mille // 10}.{per_mille % 10} %"
    return f"{share} parse as {what}; {left} not"


def rows(count: int) -> str:
    """Write ``41 rows do``."""
    return f"{count:,} row{'s do' if count != 1 else ' does'}"


def extent(column: Described) -> str:
    """Say how the values spread, in counts and signs."""
    below = ""
    if column.guess.logical_type in ("integer", "number"):
        below = f", {column.negative:,} below 0"
    return f"{column.distinct:,} distinct, up to {column.longest} signs{below}"


def personal(findings: pl.DataFrame, name: str) -> Iterator[str]:
    """Say what makes a column look personal."""
    asked = findings.filter(
        pl.col("column") == name, pl.col("proposed").is_in(["personal", "sensitive"])
    )
    yield from map(reason, asked.iter_rows(named=True))


def asks_unit(column: Described, key: Sequence[str]) -> bool:
    """Say whether a number needs a unit."""
    told = column.column
    numeric = column.guess.logical_type in ("integer", "number")
    written = told.written
    named = (
        UNITLESS.search(words(written))
        or UNITLESS.search(written)
        or hint_of(told.name, written)
    )
    flag = column.distinct <= 2  # yes or no
    return numeric and not flag and told.name not in key and not named


def resource_lines(tables: tuple[Table, ...]) -> Iterator[str]:
    """Write the resource: the only source as it is, or a query to be written."""
    yield ""
    if len(tables) == 1:
        yield "resource: {}  # the source's columns and key, as they are"
        return
    names = ", ".join(t.name for t in tables)
    yield "resource:"
    yield f"  consolidate: TODO  # which SELECT brings {names} together?"
    yield "  columns: [TODO]  # which columns does the SELECT yield?"


def quoted(text: str) -> str:
    """Write a text so that YAML reads it as it is."""
    return json.dumps(text, ensure_ascii=False)
