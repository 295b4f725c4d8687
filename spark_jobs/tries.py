"""A write that others came before is tried again."""

from collections.abc import Callable
from typing import TypeVar

from spark_jobs import sinks

_T = TypeVar("_T")


def until_taken(table: str, attempt: Callable[[], _T]) -> _T:
    """The result of `attempt`, made anew after each Conflict; StackError where every try met one.

    An attempt looks at the table itself, as a Conflict says that it is not what it was.
    """
    for _ in range(sinks.MOST_TRIES):
        try:
            return attempt()
        except sinks.Conflict:
            continue
    raise sinks.crowded(table)
