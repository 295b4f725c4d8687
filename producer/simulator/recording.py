"""Recorded frames: files read line by line and merged by time, byte for byte.

A line is one frame, optionally preceded by its receive time in ns and a space. The memory a
recording needs does not grow with its files.
"""

import gzip
import heapq
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, cast

from lakehouse.errors import SettingsError, UnreadableError
from lakehouse.exchanges import binance
from lakehouse.trade import Trade
from producer.simulator import frames
from producer.simulator.frames import Frame

_RECEIVED: Final = re.compile(rb"[0-9]{16,19} ")
_STREAM: Final = re.compile(rb'\{"stream":"([^"\\]{1,200})","data":')
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LATEST_MS: Final = 100_000_000_000_000
_SUFFIX: Final = "@aggTrade"


class Scan(NamedTuple):
    """What a first pass over the files found."""

    frames: int
    blank_lines: int
    symbols: tuple[str, ...]


class Recorded(NamedTuple):
    """One recorded frame, and the trade it carries if it is one."""

    frame: Frame
    trade: Trade | None


def scan(paths: Sequence[Path]) -> Scan:
    """Count the frames and name the symbols; SettingsError where a file can't be read."""
    total, blank = 0, 0
    symbols: dict[str, None] = {}
    for path in paths:
        for line in _lines(path):
            if not line.strip():
                blank += 1
                continue
            total += 1
            _note_symbol(line, symbols)
    return Scan(total, blank, tuple(symbols))


def merged(paths: Sequence[Path]) -> Iterator[Recorded]:
    """All frames of the files by time; inside each file the order stays as recorded."""
    return heapq.merge(*(_timed(path) for path in paths), key=lambda item: item.frame.due)


def read_line(line: bytes, before: int) -> Recorded:
    """One line without its line end, as a frame; `before` is the time (µs) of the line above."""
    match = _RECEIVED.match(line)
    payload = line[match.end() :] if match else line
    content = _json(payload)
    if content is None:
        return Recorded(frames.unnamed(payload, before), None)
    trade = _trade(content)
    # A garbled time must not carry the frames below it to the end of the recording.
    due = max(before, _event_time(content)) if trade else before
    stream = content.get("stream")
    # Without an @ it is no stream that anyone could have subscribed to: garbage, for everyone.
    if not isinstance(stream, str) or "@" not in stream or "data" not in content:
        return Recorded(frames.unnamed(payload, due, readable=trade is not None), trade)
    symbol, agg_id = (trade.symbol, trade.agg_id) if trade else ("", -1)
    wire = frames.message(payload)
    return Recorded(Frame(due, stream, payload, wire, symbol, agg_id, trade is not None), trade)


def _timed(path: Path) -> Iterator[Recorded]:
    due = 0
    for line in _lines(path):
        if line.strip():
            recorded = read_line(line, due)
            due = recorded.frame.due
            yield recorded


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with _open(path) as file:
            for line in file:
                yield line.removesuffix(b"\n")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SettingsError(
            f"{path} is no whole gzip file.", "Download or copy it again."
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(f"{path} can't be read: {reason}.", "Check the path.") from None


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
    return cast(BinaryIO, gzip.open(path, "rb")) if packed else path.open("rb")


def _json(payload: bytes) -> dict[str, Any] | None:
    try:
        return binance.parse_frame(payload)
    except UnreadableError:
        return None


def _trade(content: dict[str, Any]) -> Trade | None:
    try:
        return binance.parse_trade(binance.event_of(content), 0, "simulated")
    except UnreadableError:
        return None


def _event_time(content: dict[str, Any]) -> int:
    """The event time in µs; 0 where there is none that a clock could show."""
    event = content.get("data", content)
    time = event.get("E") if isinstance(event, dict) else None
    if type(time) is not int or not 0 < time < _LATEST_MS * 1000:
        return 0
    return binance.micros(time)


def _note_symbol(line: bytes, symbols: dict[str, None]) -> None:
    if match := _STREAM.search(line, 0, 240):
        name = match[1].decode(errors="replace")
        if name.endswith(_SUFFIX):
            symbols[name.removesuffix(_SUFFIX).upper()] = None
    elif b'"aggTrade"' in line and (trade := read_line(line, 0).trade):
        symbols[trade.symbol] = None
