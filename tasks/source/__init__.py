"""Open delimited text as text and typed columns, losing no line."""

from tasks.source.opening import open_text

__all__ = ["open_text"]
