"""A command that runs beside this process, writes to a log file, and never outlives its owner."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lakehouse.errors import MissingToolError, StackError
from lakehouse.stack.log_file import open_log, tail

_GUARD = Path(__file__).with_name("guard.py")
_START_SECONDS = 30.0
_MARGIN_SECONDS = 10.0


class ManagedProcess:
    """One command under a guard (see guard.py), in a session of its own: Ctrl-C does not reach it.

    `alive` turns false only when the command and everything that it started have ended.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        log_path: Path,
        env: Mapping[str, str] | None = None,
        grace_seconds: float = 15.0,
        inherited: Sequence[int] = (),
        bare: bool = False,
    ) -> None:
        """Start `argv` with `env` over this process's environment, or with `env` alone if `bare`.

        `grace_seconds` lie between SIGTERM and SIGKILL; `inherited` are descriptors that the
        guard holds as long as it lives. MissingToolError if the command can't be started.
        """
        self.name = name
        self.log_path = log_path
        self.grace_seconds = grace_seconds
        self._link, guards_end = socket.socketpair()
        with guards_end, open_log(log_path) as log:
            self._log_start = log.tell()
            self._guard: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), str(grace_seconds), *argv],
                stdin=guards_end.fileno(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**({} if bare else os.environ), **(env or {})},
                pass_fds=tuple(inherited),
                start_new_session=True,
            )
        self.pid = self._started(argv[0])

    @property
    def alive(self) -> bool:
        """Whether the command, or anything it started, still runs."""
        return self._guard.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for the signal that ended it, None while it is alive."""
        return self._guard.poll()

    def stop(self, grace_seconds: float | None = None) -> int:
        """SIGTERM, after `grace_seconds` SIGKILL to all that is left; returns the exit code."""
        patience = self.grace_seconds if grace_seconds is None else grace_seconds
        with suppress(OSError):
            self._link.sendall(f"{patience}\n".encode())
        return self._wait(patience + _MARGIN_SECONDS)

    def kill(self) -> int:
        """End everything now; returns the exit code."""
        return self.stop(0.0)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; False if it did not come within `seconds`."""
        try:
            self._guard.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def log_tail(self, lines: int) -> list[str]:
        """The last lines that this process wrote to its log, oldest first."""
        return tail(self.log_path, lines, self._log_start)

    def _wait(self, seconds: float) -> int:
        if not self.wait(seconds):
            # The guard itself hangs or is stopped: do its work from here.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._guard.kill()
            # Never without an end: a Ctrl-C in the wrong moment leaves Popen's lock taken for good.
            self.wait(_MARGIN_SECONDS)
        self._link.close()
        code = self._guard.returncode
        return -signal.SIGKILL if code is None else code

    def _started(self, program: str) -> int:
        told = self._first_line()
        if told.isdigit():
            return int(told)
        self._guard.kill()
        self._guard.wait()
        self._link.close()
        if told.startswith("error "):
            reason = os.strerror(int(told.split()[1]))
            raise MissingToolError(f"Could not start {self.name}: {program}: {reason}.")
        raise StackError(f"Could not start {self.name}.", f"Log: {self.log_path}")

    def _first_line(self) -> str:
        self._link.settimeout(_START_SECONDS)
        told = b""
        with suppress(OSError):
            while not told.endswith(b"\n") and (part := self._link.recv(64)):
                told += part
        self._link.settimeout(None)
        return told.decode().strip()
