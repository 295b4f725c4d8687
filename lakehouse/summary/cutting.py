"""Texts made to fit a channel's limits, never without a mark. Pure."""

from collections.abc import Iterable
from typing import Final

MORE: Final = "…"


def cut(text: str, most: int) -> str:
    """The text, or as much of it as fits, ending in `…`."""
    return text if len(text) <= most else text[: most - len(MORE)] + MORE


def chunks(lines: Iterable[str], most: int) -> list[list[str]]:
    """The lines in groups that each fit when joined by line ends; a line that is longer is cut."""
    found: list[list[str]] = []
    room = 0
    for line in (cut(each, most) for each in lines):
        if not found or room < len(line) + 1:
            found.append([])
            room = most + 1
        found[-1].append(line)
        room -= len(line) + 1
    return found
