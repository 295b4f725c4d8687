"""JSON logs on stderr with a run id, and a bound on how often a line repeats."""

import logging
import sys
import uuid

import orjson
import structlog

Log = structlog.typing.FilteringBoundLogger


def configure(level: str) -> Log:
    """Set structlog up for this process; every line carries this run's id."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    log: Log = structlog.get_logger(part="producer", run_id=uuid.uuid4().hex[:12])
    return log


class LibraryLog(logging.Handler):
    """Takes librdkafka's log lines into ours, one per message and window of `seconds`."""

    def __init__(self, log: Log, seconds: float = 30.0) -> None:
        super().__init__()
        self._log = log
        self._limit = Limit(seconds)

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        told = self._limit.ask(text.split("|")[0], record.created)
        if told is not None:
            self._log.warning("kafka_client", detail=text[:300], unsaid=told)

    def logger(self) -> logging.Logger:
        """A logger that writes here and nowhere else."""
        logger = logging.Logger("librdkafka")
        logger.addHandler(self)
        return logger


class Limit:
    """Lets a line through once per window; says how many were held back since."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def ask(self, key: str, now: float) -> int | None:
        """None: don't say it. A number: say it, so many like it were not said before."""
        if now < self._next.get(key, float("-inf")):
            self._held[key] = self._held.get(key, 0) + 1
            return None
        self._next[key] = now + self._seconds
        return self._held.pop(key, 0)
