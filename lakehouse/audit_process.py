"""`python -m producer.audit` as a child process, on the broker that belongs to the settings."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lakehouse import child, kafka_audit, set_aside
from lakehouse.child import Report
from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.kafka_audit import KafkaAudit
from lakehouse.set_aside import SetAside
from lakehouse.settings import Settings
from lakehouse.stack import probe
from lakehouse.stack.embedded import Stack
from lakehouse.stack.file_lock import open_lock_file, try_lock

_PING_SECONDS = 5.0
_LISTENERS = "advertised.listeners=PLAINTEXT://"


def audit(settings: Settings, report: Report, aside: SetAside | None = None) -> KafkaAudit:
    """Read the trades' topic of the configured broker, else of the data folder's embedded one.

    The embedded broker is used where a run has it going, else started for the reading. `report`
    is told of progress; `aside` are the records that the lake has in quarantine. SettingsError
    where there is no broker, UnreachableError where it is away.
    """
    with _broker(settings, report) as servers:
        wired = settings.model_copy(update={"kafka_bootstrap_servers": servers})
        return _run(wired, report, aside or {})


@contextmanager
def _broker(settings: Settings, report: Report) -> Iterator[str]:
    if settings.kafka_bootstrap_servers:
        yield settings.kafka_bootstrap_servers
        return
    properties = settings.data_path / "kafka" / "server.properties"
    if not properties.is_file():
        raise SettingsError(
            f"There is no Kafka in {settings.data_path} yet.",
            "Set KAFKA_BOOTSTRAP_SERVERS, or leave --kafka out.",
        )
    if _in_use(settings.data_path):
        yield _running(properties)
        return
    report("The embedded Kafka is started for the reading.")
    with Stack(settings, report) as stack:
        yield stack.start_kafka()


def _in_use(folder: Path) -> bool:
    descriptor = open_lock_file(folder / ".lock")
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def _running(properties: Path) -> str:
    """The address of the broker of a run that goes on; while it does, the file is true."""
    lines = properties.read_text(encoding="utf-8").splitlines()
    servers = next((line.removeprefix(_LISTENERS) for line in lines if _LISTENERS in line), "")
    try:
        return probe.ping(servers, _PING_SECONDS)
    except (UnreachableError, SettingsError):
        raise UnreachableError(
            f"A run holds the folder {properties.parent.parent}, and its Kafka does not answer.",
            "Wait until it has started or ended, then ask again.",
        ) from None


def _run(settings: Settings, report: Report, aside: SetAside) -> KafkaAudit:
    with TemporaryDirectory(prefix="firehose-audit-") as folder:
        path = Path(folder) / "set-aside.json"
        set_aside.write(aside, path)
        words = ["--set-aside", str(path)]
        found = child.run("producer.audit", words, settings, report, "The audit of Kafka")
    return kafka_audit.decode(found)
