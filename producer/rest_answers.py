"""Reads the body of an aggTrades answer: all of it, or the reason why not. Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import orjson

from lakehouse.errors import UnreadableError
from lakehouse.exchanges.binance import parse_rest_trade
from lakehouse.exchanges.binance_quick import rest_trades_of
from lakehouse.trade import Trade
from producer.rest_errors import UnreadableRow, UnreadableRows, WrongAnswer

Read = Trade | UnreadableError


class _Around(NamedTuple):
    """The nearest ids that can be read, and a row's place among those between that can't."""

    below: int
    above: int | None
    place: int
    unreadable: int


def read_agg_trades(
    body: bytes, symbol: str, from_id: int, limit: int, ingest_time: int
) -> list[Trade]:
    """The trades of an answer to `fromId` and `limit`, ids strictly ascending.

    `ingest_time` is µs UTC. WrongAnswer where the body is none; UnreadableRows where single rows
    can't be read and all others are as they must be.
    """
    quick = rest_trades_of(body, symbol, ingest_time)
    if quick is not None and len(quick) <= limit:
        _check_ids([trade.agg_id for trade in quick], from_id)
        return quick
    return _read_fully(body, symbol, from_id, limit, ingest_time)


def _read_fully(
    body: bytes, symbol: str, from_id: int, limit: int, ingest_time: int
) -> list[Trade]:
    rows = _rows(body, limit)
    read = [_read(symbol, row, ingest_time) for row in rows]
    trades = [trade for trade in read if isinstance(trade, Trade)]
    _check_ids([trade.agg_id for trade in trades], from_id)
    if len(trades) < len(rows):
        raise UnreadableRows(trades, list(_unreadable(rows, read, from_id)))
    return trades


def _rows(body: bytes, limit: int) -> list[Any]:
    try:
        rows = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise WrongAnswer("not_json") from None
    if not isinstance(rows, list):
        raise WrongAnswer("not_a_list")
    if len(rows) > limit:
        raise WrongAnswer("too_many_rows")
    return rows


def _read(symbol: str, row: Any, ingest_time: int) -> Read:
    try:
        return parse_rest_trade(symbol, row, ingest_time)
    except UnreadableError as error:
        return error


def _check_ids(ids: Sequence[int], from_id: int) -> None:
    if ids and ids[0] < from_id:
        raise WrongAnswer("id_below_from")
    if any(first >= second for first, second in pairwise(ids)):
        raise WrongAnswer("ids_not_ascending")


def _unreadable(rows: Sequence[Any], read: Sequence[Read], from_id: int) -> Iterator[UnreadableRow]:
    """Each unreadable row, with the id that it says, or that its place among others leaves."""
    for place, error in enumerate(read):
        if isinstance(error, UnreadableError):
            around = _around(read, place, from_id)
            yield UnreadableRow(
                orjson.dumps(rows[place]), error.reason, _certain_id(rows[place], around)
            )


def _around(read: Sequence[Read], place: int, from_id: int) -> _Around:
    first = last = place
    while first > 0 and isinstance(read[first - 1], UnreadableError):
        first -= 1
    while last + 1 < len(read) and isinstance(read[last + 1], UnreadableError):
        last += 1
    below = _id_at(read, first - 1)
    return _Around(
        from_id - 1 if below is None else below,
        _id_at(read, last + 1),
        place - first + 1,
        last - first + 1,
    )


def _id_at(read: Sequence[Read], place: int) -> int | None:
    trade = read[place] if 0 <= place < len(read) else None
    return trade.agg_id if isinstance(trade, Trade) else None


def _certain_id(row: Any, around: _Around) -> int | None:
    """The id that a row says where that can be; or the one that its place leaves."""
    by_place = around.below + around.place
    if around.above is not None and around.above - around.below == around.unreadable + 1:
        return by_place
    said = row.get("a") if isinstance(row, dict) else None
    if type(said) is not int:
        return None
    if around.above is None:  # nothing above confirms a jump
        return said if said == by_place else None
    return said if around.below < said < around.above else None
