"""How a span of hours is cut into pieces, each a commit of its own. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lakehouse.spans import in_words

# A piece of this many rows needs a minute or two, and little memory.
MOST_ROWS = 4_000_000
MOST_HOURS = 24


class Hours(NamedTuple):
    """The hours from `first` up to `end`, which is the first one outside; counted since 1970."""

    first: int
    end: int

    def __contains__(self, hour: object) -> bool:
        return isinstance(hour, int) and self.first <= hour < self.end

    def __str__(self) -> str:
        return f"{in_words(self.first)} – {in_words(self.end)}"


def cut(
    rows: Mapping[int, int], most_rows: int = MOST_ROWS, most_hours: int = MOST_HOURS
) -> Iterator[Hours]:
    """The hours that have `rows`, oldest first, joined up to `most_rows` and `most_hours` of them.

    Hours without rows between two of a piece are part of it.
    """
    held: list[int] = []
    total = 0
    for hour in sorted(rows):
        if held and (total + rows[hour] > most_rows or len(held) >= most_hours):
            yield Hours(held[0], held[-1] + 1)
            held, total = [], 0
        held.append(hour)
        total += rows[hour]
    if held:
        yield Hours(held[0], held[-1] + 1)
