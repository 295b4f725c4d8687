"""A real Kafka broker as a child process: KRaft, one node, on the loopback interface."""

import base64
import shutil
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse.errors import FirehoseError, StackError, UnreachableError
from lakehouse.stack import log_file, ports, probe
from lakehouse.stack.java import Java
from lakehouse.stack.process import ManagedProcess

# name, argv, grace in seconds → the running process; Stack.spawn is one.
Spawn = Callable[[str, Sequence[str], float], ManagedProcess]

_HEAP_MEGABYTES = 512
_READY_SECONDS = 90.0
_FORMAT_SECONDS = 60.0
_GRACE_SECONDS = 30.0
_MOST_STARTS = 3
_PORT_TAKEN = "Address already in use"


@dataclass(frozen=True)
class Extra:
    """What a broker has beyond the embedded one's: settings, words of the format (SCRAM users),
    and the TLS with which it is asked whether it answers."""

    settings: Mapping[str, str] = field(default_factory=dict)
    format_words: Sequence[str] = ()
    tls: ssl.SSLContext | None = None


class KafkaBroker:
    """Keeps its data in `folder`. A broker that died can be started again, on the same ports."""

    def __init__(
        self,
        folder: Path,
        java: Java,
        jars: Sequence[Path],
        spawn: Spawn,
        extra: Extra | None = None,
    ) -> None:
        self._folder = folder
        self._extra = extra or Extra()
        self._java = java
        # Folders, not files: forty names would fill the screen of whoever looks at `ps`.
        self._classpath = ":".join(sorted({f"{jar.parent}/*" for jar in jars}))
        self._spawn = spawn
        self._ports: list[int] = []
        self.process: ManagedProcess | None = None

    def start(self, ready_seconds: float = _READY_SECONDS) -> str:
        """Start and wait until it answers; returns its bootstrap servers.

        StackError quotes its last telling line and names its log.
        """
        for attempt in range(1, _MOST_STARTS + 1):
            # Its clients know the first ones: a broker that comes back must stand where it stood.
            broker_port, controller_port = self._ports or ports.free_ports(2)
            self._configure(broker_port, controller_port)
            self.process = self._spawn("kafka", self._command(), _GRACE_SECONDS)
            servers = f"{ports.LOOPBACK}:{broker_port}"
            if self._comes_up(self.process, servers, ready_seconds):
                self._ports = [broker_port, controller_port]
                return servers
            # Somebody else was given one of the free ports in the meantime.
            if not self._port_was_taken(self.process) or attempt == _MOST_STARTS:
                break
        assert self.process is not None
        raise self._failure(self.process, ready_seconds)

    def _configure(self, broker_port: int, controller_port: int) -> None:
        logs = self._folder / "log"
        # What a broker unpacked that was killed would stay for ever.
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True)
        more = self._extra.settings
        self._properties.write_text(server_properties(logs, broker_port, controller_port, more))
        if not (logs / "meta.properties").exists():
            self._format(logs, broker_port, controller_port)

    def _format(self, logs: Path, broker_port: int, controller_port: int) -> None:
        # Formatted aside and renamed: a format that is cut short leaves nothing half done.
        fresh, config = (
            self._folder / f"log-{uuid.uuid4().hex[:8]}",
            self._folder / "format.properties",
        )
        more = self._extra.settings
        config.write_text(server_properties(fresh, broker_port, controller_port, more))
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(config)]
        tool += self._extra.format_words
        told = subprocess.run(
            self._java_command("64m", *tool),
            capture_output=True,
            text=True,
            timeout=_FORMAT_SECONDS,
            check=False,
        )
        if told.returncode != 0:
            line = log_file.telling_line((told.stdout + told.stderr).splitlines())
            raise StackError(f"Kafka's storage in {logs} could not be formatted: {line}")
        fresh.rename(logs)
        config.unlink()

    def _comes_up(self, process: ManagedProcess, servers: str, ready_seconds: float) -> bool:
        deadline = time.monotonic() + ready_seconds
        while time.monotonic() < deadline:
            if process.wait(0.1):
                return False
            try:
                probe.ping(servers, 1.0, self._extra.tls)
                return True
            except UnreachableError:
                continue
        return False

    def _failure(self, process: ManagedProcess, ready_seconds: float) -> FirehoseError:
        code = process.returncode
        slow = f"did not answer within {ready_seconds:g} s"
        process.kill()
        line = log_file.telling_line(process.log_tail(200))
        return StackError(
            f"Kafka {slow if code is None else f'ended with code {code}'}. It said: {line}",
            f"Log: {process.log_path}",
        )

    def _port_was_taken(self, process: ManagedProcess) -> bool:
        return not process.alive and any(_PORT_TAKEN in line for line in process.log_tail(200))

    @property
    def _scratch(self) -> Path:
        return self._folder.resolve() / "tmp"

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _command(self) -> list[str]:
        return self._java_command(
            f"{_HEAP_MEGABYTES}m", "kafka.Kafka", str(self._properties.resolve())
        )

    def _java_command(self, heap: str, *words: str) -> list[str]:
        return [
            str(self._java.binary),
            f"-Xmx{heap}",
            "-XX:+UseG1GC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            "-Djava.net.preferIPv4Stack=true",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
            "-Duser.timezone=UTC",
            f"-Djava.io.tmpdir={self._scratch}",
            # At each start it would write all its settings into the log, six times.
            "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn",
            *("-cp", self._classpath),
            *words,
        ]


def server_properties(
    logs: Path,
    broker_port: int,
    controller_port: int,
    more: Mapping[str, str] | None = None,
) -> str:
    """The broker's settings, and `more` over them, in the format of Java's properties files."""
    broker = f"{ports.LOOPBACK}:{broker_port}"
    controller = f"{ports.LOOPBACK}:{controller_port}"
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "log.dirs": str(logs),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        # One node can hold one copy of Kafka's own topics, and few partitions start quickly.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
    }
    settings |= more or {}
    return "".join(f"{name}={escape(value)}\n" for name, value in settings.items())


def escape(value: str) -> str:
    """A value as Java's properties files want it: Latin-1 only, backslashes doubled."""
    plain = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    plain = f"\\{plain}" if plain.startswith(" ") else plain
    units = plain.encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)


def cluster_id() -> str:
    """A fresh id as Kafka makes them: a random UUID in URL-safe base64, no dash in front."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith(
        "-"
    ):
        pass
    return made
