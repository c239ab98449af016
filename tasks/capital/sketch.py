"""Stand-in while the sketch is built."""


def overlap(_a: str, _b: str) -> int:
    return 0
