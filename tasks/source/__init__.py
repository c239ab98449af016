"""Open raw tables as text, losing no line."""

from tasks.source.opening import Text, open_text

__all__ = ["Text", "open_text"]
