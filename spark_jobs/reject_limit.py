"""When nearly everything that comes is being rejected: a reason to stop. Pure: no Spark, no clock.

Rows come in batches, and so does the window: the newest batches that together hold at least
REJECT_LIMIT_ROWS rows. Where fewer were seen, nothing is judged: twenty bad rows are no trend.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from lakehouse.errors import RejectLimitError

_MOST_NAMED = 3
Commonest = Callable[[], Mapping[str, int]]


class Judged(NamedTuple):
    """A batch: how many rows were judged, how many of them broke a rule."""

    rows: int
    failed: int


class RejectLimit:
    """Counts what was judged; `percent` and `rows` are the settings REJECT_LIMIT_*.

    `recent` are the batches of an earlier start, oldest first. With `rows` 0 nothing is ever
    refused.
    """

    def __init__(self, percent: int, rows: int, recent: Iterable[Judged] = ()) -> None:
        self._percent = percent
        self._least = rows
        self._window: deque[Judged] = deque()
        self._seen = Judged(0, 0)
        for batch in recent:
            self._add(batch)

    def check(self, rows: int, failed: int, commonest: Commonest = dict) -> None:
        """Count a batch before it is written; RejectLimitError where the limit is reached.

        `commonest` is asked only then: rule → rows of this batch, the commonest first. A refused
        batch is not counted: it comes again.
        """
        if not self._least or not rows:
            return
        before = self._window.copy(), self._seen
        self._add(Judged(rows, failed))
        # Without a bad row in it, a batch is not what the stream has to be kept from.
        if failed and self._reached():
            error = self._error(commonest())
            self._window, self._seen = before
            raise error

    def _add(self, batch: Judged) -> None:
        self._window.append(batch)
        rows, failed = self._seen.rows + batch.rows, self._seen.failed + batch.failed
        while rows - self._window[0].rows >= self._least > 0:
            oldest = self._window.popleft()
            rows, failed = rows - oldest.rows, failed - oldest.failed
        self._seen = Judged(rows, failed)

    def _reached(self) -> bool:
        rows, failed = self._seen
        return rows >= self._least and failed * 100 >= self._percent * rows

    def _error(self, commonest: Mapping[str, int]) -> RejectLimitError:
        rows, failed = self._seen
        first = list(commonest.items())[:_MOST_NAMED]
        named = ", ".join(f"{name} ({count:,})" for name, count in first)
        return RejectLimitError(
            f"{failed:,} of the last {rows:,} rows break a rule of quality"
            f"{f', in the newest batch most of all {named}' if named else ''}. "
            "Silver's stream stops before they fill the quarantine; nothing is lost, they are in "
            "Bronze.",
            "Mend the setting (KNOWN_SYMBOLS) or the writer that is wrong. To have the bad rows "
            "in quarantine and go on, start once with REJECT_LIMIT_ROWS=0 or a higher limit "
            "(docs/quality.md).",
        )
