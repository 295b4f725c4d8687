"""The Spark application: all streams in one by default, or any of them alone."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import structlog
from prometheus_client import ProcessCollector

from lakehouse.errors import FirehoseError
from spark_jobs import faults
from spark_jobs.jobs.crypto_bronze_aggtrade import BronzeJob
from spark_jobs.jobs.crypto_gold_minute import GoldJob
from spark_jobs.jobs.crypto_silver_trades import SilverJob
from spark_jobs.jobs.ops_audit import DeadLetterJob
from spark_jobs.jobs.ops_gap import GapJob
from spark_jobs.keeper import Keeper
from spark_jobs.maintenance.background import Maintainer
from spark_jobs.metrics import StreamFigures
from spark_jobs.metrics_server import serving
from spark_jobs.spike_sender import Sender
from spark_jobs.stream import Context, Job

# In the order of the data: draining the first, then the next, leaves nothing between them.
JOBS: dict[str, Callable[[Context], Job]] = {
    BronzeJob.name: BronzeJob,
    DeadLetterJob.name: DeadLetterJob,
    SilverJob.name: SilverJob,
    GoldJob.name: GoldJob,
    GapJob.name: GapJob,
}
FROM_KAFKA = frozenset({BronzeJob.name, DeadLetterJob.name, GapJob.name})
_POLL_SECONDS = 0.2
# Spark waits for a batch under way for a minute (spark.sql.streaming.stopTimeout).
_STOP_SECONDS = 70.0
log = structlog.get_logger(__name__)


class Application:
    """Runs streams until told to stop (SIGTERM, SIGINT) or to finish what is there (SIGUSR1)."""

    def __init__(self, context: Context, names: Sequence[str]) -> None:
        self._context = context
        self._keepers = [Keeper(context, name, JOBS[name]) for name in names]
        # Whoever enters spikes tells of them.
        telling = GoldJob.name in names and context.settings.spike_webhook_url.get_secret_value()
        self._sender = Sender(context) if telling else None
        self._maintainer = Maintainer(context) if context.settings.maintain_seconds else None
        self._stop = threading.Event()
        self._drain = threading.Event()
        self._drained = threading.Event()

    def listen(self) -> None:
        """Take the signals; only the main thread may."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGUSR1, self._on_drain)

    def run(self) -> None:
        """Start the streams, say so, and stay until they end.

        A stream that fails is started again, alone. Raises the error of one that no new start
        would mend, and of a lease that was lost; UnreachableError where the lake is away at the
        start.
        """
        with self._measured(), self._lineage():
            with self._kept():
                self._context.status.open()
                jobs = [keeper.name for keeper in self._keepers]
                log.info("streams_started", jobs=jobs, run_id=self._context.run_id)
                self._stay()
            self._raise_failure()
        log.info("streams_stopped")

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """The streams, each with a thread that keeps it; all have ended afterwards."""
        threads = []
        try:
            for keeper in self._keepers:
                self._begin(keeper)
                threads.append(_background(keeper.keep, self._stop))
            if self._sender is not None:
                threads.append(_background(self._sender.keep, self._stop))
            if self._maintainer is not None:
                threads.append(_background(self._maintainer.keep, self._stop))
            yield
        finally:
            self._stop.set()
            if self._maintainer is not None:
                self._maintainer.cut_short()
            for thread in threads:
                thread.join(_STOP_SECONDS)

    @contextmanager
    def _measured(self) -> Iterator[None]:
        """Figures are to be had at the port that the status file tells."""
        registry, settings = self._context.registry, self._context.settings
        registry.register(StreamFigures(self._context, self._keepers))
        ProcessCollector(registry=registry)
        with serving(registry, settings.metrics_host, settings.spark_metrics_port) as port:
            self._context.status.metrics_on(port)
            yield

    @contextmanager
    def _lineage(self) -> Iterator[None]:
        """OpenLineage hears of this run and of the streams', to their end."""
        lineage = self._context.lineage
        if lineage is None:
            yield
            return
        self._context.registry.register(lineage)
        with lineage.sending():
            yield

    def _begin(self, keeper: Keeper) -> None:
        try:
            keeper.start()
        except FirehoseError:
            raise
        except Exception as error:
            found = faults.final(keeper.name, error)
            raise (found or faults.unreachable(self._context.settings, error)) from error

    def _stay(self) -> None:
        draining = False
        while not self._stop.wait(_POLL_SECONDS) and not self._drained.is_set():
            self._raise_failure()
            if self._drain.is_set() and not draining:
                draining = True
                _background(self._work_off)

    def _work_off(self) -> None:
        """Wait until every stream has done what its source holds, one layer after the other."""
        # Gaps stand in no layer, and their stream looks for its end only every few seconds:
        # meanwhile the layers get on.
        aside = [keeper for keeper in self._keepers if keeper.name == GapJob.name]
        waiting = [_background(keeper.work_off, self._stop) for keeper in aside]
        for keeper in self._keepers:
            if keeper not in aside:
                keeper.work_off(self._stop)
        for thread in waiting:
            thread.join()
        if self._sender is not None:
            self._sender.work_off(self._stop)
        if (lineage := self._context.lineage) is not None:
            lineage.drained = not self._stop.is_set()
        self._drained.set()

    def _raise_failure(self) -> None:
        lease = self._context.lease
        failures = [lease.error if lease else None, *(each.failure for each in self._keepers)]
        for failure in filter(None, failures):
            raise failure

    def _on_stop(self, number: int, _frame: FrameType | None) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        self._stop.set()

    def _on_drain(self, _number: int, _frame: FrameType | None) -> None:
        log.info("draining")
        self._drain.set()


def _background(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread
