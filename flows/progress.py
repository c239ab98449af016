"""Follow a run by its log records: a live line, and a list of what was done."""

import logging
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from schemas.artifact import Published


class Progress(logging.Handler):
    """Show which stage works and for how long; keep what each one published."""

    def __init__(self, console: Console, quiet: bool) -> None:
        super().__init__(logging.DEBUG)
        self.console = console
        self.quiet = quiet
        self.done: list[tuple[str, Published, float]] = []
        self.status = Status("reading the document", console=console)
        self.begun = time.monotonic()

    def __enter__(self) -> "Progress":
        logger = logging.getLogger("datafactor")
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addHandler(self)
        if not self.quiet:
            self.status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.status.stop()
        logging.getLogger("datafactor").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record of the seam: a stage begins, or has published."""
        published = getattr(record, "published", None)
        if published is None:
            self.status.update(escape(f"{record.stage_title} …"))  # type: ignore[attr-defined]  # set by the seam
            return
        self.done.append((record.stage_title, published, record.seconds))  # type: ignore[attr-defined]  # set by the seam
        if not self.quiet:
            self.console.print(f"  {record.getMessage()}", markup=False)

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
