"""This process, and whether another one of this machine still runs."""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import psutil

from spark_jobs.owners import Owner


def myself(run_id: str, what: str) -> Owner:
    """This process as an owner."""
    started = psutil.Process().create_time()
    return Owner(run_id, what, socket.gethostname(), _place(), os.getpid(), started, time.time())


def lives(pid: int, started: float) -> bool:
    """Whether a process of this machine runs, or is frozen, and is the one that started then."""
    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return not ended and abs(process.create_time() - started) < 1.0
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _place() -> str:
    """Tells machines, boots and containers apart: a pid means something only within one."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return socket.gethostname()
