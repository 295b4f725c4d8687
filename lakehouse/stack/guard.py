"""A small parent for one command: whatever happens, nothing of the command outlives its owner.

Run by path with the standard library alone, so that it starts in milliseconds:
`python -I -S guard.py GRACE_SECONDS COMMAND…` with a connected socket as standard input.

The owner holds the other end of the socket. The guard sends the command's pid (or `error N`, an
errno) in one line. It ends the command when the owner sends a number of seconds to be patient,
when the owner goes away (kill -9 included: the kernel closes the socket), or on SIGTERM: SIGTERM
first, SIGKILL after the patience. Once the command has ended, all that it left behind is killed,
also what moved to another session; only then the guard ends, as the command did.
"""

import ctypes
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36
_LINUX = sys.platform == "linux"


class Guard:
    """Waits on the command, the owner and signals at once."""

    def __init__(self, link: socket.socket, command: list[str], grace_seconds: float) -> None:
        self._links = [link]
        self._grace_seconds = grace_seconds
        self._deadline: float | None = None
        self._wakeups = _signals_to_pipe()
        self._child = _start(command)
        self._status: int | None = None

    @property
    def pid(self) -> int:
        """The command's process id, also the id of its session and process group."""
        return self._child.pid

    def watch(self) -> int:
        """The command's wait status, when it has ended and nothing is left of it."""
        while not self._has_ended():
            self._wait()
        _end_leftovers(self.pid)
        assert self._status is not None
        return self._status

    def _has_ended(self) -> bool:
        for pid, status in _reaped():
            if pid == self.pid:
                self._status = status
        return self._status is not None

    def _wait(self) -> None:
        inputs: list[int | socket.socket] = [self._wakeups, *self._links]
        patience = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        readable, _, _ = select.select(inputs, [], [], patience)
        if not readable:
            os.killpg(self.pid, signal.SIGKILL)
            self._deadline = time.monotonic() + 1.0
        if self._wakeups in readable and set(os.read(self._wakeups, 4096)) - {signal.SIGCHLD}:
            self._end(self._grace_seconds)
        for link in set(self._links) & set(readable):
            self._end(self._patience(link))

    def _patience(self, link: socket.socket) -> float:
        try:
            if told := link.recv(64).split():
                return float(told[-1])
        except (OSError, ValueError):
            pass
        self._links.remove(link)  # the owner is gone
        return self._grace_seconds

    def _end(self, grace_seconds: float) -> None:
        until = time.monotonic() + grace_seconds
        if self._deadline is None:
            os.kill(self.pid, signal.SIGTERM)
        self._deadline = until if self._deadline is None else min(self._deadline, until)


def _signals_to_pipe() -> int:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reading


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    if _LINUX:
        _prctl(_SET_CHILD_SUBREAPER, 1)
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_guard
    )


def _die_with_guard() -> None:
    if _LINUX:
        _prctl(_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _reaped() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _end_leftovers(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    # A killed process's children become ours (we are their subreaper), so this comes to an end.
    while children := _children():
        for pid in children:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _children() -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            after_name = (folder / "stat").read_text(errors="replace").rpartition(")")[2]
            if int(after_name.split()[1]) == os.getpid():
                found.append(int(folder.name))
    return found


def _end_as(status: int) -> None:
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(os.waitstatus_to_exitcode(status))


def main() -> None:
    """Guard the command of the command line."""
    grace_seconds, command = float(sys.argv[1]), sys.argv[2:]
    link = socket.socket(fileno=os.dup(0))
    try:
        guard = Guard(link, command, grace_seconds)
    except OSError as error:
        link.sendall(f"error {error.errno}\n".encode())
        sys.exit(127)
    with suppress(OSError):  # the owner may be gone by now; the next wait sees it
        link.sendall(f"{guard.pid}\n".encode())
    _end_as(guard.watch())


if __name__ == "__main__":
    main()
