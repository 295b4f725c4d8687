"""Every error a user can meet, drawn in one tree.

A `FirehoseError` is shown as one sentence and a way out, never as a traceback; its
`exit_code` becomes the exit code of the command.
"""


class FirehoseError(Exception):
    """What went wrong (`message`) and what to do next (`hint`)."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class IncompleteError(FirehoseError):
    """The completeness proof failed: an id is missing or stands twice."""

    exit_code = 1


class SettingsError(FirehoseError):
    """A setting or an argument can't be used as it is."""

    exit_code = 2


class MissingToolError(FirehoseError):
    """Something that must be installed on the machine is not there (Java, a jar)."""

    exit_code = 3


class ResourceError(FirehoseError):
    """The machine has not what is needed: a free port, disk space, a folder not in use."""

    exit_code = 4


class UnreachableError(FirehoseError):
    """A server outside this process does not answer: broker, catalog, exchange."""

    exit_code = 5


class StackError(FirehoseError):
    """A process of the stack ended or did not become ready; the hint names its log."""

    exit_code = 6


class RejectLimitError(FirehoseError):
    """Nearly everything that comes breaks a rule of quality: the stream stops rather than fill
    the quarantine."""

    exit_code = 7


class StreamError(FirehoseError):
    """A stream can't go on, and a new start would only repeat it: Kafka has deleted what was not
    read yet, or a table is not as the code expects it."""

    exit_code = 8


def kind_of(exit_code: int | None) -> type[FirehoseError]:
    """The kind of error with which a process of ours ended; StackError where it told none.

    1 is told by nobody: it is how Python ends where nobody caught an error.
    """
    kinds = (SettingsError, MissingToolError, ResourceError, UnreachableError)
    found = (*kinds, RejectLimitError, StreamError)
    return next((kind for kind in found if kind.exit_code == exit_code), StackError)


class UnreadableError(ValueError):
    """Bytes that are no trade. `reason` is a short, stable name for the dead letters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
