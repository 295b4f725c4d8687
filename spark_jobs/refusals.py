"""Whether Iceberg refused a commit because of what others committed; then nothing was written."""

from typing import Final

from spark_jobs.faults import causes

_PACKAGE: Final = "org.apache.iceberg.exceptions."
_NOT_COMMITTED: Final = (f"{_PACKAGE}ValidationException", f"{_PACKAGE}CommitFailedException")
# The same exception, but no other writer is to blame and no further try would help.
_MISUSE: Final = "Cannot delete file where some, but not all, rows match filter"


def was_refused(error: Exception) -> bool:
    """Whether Iceberg says that nothing was committed, because of what others committed."""
    refused = [cause for cause in causes(error) if cause.kind in _NOT_COMMITTED]
    return bool(refused) and not refused[0].text.startswith(_MISUSE)
