"""Logs of the processes that are not the producer, which has bounds of its own: JSON on stderr."""

import logging
import sys

import structlog


def to_stderr(level: int = logging.INFO) -> None:
    """From now on structlog writes a line of JSON for each event of `level` and above.

    To the stderr of that moment, so that a test which captures it may close its own.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
