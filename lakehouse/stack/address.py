"""Where people find a part of the stack, and the table of it that `up` prints."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Address:
    """One part: its name, where it listens, what is there."""

    name: str
    url: str
    what: str


def table(found: Sequence[Address]) -> Table:
    """For people, in the order given."""
    drawn = Table("part", "address", "what", box=None, header_style="dim")
    for each in found:
        drawn.add_row(each.name, Text(each.url, style="bold"), Text(each.what))
    return drawn
