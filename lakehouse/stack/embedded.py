"""The embedded stack: a data folder held by one run, and the processes that work in it."""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from lakehouse.errors import MissingToolError, ResourceError, StackError
from lakehouse.settings import Settings
from lakehouse.stack import jars, java
from lakehouse.stack.file_lock import open_lock_file, try_lock
from lakehouse.stack.kafka import KafkaBroker
from lakehouse.stack.log_file import telling_line
from lakehouse.stack.process import ManagedProcess

LEAST_FREE_BYTES = 1 << 30
_GRACE_SECONDS = 15.0
# A run that was killed leaves guards behind, which end its processes within their patience.
_INHERIT_SECONDS = 45.0
_POLL_SECONDS = 0.2
_MOST_BROKER_RESTARTS = 3
# A broker that answered for so long works: what ended it came from outside and says nothing
# against a new start.
_BROKER_WORKS_SECONDS = 10.0


class Stack:
    """`with Stack(settings, report) as stack:` owns the data folder and every process spawned.

    The folder stays locked until the last process has ended, even if this one is killed. On exit
    all processes are stopped, the youngest first.
    """

    def __init__(
        self,
        settings: Settings,
        report: Callable[[str], None],
        least_free_bytes: int = LEAST_FREE_BYTES,
    ) -> None:
        self.settings = settings
        self._report = report
        self._least_free_bytes = least_free_bytes
        self._folder = settings.data_path
        self._scratch = self._folder / "tmp"
        self._lock = -1
        self._broker: KafkaBroker | None = None
        self._broker_restarts = 0
        self._broker_since = 0.0
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        """ResourceError: the folder can't be written, is in use, or its disk is nearly full."""
        self._lock = open_lock_file(self._folder / ".lock")
        try:
            self._take_lock()
            require_space(self._folder, self._least_free_bytes)
            _write_pid(self._lock)
            _empty(self._scratch)
        except BaseException:
            os.close(self._lock)
            raise
        self._cleanup.callback(os.close, self._lock)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An ExitStack goes on to the next process when stopping one fails or is interrupted.
        self._cleanup.__exit__(kind, error, trace)

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        grace_seconds: float = _GRACE_SECONDS,
    ) -> ManagedProcess:
        """Start a process with `env` over this one's environment.

        Its log is `<data>/logs/<name>.log`. JAVA_HOME is set to the Java that was found, so that
        all parts run on the same; TMPDIR to a folder that the next start empties, as a process
        that is killed leaves its temporary files behind.
        """
        log = self._folder / "logs" / f"{name}.log"
        environment = {**_java_home(), "TMPDIR": str(self._scratch), **(env or {})}
        process = ManagedProcess(name, argv, log, environment, grace_seconds, (self._lock,))
        self._cleanup.callback(_stop, process)
        return process

    def start_kafka(self) -> str:
        """Start the embedded broker; returns its bootstrap servers when it answers."""
        found = jars.ensure(self.settings, self._report)
        self._broker = KafkaBroker(
            self._folder / "kafka",
            java.find(),
            found.kafka,
            lambda name, argv, grace: self.spawn(name, argv, grace_seconds=grace),
        )
        return self._start_broker(self._broker)

    def _start_broker(self, broker: KafkaBroker) -> str:
        address = broker.start()
        self._broker_since = time.monotonic()
        return address

    def revive_kafka(self) -> None:
        """Start the embedded broker again where it died; StackError where that doesn't help."""
        process = self._broker.process if self._broker else None
        if self._broker is None or process is None or process.alive:
            return
        if time.monotonic() - self._broker_since > _BROKER_WORKS_SECONDS:
            self._broker_restarts = 0
        if self._broker_restarts >= _MOST_BROKER_RESTARTS:
            line = telling_line(process.log_tail(200))
            raise StackError(f"Kafka ended again and again: {line}", f"Log: {process.log_path}")
        self._broker_restarts += 1
        self._report(f"Kafka ended (code {process.returncode}); it is started again.")
        self._start_broker(self._broker)

    def _take_lock(self) -> None:
        deadline = time.monotonic() + _INHERIT_SECONDS
        told = False
        while not try_lock(self._lock):
            holder = _read_pid(self._lock)
            if holder is None or psutil.pid_exists(holder) or time.monotonic() > deadline:
                raise _in_use(self._folder, holder)
            if not told:
                self._report("Waiting for the processes of a run that was killed to end.")
            told = True
            time.sleep(_POLL_SECONDS)


def require_space(folder: Path, least_bytes: int) -> int:
    """The free bytes on the folder's disk; ResourceError if these are fewer than `least_bytes`."""
    free = shutil.disk_usage(folder).free
    if free < least_bytes:
        raise ResourceError(
            f"Only {free / 2**30:.2f} GiB are free on the disk of {folder}; "
            f"{least_bytes / 2**30:.2f} GiB are needed.",
            "Free some space, or choose another folder with --data-dir or DATA_DIR.",
        )
    return free


def _in_use(folder: Path, holder: int | None) -> ResourceError:
    who = f"pid {holder}" if holder else "its pid is unknown"
    return ResourceError(
        f"Another run uses the folder {folder} ({who}).",
        "End it, or choose another folder with --data-dir or DATA_DIR.",
    )


def _stop(process: ManagedProcess) -> None:
    try:
        process.stop()
    except BaseException:
        # Ctrl-C while waiting: no more patience with this one.
        process.kill()
        raise


def _java_home() -> dict[str, str]:
    with suppress(MissingToolError):
        return {"JAVA_HOME": str(java.find().home)}
    return {}


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)


def _read_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None


def _write_pid(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
