"""Gold's rows from before the warm snapshot: read from the files by DuckDB, a few at a time."""

import asyncio
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import duckdb

from lakehouse.api.blocks import Key
from lakehouse.api.columns import Row, rows
from lakehouse.api.instants import MINUTE_MICROS
from lakehouse.api.problems import ProblemError
from lakehouse.duck import as_user_error, connect, use_s3
from lakehouse.errors import FirehoseError
from lakehouse.settings import Settings

READERS: Final = 2
MOST_WAITING: Final = 8
TIMEOUT_SECONDS: Final = 10.0
_MINUTES: Final = """
SELECT * FROM iceberg_scan({source})
WHERE exchange = $exchange AND symbol = $symbol
  AND minute_ts >= make_timestamptz($first) AND minute_ts <= make_timestamptz($last)
ORDER BY minute_ts LIMIT $limit
"""
_SPIKES: Final = """
SELECT * FROM iceberg_scan({source})
WHERE spike AND minute_ts >= make_timestamptz($first) AND minute_ts <= make_timestamptz($last)
  AND ($symbol = '' OR symbol = $symbol) AND ($exchange = '' OR exchange = $exchange)
  AND (minute_ts < make_timestamptz($last) OR exchange > $after_exchange
       OR (exchange = $after_exchange AND symbol > $after_symbol))
ORDER BY minute_ts DESC, exchange, symbol LIMIT $limit
"""


class History:
    """Reads at one table's metadata file; a DuckDB session for each of its threads."""

    def __init__(self, settings: Settings, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._settings, self._timeout = settings, timeout_seconds
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="history")
        self._local = threading.local()
        self._under_way = 0
        self._spill = tempfile.TemporaryDirectory(prefix="firehose-api-")

    async def minutes(
        self, location: str, key: Key, first: int, last: int, limit: int
    ) -> Sequence[Row]:
        """A symbol's rows from minute `first` to `last` (since 1970), oldest first."""
        values = {**key._asdict(), **_bounds(first, last, limit)}
        return await self._ask(_MINUTES, location, values)

    async def spikes(
        self, location: str, key: Key, first: int, last: int, after: Key, limit: int
    ) -> Sequence[Row]:
        """Spikes of these minutes, newest first; an empty exchange or symbol means any.

        Of the minute `last` only those whose key comes after `after`.
        """
        values = {**key._asdict(), **_bounds(first, last, limit)}
        values |= {"after_exchange": after.exchange, "after_symbol": after.symbol}
        return await self._ask(_SPIKES, location, values)

    def close(self) -> None:
        """End the threads; what they read is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._spill.cleanup()

    async def _ask(self, sql: str, location: str, values: Mapping[str, object]) -> Sequence[Row]:
        if self._under_way >= READERS + MOST_WAITING:
            detail = "Too many questions about older minutes are waiting."
            raise ProblemError(503, "busy", detail, retry_after=2)
        self._under_way += 1
        try:
            query = _Query(sql.format(source=_literal(location)), values)
            return await self._in_time(query)
        finally:
            self._under_way -= 1

    async def _in_time(self, query: "_Query") -> Sequence[Row]:
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)
        try:
            return await asyncio.wait_for(asyncio.shield(work), self._timeout)
        except TimeoutError:
            query.interrupt()
            detail = f"The older minutes could not be read within {self._timeout:g} s."
            raise ProblemError(503, "history_timeout", detail, retry_after=5) from None
        except FirehoseError:
            detail = "The files of the older minutes can't be read now."
            raise ProblemError(503, "lake_unreachable", detail, retry_after=5) from None

    def _run(self, query: "_Query") -> Sequence[Row]:
        try:
            return query.run(self._session())
        except duckdb.Error as error:
            raise as_user_error(error) from None

    def _session(self) -> duckdb.DuckDBPyConnection:
        if not hasattr(self._local, "session"):
            self._local.session = connect(Path(self._spill.name))
            if self._settings.warehouse.startswith("s3"):
                use_s3(self._local.session, self._settings)
        session: duckdb.DuckDBPyConnection = self._local.session
        return session


class _Query:
    """One question, which another thread may interrupt, before it has begun or after."""

    def __init__(self, sql: str, values: Mapping[str, object]) -> None:
        self._sql, self._values = sql, values
        self._lock = threading.Lock()
        self._given_up = False
        self._session: duckdb.DuckDBPyConnection | None = None

    def run(self, session: duckdb.DuckDBPyConnection) -> Sequence[Row]:
        with self._lock:
            if self._given_up:
                return []
            self._session = session
        try:
            return rows(session.execute(self._sql, self._values).to_arrow_table())
        finally:
            with self._lock:
                self._session = None

    def interrupt(self) -> None:
        with self._lock:
            self._given_up = True
            if self._session is not None:
                self._session.interrupt()


def _bounds(first: int, last: int, limit: int) -> dict[str, object]:
    # make_timestamptz takes microseconds.
    return {"first": first * MINUTE_MICROS, "last": last * MINUTE_MICROS, "limit": limit}


def _literal(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
