"""What a request to the exchange may end with, other than an answer. Pure.

RestError ─┬─ RateLimited    429: wait `retry_after` seconds
           ├─ Banned         418, 403: the same, for longer
           ├─ ServerError    5xx
           ├─ Unreachable    no connection, or no answer in time
           └─ WrongAnswer    an answer that can't be used
                └─ UnreadableRows  … because some of its rows can't be read
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from lakehouse.trade import Trade


class RestError(Exception):
    """A request without a usable answer. `reason` is short and stable, `detail` for people."""

    outcome: ClassVar[str] = "failed"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail[:200]


class RateLimited(RestError):
    """Too many requests; nothing may be asked for `retry_after` seconds."""

    outcome = "rate_limited"

    def __init__(self, retry_after: float, reason: str = "status_429") -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Banned(RestError):
    """This address is shut out for `retry_after` seconds."""

    outcome = "banned"

    def __init__(self, retry_after: float, reason: str = "status_418") -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class ServerError(RestError):
    """The exchange failed."""

    outcome = "server_error"


class Unreachable(RestError):
    """The exchange can't be reached, or did not answer in time."""

    outcome = "unreachable"


class WrongAnswer(RestError):
    """An answer that breaks what the exchange promises; none of it is used."""

    outcome = "wrong_answer"


class UnreadableRow(NamedTuple):
    """One row as it came, why it can't be read, and its id where that much is certain."""

    raw: bytes
    reason: str
    agg_id: int | None


class UnreadableRows(WrongAnswer):
    """Some rows can't be read; `trades` are the others, in order."""

    def __init__(self, trades: Sequence[Trade], rows: Sequence[UnreadableRow]) -> None:
        super().__init__("unreadable_row", rows[0].reason)
        self.trades = list(trades)
        self.rows = list(rows)
