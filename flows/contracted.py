"""Draft a factor document of a data contract: ``draft DATA --contract FILE``.

Columns, rules, classification, key, price and frequency come from the contract; the
data are read and must keep it. Where they contradict each other nothing is written: one
sentence a place says how. What the contract says and no term can hold stands at the
head of the document, so nothing is lost in silence.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from flows.draft import (
    SCHEMA,
    Drafted,
    Table,
    known_encoding,
    place_lines,
    quoted,
    read,
    refuse_output,
    scenario_lines,
    texts,
)
from schemas.contract import Column
from schemas.document import read as read_document
from schemas.errors import FactorError, SourceError
from schemas.resource import Source
from schemas.terms import Terms
from tasks import store
from tasks.contract import compile_contract, contract_pass, judge_set
from tasks.product.describe.odcs_in import Taken, taken
from tasks.resource.clean import clean
from tasks.resource.profile import Described
from tasks.source.typed import typed


def contracted(
    paths: Sequence[str], contract: Path, output: Path, encoding: str = ""
) -> tuple[Drafted, tuple[str, ...]]:
    """Write a document of one file and its contract.

    Returns:
        The document, and what of the contract could not be taken, a sentence each.

    Raises:
        FactorError: The contract cannot be read, or the data contradict it.
        SourceError: The file is missing, outside the data folder or not readable.
    """
    refuse_output(output)
    if len(paths) != 1:
        raise FactorError("--contract describes one table: name one file of data")
    declared = known_encoding(encoding) if encoding else None
    said, _ = read_document(contract)
    s = store.current()
    with store.scratch(s) as scratch:
        tables = [*read(s, paths[0], scratch / "0", declared)]
        if len(tables) != 1:
            raise FactorError(f"{paths[0]} holds several tables: name one sheet's file")
        (table,) = tables
        try:
            made = taken(said, table.name)
        except FactorError as error:
            raise FactorError(f"{contract.name}: {error}") from None
        source, notes = source_of(made, table)
        held(source, table, contract.name, scratch)
    left = (*made.left, *notes)
    lines = written(output.stem, made, table._replace(source=source), left, contract)
    text = "\n".join(lines) + "\n"
    output.write_text(text, "utf-8")
    todos = len(re.findall(r"^[^#]*\bTODO\b", text, re.MULTILINE))
    return Drafted(text, (table._replace(source=source),), todos), left


def source_of(made: Taken, table: Table) -> tuple[Source, tuple[str, ...]]:
    """Give the source the columns of the contract, under their names in the file.

    Raises:
        FactorError: A column of the contract is not in the file.
    """
    found = {d.column.written: d for d in table.profile.columns}
    missing: list[str] = []
    notes: list[str] = []
    columns: list[Column] = []
    for column in made.columns:
        name = next((n for n in (column.written, column.name) if n in found), None)
        if name is None:
            missing.append(column.written)
            continue
        told, note = readable(column, found[name], name)
        columns.append(told)
        notes += note
    if missing:
        raise FactorError(
            "\n".join(
                f"column {name} of the contract is not in {table.source.path}, which"
                f" has {', '.join(found)}"
                for name in missing
            )
        )
    own = {n: getattr(made, n) for n in ("key", "keep", "drop_repeats")}
    more = {c.written for c in columns} != found.keys()
    told_ = {
        **dict(table.source),
        **own,
        "columns": tuple(columns),
        "quality": made.quality,
        "null_tokens": ("", *(t for t in table.profile.tokens if t)),
        "undeclared": "ignore" if more else "refuse",
        "update_frequency": made.update_frequency or "none",
    }
    return Source.model_validate(told_), tuple(notes)


def readable(
    column: Column, found: Described, name: str
) -> tuple[Column, tuple[str, ...]]:
    """Say how the file writes a column, where the contract does not."""
    guess, form = found.guess, column.options.format
    notes: list[str] = []
    if form is not None and not is_known(column):
        notes.append(f"format of {name} is not taken: it is not understood")
        form = None
    if form is None and guess.logical_type == column.logical_type:
        form = guess.format
    options = column.options.model_copy(update={"format": form})
    physical = None if name == column.name else name
    update = {"options": options, "physical_name": physical}
    return column.model_copy(update=update), tuple(notes)


def is_known(column: Column) -> bool:
    """Say whether the format of a column can be read."""
    try:
        typed(column)
    except SourceError:
        return False
    return True


def held(source: Source, table: Table, contract: str, scratch: Path) -> None:
    """Hold the data against the contract.

    Raises:
        FactorError: They contradict each other; one sentence a place.
    """
    _, rows = texts(table.sample._replace(source=source), scratch / "0")
    asked = compile_contract(source.contract(), parsed=True)
    folder = scratch / "held"
    folder.mkdir()
    places = (folder / "valid", folder / "rejects", folder)
    verdict = contract_pass(clean(rows, source), asked, *places)
    by_name = {c.name: c for c in source.columns}
    broken = [
        f"{source.path} contradicts {contract}: {told(rule, count, by_name)}"
        for rule, count in verdict.failed.items()
        if count and not rule.startswith("*:")
    ]
    # A part of the rows does not tell of the set.
    if not broken and not table.sample.extent.endswith("only"):
        broken = [
            f"{source.path} contradicts {contract}:"
            f" {one.sentence.removeprefix(f'{one.rule}: ')}"
            for one in judge_set(asked, verdict)
            if one.fails
        ]
    if broken:
        raise FactorError("\n".join(broken))


def told(rule: str, count: int, columns: Mapping[str, Column]) -> str:
    """Say which rule how many rows break. ``day:parse``, 3 -> 3 values of day …"""
    place, _, said = rule.partition(":")
    if place == "unique":
        return f"{count:,} rows repeat a value of {said.replace(',', ', ')}"
    column = columns.get(place)
    name = column.written if column else "the rows"
    if said == "parse" and column is not None:
        form = column.options.format or column.logical_type
        return f"{count:,} values of {name} are not written as {form}"
    if said == "required":
        return f"{count:,} values of {name} are missing, and it is required"
    return f"{count:,} values of {name} break {said.partition(':')[2] or said}"


def written(
    name: str, made: Taken, table: Table, left: Sequence[str], contract: Path
) -> Iterator[str]:
    """Write the document, line by line."""
    yield from (
        SCHEMA,
        f"# Drafted of the contract {contract.name}, which the data keep.",
        "# TODO: only a person can say it. `datafactor check` lists what is left.",
        *(f"# {sentence}" for sentence in left),
        *(
            f"# {word}: {' '.join(told_.split())}"
            for word, told_ in made.purpose.items()
        ),
        f"factor: {name}",
        f"title: {quoted(made.title)}",
        *scenario_lines(store.current().settings.factors),
        "sources:",
        *place_lines(table),
    )
    source = table.source
    if source.undeclared == "ignore":
        yield "    undeclared: ignore  # the file has columns that the contract has not"
    if made.update_frequency:
        yield f"    update_frequency: {made.update_frequency}"
    yield from contract_lines(source, made, 4)
    yield from ("", "resource: {}  # the source's columns and key, as they are", "")
    yield from product_lines(made)


def product_lines(made: Taken) -> Iterator[str]:
    """Write the product that keeps the same contract."""
    names = ", ".join(c.name for c in made.columns)
    yield "product:"
    yield f"  name: {made.product}"
    yield f"  version: {made.version}"
    yield f"  query: SELECT {names} FROM resource"
    plain = [
        c.model_copy(
            update={"physical_name": None, "options": without_format(c)},
        )
        for c in made.columns
    ]
    yield from contract_lines(made, made, 2, plain)
    if made.price:
        yield from indented({"price": plainly(made.price)}, 2)
    if made.licence:
        yield from indented({"licence": plainly(made.licence)}, 2)
    else:
        yield "  # on which terms is it offered? name and permissions"
        yield "  licence: {name: TODO, permissions: [TODO]}"
    yield "  # compliance: without a review the product is refused"


def without_format(column: Column) -> Any:  # Any: TypeOptions
    """Leave out how text is written, unless it says what the number is."""
    keep = column.logical_type == "integer" and column.options.format == "yuan"
    form = column.options.format if keep else None
    return column.options.model_copy(update={"format": form})


def contract_lines(
    terms: Source | Taken, made: Taken, depth: int, columns: Sequence[Column] = ()
) -> Iterator[str]:
    """Write key, copies, rules and columns."""
    own: dict[str, Any] = {"key": list(terms.key)}
    if made.keep:
        own["keep"] = made.keep
    if made.drop_repeats:
        own["drop_repeats"] = True
    if made.max_rejected_rate:
        own["max_rejected_rate"] = made.max_rejected_rate
    if rules := [plainly(rule) for rule in terms.quality]:
        own["quality"] = rules
    yield from indented(own, depth)
    yield f"{' ' * depth}columns:"
    for column in columns or terms.columns:
        yield from indented([plainly(column)], depth + 2)
        if asked := made.questions.get(column.name):
            yield (
                f"{' ' * (depth + 4)}classification: TODO  # the contract says"
                f" {quoted(asked)}: public, internal, personal or sensitive?"
            )


def plainly(terms: Terms) -> dict[str, Any]:  # Any: JSON
    """Write terms as a document does, and no more than was said."""
    said = terms.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude_none=True
    )
    if isinstance(terms, Column):
        rules = [plainly(rule) for rule in terms.quality]
        limits = plainly(terms.options)
        said |= {"quality": rules} if rules else {}
        said |= {"logicalTypeOptions": limits} if limits else {}
        said = {k: v for k, v in said.items() if v not in ({}, [])}
    return said


def indented(value: object, depth: int) -> Iterator[str]:
    """Write YAML below a key."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1_000)
    for line in text.splitlines():
        yield f"{' ' * depth}{line}"
