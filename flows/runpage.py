"""Gather what a flow made, and write its summary where Prefect shows the run."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, cast
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture

from flows.ended import attempt
from flows.summary import STAGES, Chain, lines, next_commands, traced
from schemas.artifact import ArtifactRef
from schemas.factor import Factor
from tasks.stage.show import artifact_key
from tasks.store import Node

DOZEN = 12  # parts of a source or a resource; with fewer the boxes show it


def summarize(terms: Factor, as_of: date, results: tuple[Any, ...]) -> Chain:
    """Gather the refs of each stage; on a run page, write the summary there.

    Args:
        results: What the five stages returned: refs, dicts of refs, futures, or None.
    """
    frames = {
        stage: refs_of(stage, result)
        for stage, result in zip(STAGES, results, strict=True)
        if result is not None
    }
    chart = terms.asset.accounts if terms.asset else {}
    chain = Chain(terms.factor, terms.title, as_of, terms.illustrative, frames, chart)
    if FlowRunContext.get() is not None:
        create_markdown_artifact(
            key=f"{terms.factor}-summary", markdown=markdown(chain)
        )
    return chain


def refs_of(stage: str, result: Any) -> dict[str, ArtifactRef]:
    """Flatten what a stage task returned."""
    if isinstance(result, PrefectFuture):
        return refs_of(stage, result.result())
    if isinstance(result, ArtifactRef):
        return {result.name: result}
    found: dict[str, ArtifactRef] = {}
    for name, value in result.items():
        is_ref = isinstance(value, ArtifactRef)
        found |= {name: value} if is_ref else refs_of(stage, value)
    return found


def markdown(chain: Chain) -> str:
    """Write the run summary: counts, value, loan, lineage, ids, next commands."""
    rows = "\n".join(f"| {stage} | {text} |" for stage, text in lines(chain))
    ids = "\n".join(
        f"| {stage}/{name} | {rows_of(ref)} | `{ref.id[:16]}` |"
        for stage, refs in chain.frames.items()
        for name, ref in refs.items()
    )
    commands = "\n".join(f"    {command}" for command in next_commands(chain))
    return f"""# {chain.title}

**{chain.factor}** as of {chain.as_of}{attempt()}.
Amounts of money are what the document assumes.

| stage | what it holds |
|---|---|
{rows}

```mermaid
{mermaid(chain)}
```

| artifact | rows | id in the store |
|---|---|---|
{ids}

What to ask next:

{commands}
"""


def rows_of(made: ArtifactRef | Node) -> str:
    """Say how many rows an artifact has; raw bytes have not been read yet."""
    return "raw bytes" if made.kind == "raw" else f"{made.rows:,} rows"


def mermaid(chain: Chain) -> str:
    """Draw the lineage of the last artifact."""
    nodes = traced(chain)
    drawn = ["graph LR"]
    drawn += [f'  n{n.id[:10]}["{n.frame}<br/>{rows_of(n)}"]' for n in nodes]
    drawn += [
        f"  n{parent[:10]} --> n{n.id[:10]}" for n in nodes for parent in n.parents
    ]
    return "\n".join(drawn)


def gathered(
    begun: Sequence[Any], sizes: Sequence[int] = (), factor: str = "", task: str = ""
) -> Iterator[Any]:  # Any: what a task returns, or its future
    """Wait for chunks of parts, and show on the run page how many parts are done.

    Args:
        begun: What the chunks return, in their order.
        sizes: How many parts each holds; above a dozen in all there is a bar.
        factor: Whose parts they are.
        task: What is done with them.
    """
    total, done = sum(sizes), 0
    shows = FlowRunContext.get() is not None and total > DOZEN
    key, said = artifact_key(factor, f"{task} progress"), f"{task}: {total:,} parts"
    made = create_progress_artifact(0.0, key, said) if shows else None
    bar = cast(UUID | None, made)  # a coroutine only where a flow is one
    for number, one in enumerate(begun):
        yield one.result() if isinstance(one, PrefectFuture) else one
        if bar:
            done += sizes[number]
            said = f"{task}: {done:,} of {total:,} parts"
            update_progress_artifact(bar, 100 * done / total, said)
