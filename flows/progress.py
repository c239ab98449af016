"""Follow a run by its log records: a live line, and a list of what was done."""

import logging
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from schemas.artifact import Published


class Progress(logging.Handler):
    """Show which stage works and for how long; keep what each one published."""

    def __init__(self, console: Console, quiet: bool) -> None:
        super().__init__(logging.DEBUG)
        self.console = console
        self.quiet = quiet
        self.done: list[tuple[str, Published, float]] = []
        self.notes: list[str] = []
        columns = (SpinnerColumn(), TextColumn("{task.description}"))
        self.bar = Bar(*columns, TimeElapsedColumn(), console=console, transient=True)
        self.now = self.bar.add_task("reading the document")

    def __enter__(self) -> "Progress":
        logger = logging.getLogger("datafactor")
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addHandler(self)
        if not self.quiet:
            self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()
        logging.getLogger("datafactor").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record of the seam: a stage begins, or has published."""
        if record.levelno >= logging.WARNING:
            self.note(record.getMessage())
            return
        title = getattr(record, "stage_title", record.getMessage())
        published = getattr(record, "published", None)
        if published is None:
            self.bar.reset(self.now, description=escape(title))
            return
        self.done.append((title, published, getattr(record, "seconds", 0.0)))
        if not self.quiet:
            self.console.print(f"  {record.getMessage()}", markup=False)

    def note(self, said: str) -> None:
        """Keep what a person should know of a run that went well."""
        self.notes.append(said)
        if not self.quiet:
            self.console.print(f"  note: {said}", markup=False)

    def data(self) -> list[dict[str, Any]]:  # Any: JSON
        """List the stages for ``--json``."""
        return [
            {
                "stage": title,
                "run": published.run,
                "reused": published.reused,
                "artifacts": {n: r.id for n, r in published.refs.items()},
                "balances": [b.model_dump() for b in published.publication.balances],
            }
            for title, published, _ in self.done
        ]
