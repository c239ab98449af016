"""Open raw tables as text, losing no line."""

from tasks.source.digests import is_packed, member_digests
from tasks.source.opening import Text, open_text

__all__ = ["Text", "is_packed", "member_digests", "open_text"]
