"""The embedded stack: jars, Kafka and other processes, with readiness, logs and a clean end."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakehouse.stack.embedded import Stack

__all__ = ["Stack"]


def __getattr__(name: str) -> Any:
    # Late: `python -m lakehouse.stack.jars` would otherwise find itself imported already.
    if name == "Stack":
        from lakehouse.stack.embedded import Stack

        return Stack
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
