"""`python -m producer.audit`: read the trades' topic and the gap topic, print the finding as JSON.

Nothing is written to Kafka, no consumer group is left behind. Progress goes to stderr.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Final

from confluent_kafka import Message

from lakehouse import kafka_audit, set_aside
from lakehouse.child import tell
from lakehouse.errors import FirehoseError, SettingsError
from lakehouse.kafka_audit import KafkaAudit, PartitionRead
from lakehouse.set_aside import SetAside
from lakehouse.setting_values import names
from lakehouse.settings import Settings, load
from producer.audit.report import Findings, gap_topic
from producer.audit.tally import Tally
from producer.logs import configure, secrets_of
from producer.reading import Reader, Span

_TOLD_EVERY: Final = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code; 0 also where trades are missing, as judging is left to the reader."""
    options = _options(arguments)
    try:
        aside = set_aside.read(options.set_aside) if options.set_aside else {}
        found = audit(load(), options.since_hours, tuple(options.symbols or ()), aside)
    except FirehoseError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    sys.stdout.buffer.write(kafka_audit.encode(found) + b"\n")
    return 0


def audit(
    settings: Settings,
    since_hours: float | None = None,
    symbols: Sequence[str] = (),
    aside: SetAside | None = None,
) -> KafkaAudit:
    """Read what the topics hold at this moment and count it.

    `since_hours`: only records that Kafka got in the last so many hours. `aside`: records that
    the lake has in quarantine, see Tally.add_held. UnreachableError where
    the broker is away, SettingsError where there is none to ask or no such topic.
    """
    if not settings.kafka_bootstrap_servers:
        raise SettingsError(
            "KAFKA_BOOTSTRAP_SERVERS is empty, so there is no Kafka to read.",
            "Set it, or use `firehose verify --kafka`, which knows the embedded broker.",
        )
    log = configure(settings.log_level, secrets_of(settings))
    reader = Reader(settings, log, "firehose-audit")
    try:
        return _audit(reader, settings, since_hours, symbols, aside or {})
    finally:
        reader.close()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m producer.audit", description=__doc__)
    parser.add_argument("--since-hours", type=_positive, metavar="H", help="only the last H hours")
    parser.add_argument("--symbols", type=names, metavar="A,B", help="only these symbols")
    parser.add_argument("--set-aside", type=Path, metavar="FILE", help="what is in quarantine")
    return parser.parse_args(arguments)


def _audit(
    reader: Reader,
    settings: Settings,
    since_hours: float | None,
    symbols: Sequence[str],
    aside: SetAside,
) -> KafkaAudit:
    began, read_at = time.monotonic(), datetime.now(UTC)
    topic = settings.kafka_topic
    since_ms = None if since_hours is None else int((time.time() - since_hours * 3600) * 1000)
    spans = reader.spans(topic, since_ms)
    if not spans:
        raise SettingsError(
            f"There is no topic {topic} in Kafka.", "Start the producer once, or see KAFKA_TOPIC."
        )
    # Right after the ends are known: a jump in the ids comes after its record, and what is
    # repaired while the trades are being read stands beyond these ends.
    known = gap_topic(list(reader.newest(settings.kafka_gap_topic).values()))
    late = [number for number, span in spans.items() if span.begins_late]
    tally = Tally(symbols, late)
    total = sum(span.end - span.first for span in spans.values())
    for batch in reader.messages(topic, spans, _progress(total)):
        # Messages of a partition come in blocks, so this makes few groups.
        for number, block in groupby(batch, key=lambda message: message.partition()):
            _count(tally, number or 0, list(block), aside.get(number or 0, {}))
    tally.finish()
    found = Findings(tally.symbols, known)
    return KafkaAudit(
        topic=topic,
        gap_topic=settings.kafka_gap_topic,
        read_at=read_at,
        seconds=round(time.monotonic() - began, 3),
        partitions=_partitions(spans, tally),
        records=tally.records.total(),
        unreadable=tally.unreadable.total(),
        unreadable_reasons=dict(sorted(tally.unreadable.items())),
        skipped=tally.skipped,
        sources=_sources(tally),
        symbols=tuple(found.symbols),
        hours=tuple(found.hours),
        gaps=tuple(found.gaps),
        known_gaps=known,
    )


def _count(
    tally: Tally, partition: int, messages: list[Message], aside: Mapping[int, bool]
) -> None:
    """Count messages of one partition, those apart that the lake has in quarantine."""
    if not aside:  # nearly always
        tally.add(partition, [message.value() for message in messages])
        return
    for stray, some in groupby(messages, key=lambda message: aside.get(message.offset() or 0)):
        values = [message.value() for message in some]
        if stray is None:
            tally.add(partition, values)
        else:
            tally.add_held(partition, values, stray)


def _partitions(spans: dict[int, Span], tally: Tally) -> tuple[PartitionRead, ...]:
    return tuple(
        PartitionRead(number, span.first, span.end, tally.records[number], span.begins_late)
        for number, span in sorted(spans.items())
    )


def _sources(tally: Tally) -> dict[str, int]:
    found = sorted({name for each in tally.symbols.values() for name in each.sources})
    return {name: sum(each.sources[name] for each in tally.symbols.values()) for name in found}


def _progress(total: int) -> Callable[[int], None]:
    told = time.monotonic()

    def every_few_seconds(done: int) -> None:
        nonlocal told
        if time.monotonic() - told > _TOLD_EVERY:
            told = time.monotonic()
            tell(f"{done:,} of {total:,} records of Kafka read")

    return every_few_seconds


def _positive(text: str) -> float:
    hours = float(text)
    if not 0 < hours < 1e6:
        raise argparse.ArgumentTypeError("a positive number of hours is wanted")
    return hours


if __name__ == "__main__":
    sys.exit(main())
