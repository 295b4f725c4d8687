"""The Kafka topics and their settings: made where missing, looked at where they exist."""

import time
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it has no __all__
    AdminClient,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from lakehouse.errors import FirehoseError, SettingsError, StackError
from lakehouse.settings import Settings
from producer.kafka_client import Access
from producer.logs import LibraryLog, Log

MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
# A dead letter is a whole frame; headers and the record's frame come on top of it.
MAX_MESSAGE_BYTES: Final = MAX_FRAME_BYTES + 64 * 1024
_DLQ_RETENTION_FACTOR: Final = 4
_HOUR_MS: Final = 3_600_000
_READY_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 2.0
_LIMIT_NAME: Final = "max.message.bytes"
_DEFAULT_LIMIT: Final = 1_048_588  # Kafka's own default


class TopicSpec(NamedTuple):
    """A topic as it should be."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


class Topics(NamedTuple):
    """What the broker really has: bytes that a batch may hold, and what differs from the settings.

    Both limits are Kafka's default where this client may not read them.
    """

    trades_limit: int
    letters_limit: int
    warnings: list[str]


def topics_of(settings: Settings) -> tuple[TopicSpec, ...]:
    """The topics of trades, of dead letters, of gaps and of positions, in this order."""
    retention = settings.kafka_retention_hours * _HOUR_MS
    copies = settings.kafka_replication
    # With all copies demanded one lost broker would stop writing; with one, nothing is proved.
    common = {
        "min.insync.replicas": str(max(1, copies - 1)),
        # The broker's clock: messages of a producer whose clock is ahead would be refused.
        "message.timestamp.type": "LogAppendTime",
    }
    deleted = {**common, "cleanup.policy": "delete"}
    trades = {**deleted, "retention.ms": str(retention), "compression.type": "producer"}
    letters = {
        **deleted,
        "retention.ms": str(retention * _DLQ_RETENTION_FACTOR),
        "compression.type": "producer",
        _LIMIT_NAME: str(MAX_MESSAGE_BYTES),
    }
    newest = {**common, "cleanup.policy": "compact"}
    return (
        TopicSpec(settings.kafka_topic, settings.kafka_partitions, copies, trades),
        TopicSpec(settings.kafka_dlq_topic, 1, copies, letters),
        TopicSpec(settings.kafka_gap_topic, 1, copies, newest),
        TopicSpec(settings.kafka_position_topic, 1, copies, newest),
    )


def ensure_topics(settings: Settings, log: Log, timeout: float = _READY_SECONDS) -> Topics:
    """Make what is missing, wait until it can be written, and look at what there is.

    UnreachableError where no broker answers within `timeout` seconds; SettingsError where the
    broker refuses the settings, or can't give what they ask for.
    """
    access = Access(settings)
    admin = AdminClient(access.config, logger=LibraryLog(log).logger())
    wanted = topics_of(settings)
    existing = _topics(admin, access, timeout)
    missing = [spec for spec in wanted if spec.name not in existing]
    _create(admin, missing, timeout)
    _wait_for_leaders(admin, access, {spec.name for spec in missing}, timeout)
    found = [spec for spec in wanted if spec.name in existing]
    configs = _configs(admin, [spec.name for spec in wanted], timeout)
    warnings = [*_partition_warnings(found, existing), *_config_warnings(found, configs)]
    trades, letters = wanted[:2]
    return Topics(_limit(configs[trades.name]), _limit(configs[letters.name]), warnings)


def _topics(admin: AdminClient, access: Access, timeout: float) -> dict[str, TopicMetadata]:
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        try:
            return dict(admin.list_topics(timeout=min(_LOOK_SECONDS, left)).topics)
        except KafkaException:
            admin.poll(0)  # where it is told that the user was refused
            access.check()
    raise access.away(f"Kafka at {access.servers} does not answer within {timeout:g} s.")


def _create(admin: AdminClient, specs: list[TopicSpec], timeout: float) -> None:
    if not specs:
        return
    news = [
        NewTopic(spec.name, spec.partitions, spec.replication, config=spec.config) for spec in specs
    ]
    pending = admin.create_topics(news, operation_timeout=timeout, request_timeout=timeout)
    for name, future in pending.items():
        _settle(name, future)


def _settle(name: str, future: "Future[None]") -> None:
    try:
        future.result()
    except KafkaException as error:
        # Another producer may have been quicker.
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise _refusal(name, error.args[0]) from None


def _refusal(name: str, error: KafkaError) -> FirehoseError:
    message = f"Kafka did not create the topic {name}: {error.str()}."
    if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
        return SettingsError(message, "Set KAFKA_REPLICATION to the number of brokers at most.")
    return StackError(message, "Create it by hand, or give this client the right to do so.")


def _wait_for_leaders(admin: AdminClient, access: Access, names: set[str], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not all(_writable(_topics(admin, access, timeout).get(name)) for name in names):
        if time.monotonic() > deadline:
            raise StackError(
                f"The topics {', '.join(sorted(names))} have no leader after {timeout:g} s.",
                "Look at the broker's log.",
            )
        time.sleep(0.1)


def _writable(topic: TopicMetadata | None) -> bool:
    if topic is None or topic.error is not None or not topic.partitions:
        return False
    return all(partition.leader >= 0 for partition in topic.partitions.values())


def _partition_warnings(
    specs: Iterable[TopicSpec], existing: dict[str, TopicMetadata]
) -> list[str]:
    return [
        f"{spec.name} has {len(existing[spec.name].partitions)} partitions, not {spec.partitions}"
        for spec in specs
        if len(existing[spec.name].partitions) != spec.partitions
    ]


def _configs(
    admin: AdminClient, names: list[str], timeout: float
) -> dict[str, dict[str, ConfigEntry]]:
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, ConfigEntry]] = {}
    for resource, future in admin.describe_configs(resources, request_timeout=timeout).items():
        try:
            found[resource.name] = future.result()
        except KafkaException:
            # Reading settings may be forbidden where writing messages is not.
            found[resource.name] = {}
    return found


def _limit(config: dict[str, ConfigEntry]) -> int:
    entry = config.get(_LIMIT_NAME)
    return int(entry.value) if entry is not None and entry.value else _DEFAULT_LIMIT


def _config_warnings(
    specs: Iterable[TopicSpec], configs: dict[str, dict[str, ConfigEntry]]
) -> list[str]:
    return [
        f"{spec.name} has {name}={entry.value}, not {value}"
        for spec in specs
        for name, value in spec.config.items()
        if (entry := configs.get(spec.name, {}).get(name)) and entry.value != value
    ]
