"""The query of a REST request, checked as the exchange checks it. Pure."""

import re
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

DEFAULT_LIMIT: Final = 500
MAX_LIMIT: Final = 1000
_SYMBOL: Final = re.compile(r"[A-Z0-9\-_.]{1,20}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class ApiError(Exception):
    """What the exchange answers with status 400: its code and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Query(NamedTuple):
    """A request for trades or candles. `start` and `end` are µs UTC, both included."""

    symbol: str
    from_id: int | None
    start: int | None
    end: int | None
    limit: int


def read_query(params: Mapping[str, str], symbols: Collection[str]) -> Query:
    """The query; ApiError where the exchange would refuse it."""
    symbol = _symbol(params.get("symbol", ""), symbols)
    from_id, limit = _number(params, "fromId"), _number(params, "limit")
    start, end = _number(params, "startTime"), _number(params, "endTime")
    if from_id is not None and (start is not None or end is not None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    if limit == 0:
        raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
    if start is not None and end is not None and start > end:
        raise ApiError(-1127, "End time is before start time.")
    return Query(
        symbol,
        from_id,
        None if start is None else start * 1000,
        None if end is None else end * 1000 + 999,
        min(DEFAULT_LIMIT if limit is None else limit, MAX_LIMIT),
    )


def _symbol(name: str, symbols: Collection[str]) -> str:
    if not name:
        text = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
        raise ApiError(-1102, text)
    if not _SYMBOL.fullmatch(name):
        legal = "legal range is '^[A-Z0-9-_.]{1,20}$'"
        raise ApiError(-1100, f"Illegal characters found in parameter 'symbol'; {legal}.")
    if name not in symbols:
        raise ApiError(-1121, "Invalid symbol.")
    return name


def _number(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        legal = "legal range is '^[0-9]{1,20}$'"
        raise ApiError(-1100, f"Illegal characters found in parameter '{name}'; {legal}.")
    return int(text)
