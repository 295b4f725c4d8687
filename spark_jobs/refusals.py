"""Whether Iceberg refused a commit because of what others committed; then nothing was written."""

from typing import Any, Final

_PACKAGE: Final = "org.apache.iceberg.exceptions."
_NOT_COMMITTED: Final = (f"{_PACKAGE}ValidationException", f"{_PACKAGE}CommitFailedException")
# The same exception, but no other writer is to blame and no further try would help.
_MISUSE: Final = "Cannot delete file where some, but not all, rows match filter"


def was_refused(error: Exception) -> bool:
    """Whether Iceberg says that nothing was committed, because of what others committed."""
    # Py4J's own error, or one that PySpark made of it.
    cause: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    while cause is not None:
        if cause.getClass().getName() in _NOT_COMMITTED:
            return not str(cause.getMessage()).startswith(_MISUSE)
        cause = cause.getCause()
    return False
