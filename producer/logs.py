"""JSON logs on stderr: one line an event, with this run's id; see log_lines.py for their bounds.

`begin` is for a process of its own: what libraries log and what nobody caught become lines of
the same kind.
"""

import atexit
import logging
import re
import sys
import threading
import time
import uuid
from collections.abc import Iterable
from types import TracebackType
from typing import Final
from urllib.parse import unquote, urlsplit

import orjson
import structlog
from pydantic import SecretStr

from lakehouse.settings import Settings
from producer.log_lines import Clean, Flood, Limit

__all__ = ["RUN_ID", "LibraryLog", "Limit", "Log", "StandardLog", "begin", "configure"]

Log = structlog.typing.FilteringBoundLogger

RUN_ID: Final = uuid.uuid4().hex[:12]
_LIBRARY_SECONDS: Final = 10.0


def configure(level: str, secrets: Iterable[str] = ()) -> Log:
    """Set structlog up for this process; every line carries this run's id, none a secret."""
    _configure(level, Clean(secrets), Flood(time.monotonic))
    log: Log = structlog.get_logger(part="producer", run_id=RUN_ID)
    return log


def begin(settings: Settings) -> Log:
    """As `configure`, and take over what asyncio, aiohttp, picows, warnings and threads report.

    An exception that nobody caught is one line as well. What was held back and not told of until
    the end is told at exit.
    """
    flood = Flood(time.monotonic)
    _configure(settings.log_level, Clean(secrets_of(settings)), flood)
    log: Log = structlog.get_logger(part="producer", run_id=RUN_ID)
    logging.captureWarnings(True)
    logging.root.handlers[:] = [StandardLog(log)]
    logging.root.setLevel(logging.WARNING)
    _catch_uncaught(log)
    atexit.register(_tell_untold, flood, log)
    return log


def secrets_of(settings: Settings) -> set[str]:
    """Every secret value of the settings, passwords in addresses included."""
    found = {value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)}
    for _, value in settings:
        if isinstance(value, str) and "://" in value and "@" in value:
            password = _password(value)
            found |= {password, unquote(password)}
    return found - {""}


class LibraryLog(logging.Handler):
    """Takes librdkafka's log lines into ours, one per message and window of `seconds`."""

    def __init__(self, log: Log, seconds: float = 30.0) -> None:
        super().__init__()
        self._log = log
        self._limit = Limit(seconds)

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        # Without figures: how long a try took and which client it was makes no other message.
        told = self._limit.ask(re.sub(r"\d+", "", text), record.created)
        if told is not None:
            self._log.warning("kafka_client", detail=text[:300], unsaid=told)

    def logger(self) -> logging.Logger:
        """A logger that writes here and nowhere else."""
        logger = logging.Logger("librdkafka")
        logger.addHandler(self)
        return logger


class StandardLog(logging.Handler):
    """Takes the standard library's log records into ours: one per logger, message and window."""

    def __init__(self, log: Log, seconds: float = _LIBRARY_SECONDS) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._limit = Limit(seconds)

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record with its level; `library` names who wrote it."""
        # The template, not the text: a message with a counter in it is still the same message.
        told = self._limit.ask(f"{record.name} {str(record.msg)[:80]}", time.monotonic())
        if told is None:
            return
        say = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        fields = {"exc_info": record.exc_info} if record.exc_info else {}
        say("library", library=record.name, detail=_text(record), unsaid=told, **fields)


class _Stderr(structlog.BytesLogger):
    """A full disk or a closed pipe behind stderr loses the line, not the process."""

    def msg(self, message: bytes) -> None:
        try:
            super().msg(message)
        except (OSError, ValueError):  # ValueError: the file is closed
            return

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def _configure(level: str, clean: Clean, flood: Flood) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            flood,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            clean,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=lambda *_: _Stderr(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _catch_uncaught(log: Log) -> None:
    def tell(where: str, error: BaseException | None) -> None:
        # `error` stands before the trace: who shows the beginning of the line shows what matters.
        told = f"{type(error).__name__}: {error}"
        log.critical("uncaught", where=where, error=told, exc_info=error)

    def main(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        if not isinstance(error, KeyboardInterrupt):
            tell("main", error)

    sys.excepthook = main
    threading.excepthook = lambda hook: tell("thread", hook.exc_value)
    sys.unraisablehook = lambda hook: tell("unraisable", hook.exc_value)


def _tell_untold(flood: Flood, log: Log) -> None:
    untold = flood.untold()
    if untold:
        log.info("unsaid_at_exit", events=untold)


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # arguments that don't fit the message are the library's mistake
        return str(record.msg)


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
