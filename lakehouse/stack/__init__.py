"""The embedded stack: jars, Kafka and other processes, with readiness, logs and a clean end."""

from lakehouse.stack.embedded import Stack

__all__ = ["Stack"]
