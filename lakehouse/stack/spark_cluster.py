"""A standalone Spark cluster as child processes on the loopback: one master and its workers."""

import importlib.util
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from lakehouse.errors import MissingToolError, StackError
from lakehouse.s3_names import aws_variables
from lakehouse.settings import Settings
from lakehouse.stack import java, ports
from lakehouse.stack.log_file import telling_line
from lakehouse.stack.process import ManagedProcess

# name, argv, environment, grace in seconds → the running process; Stack.spawn is one.
Spawn = Callable[[str, Sequence[str], Mapping[str, str], float], ManagedProcess]

MASTER: Final = "org.apache.spark.deploy.master.Master"
WORKER: Final = "org.apache.spark.deploy.worker.Worker"
_READY_SECONDS: Final = 120.0
_GRACE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.2
_DAEMON_MEMORY: Final = "256m"
# Jars are copied to each worker for each application: those of ended ones go after an hour.
_CLEANUP: Final = "-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.appDataTtl=3600"


@dataclass(frozen=True)
class Size:
    """What one worker offers: cores (threads; no processors are bound), memory as Spark says it."""

    cores: int = 2
    memory: str = "2g"


class SparkCluster:
    """Keeps its logs and the executors' files in `folder`. `address` is for SPARK_MASTER."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        spawn: Spawn,
        workers: int = 2,
        size: Size | None = None,
    ) -> None:
        self._folder = folder.resolve()
        # A worker's executors take S3's keys from its environment.
        self._credentials = aws_variables(settings)
        self._spawn = spawn
        self._size = size or Size()
        self._port, self._page = ports.free_ports(2)
        self.master: ManagedProcess | None = None
        self.workers: list[ManagedProcess | None] = [None] * workers

    @property
    def address(self) -> str:
        """As SPARK_MASTER wants it."""
        return f"spark://{ports.LOOPBACK}:{self._port}"

    def start(self, ready_seconds: float = _READY_SECONDS) -> str:
        """Start all, and return the address when every worker is registered; StackError."""
        self.master = self._spawned("spark-master", self._master_command(), {})
        for number in range(len(self.workers)):
            self.start_worker(number)
        deadline = time.monotonic() + ready_seconds
        while self.alive_workers() < len(self.workers):
            self._raise_if_ended()
            if time.monotonic() > deadline:
                raise _failure(self.master, f"has not all workers after {ready_seconds:g} s")
            time.sleep(_POLL_SECONDS)
        return self.address

    def start_worker(self, number: int) -> ManagedProcess:
        """Start a worker, the first time or anew; it registers within seconds."""
        name = f"spark-worker-{number}"
        made = self._spawned(name, self._worker_command(self._folder / name), self._credentials)
        self.workers[number] = made
        return made

    def state(self) -> dict[str, Any]:
        """What the master tells of workers and applications; empty where it does not answer."""
        link = HTTPConnection(ports.LOOPBACK, self._page, timeout=2.0)
        try:
            link.request("GET", "/json/")
            found: dict[str, Any] = json.loads(link.getresponse().read())
            return found
        except (OSError, HTTPException, ValueError):
            return {}
        finally:
            link.close()

    def alive_workers(self) -> int:
        """How many workers the master counts on."""
        return sum(each["state"] == "ALIVE" for each in self.state().get("workers", ()))

    def stop(self) -> None:
        """End all of it, the workers first, so that none looks for its master."""
        for process in (*self.workers, self.master):
            if process is not None:
                process.stop()

    def _master_command(self) -> list[str]:
        where = ["--host", ports.LOOPBACK, "--port", str(self._port)]
        return [spark_class(), MASTER, *where, "--webui-port", str(self._page)]

    def _worker_command(self, folder: Path) -> list[str]:
        folder.mkdir(parents=True, exist_ok=True)
        offer = ["--cores", str(self._size.cores), "--memory", self._size.memory]
        where = ["--host", ports.LOOPBACK, "--webui-port", "0", "--work-dir", str(folder)]
        return [spark_class(), WORKER, *where, *offer, self.address]

    def _spawned(self, name: str, words: list[str], more: Mapping[str, str]) -> ManagedProcess:
        scratch = self._folder / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        env = {
            "SPARK_HOME": str(spark_home()),
            "JAVA_HOME": str(java.find().home),
            "SPARK_LOCAL_IP": ports.LOOPBACK,
            "SPARK_LOCAL_DIRS": str(scratch),
            "SPARK_DAEMON_MEMORY": _DAEMON_MEMORY,
            "SPARK_WORKER_OPTS": _CLEANUP,
            # Executors inherit it: what they stage before an upload lies here as well.
            "JDK_JAVA_OPTIONS": f'"-Djava.io.tmpdir={scratch}"',
            **more,
        }
        return self._spawn(name, words, env, _GRACE_SECONDS)

    def _raise_if_ended(self) -> None:
        for process in (self.master, *self.workers):
            if process is not None and not process.alive:
                raise _failure(process, f"ended with code {process.returncode}")


def spark_home() -> Path:
    """The folder of the Spark that pyspark ships; MissingToolError where it is not there."""
    # Not imported: that would start loading Spark in a process that only starts others.
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise MissingToolError("pyspark is not installed.", "Run `make setup`.")
    return Path(spec.origin).parent


def spark_class() -> str:
    """Spark's own launcher of its daemons."""
    return str(spark_home() / "bin" / "spark-class")


def _failure(process: ManagedProcess, what: str) -> StackError:
    line = telling_line(process.log_tail(200))
    return StackError(
        f"Spark's {process.name.removeprefix('spark-')} {what}. It said: {line}",
        f"Log: {process.log_path}",
    )
