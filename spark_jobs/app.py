"""The Spark application: all streams in one by default, or any of them alone."""

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import structlog
from pyspark.sql.streaming.query import StreamingQuery

from lakehouse.errors import StackError
from spark_jobs.jobs.crypto_bronze_aggtrade import BronzeJob
from spark_jobs.jobs.crypto_gold_minute import GoldJob
from spark_jobs.jobs.crypto_silver_trades import SilverJob
from spark_jobs.jobs.ops_audit import DeadLetterJob
from spark_jobs.jobs.ops_gap import GapJob
from spark_jobs.stream import Context, Job, start

# In the order of the data: draining the first, then the next, leaves nothing between them.
JOBS: dict[str, Callable[[Context], Job]] = {
    BronzeJob.name: BronzeJob,
    DeadLetterJob.name: DeadLetterJob,
    SilverJob.name: SilverJob,
    GoldJob.name: GoldJob,
    GapJob.name: GapJob,
}
FROM_KAFKA = frozenset({BronzeJob.name, DeadLetterJob.name, GapJob.name})
_POLL_SECONDS = 0.5
log = structlog.get_logger(__name__)


class Application:
    """Runs streams until told to stop (SIGTERM, SIGINT) or to finish what is there (SIGUSR1)."""

    def __init__(self, context: Context, names: Sequence[str]) -> None:
        self._context = context
        self._names = names
        self._stop = threading.Event()
        self._drain = threading.Event()

    def listen(self) -> None:
        """Take the signals; only the main thread may."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGUSR1, self._on_drain)

    def run(self) -> None:
        """Start the streams, say so, and stay until they end; StackError where one failed."""
        queries = [start(self._context, JOBS[name](self._context)) for name in self._names]
        self._context.status.write()
        log.info("streams_started", jobs=list(self._names), run_id=self._context.run_id)
        while not self._stop.is_set() and not self._drain.is_set():
            _raise_failure(queries)
            self._stop.wait(_POLL_SECONDS)
        if self._drain.is_set():
            drain(queries)
        for query in queries:
            query.stop()
        log.info("streams_stopped")

    def _on_stop(self, number: int, _frame: FrameType | None) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        self._stop.set()

    def _on_drain(self, _number: int, _frame: FrameType | None) -> None:
        log.info("draining")
        self._drain.set()


def drain(queries: Sequence[StreamingQuery]) -> None:
    """Wait until every query has worked off what its source holds, one layer after the other."""
    # Gaps stand in no layer, and their stream looks for its end only every few seconds: meanwhile
    # the layers get on.
    aside = [query for query in queries if query.name == GapJob.name]
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = [pool.submit(_work_off, query) for query in aside]
        for query in queries:
            if query not in aside:
                _work_off(query)
        for each in waiting:
            each.result()


def _work_off(query: StreamingQuery) -> None:
    try:
        query.processAllAvailable()
    except Exception:
        _raise_failure([query])
        raise


def _raise_failure(queries: Sequence[StreamingQuery]) -> None:
    for query in queries:
        error = query.exception()
        if error is not None:
            reason = str(error).strip().splitlines()[0]
            raise StackError(f"The stream {query.name} failed: {reason}", "Its log has the rest.")
        if not query.isActive:
            raise StackError(f"The stream {query.name} ended by itself.", "Its log has the rest.")
