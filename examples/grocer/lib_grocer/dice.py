"""Numbers that look drawn by chance and are the same on every machine and in every run."""

import zlib


def roll(*parts: object, sides: int) -> int:
    """A number from 0 to sides - 1 that depends on the parts only."""
    return zlib.crc32("|".join(map(str, parts)).encode()) % sides
