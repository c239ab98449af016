"""One history for both databases, run from code on first use."""

HEAD = "0005"
