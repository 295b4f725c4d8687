"""The recorded trades, the early ones last.

Between two runs an archive brings what is missing, the whole topic is repeated, and Silver's
checkpoint is lost.
"""

import gzip
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Producer

from lakehouse import tables
from lakehouse.exchanges.binance import event_of, parse_frame, parse_trade
from lakehouse.messages import encode
from lakehouse.settings import Settings
from lakehouse.stack.embedded import Stack
from lakehouse.trade import Trade
from tests import recordings
from tests.chaos.topic_reader import TopicReader
from tests.e2e.test_recorded_trades import AUDIT, check_silver_and_gold, replay
from tests.places import Place

EARLY_SHARE = 0.4
LATE = (
    "SELECT sum(rows_late)::BIGINT AS late FROM lake.market.ops_audit "
    f"WHERE job = '{tables.SILVER}' AND status = 'ok'"
)


def test_early_trades_come_last_and_everything_comes_twice(
    embedded_place: Place, shared_data: Path
) -> None:
    place, feed = embedded_place, embedded_place.folder / "later.jsonl.gz"
    early = keep_the_later(recordings.frames(shared_data), feed)
    replay(place, feed, WATERMARK_MINUTES="1")
    settings = place.settings
    with topic(settings) as (reader, producer):
        first = [record.value for record in reader.new(settings.kafka_topic)]
        late = [encode(trade) for trade in early] * 2
        random.Random(7).shuffle(late)
        write(producer, settings, [*late, *first])
    shutil.rmtree(place.data / "checkpoints" / tables.SILVER)
    replay(place, feed, WATERMARK_MINUTES="1")
    check_silver_and_gold(place, shared_data)
    total, again = sum(recordings.TRADES.values()), 2 * len(first) + len(early)
    books = {row["job"]: row for row in place.query(AUDIT)}
    silver = books[tables.SILVER]
    assert (silver["rows_out"], silver["rows_duplicate"]) == (total, again)
    assert books[tables.BRONZE]["rows_in"] == 2 * len(first) + len(late)
    assert place.query(LATE)[0]["late"] >= len(late)


def keep_the_later(paths: Sequence[Path], into: Path) -> list[Trade]:
    """Write each file's later frames into one; its early trades, as an archive has them."""
    early: list[Trade] = []
    with gzip.open(into, "wt", encoding="utf-8") as out:
        for path in paths:
            with gzip.open(path, "rt", encoding="utf-8") as file:
                lines = file.read().splitlines()
            cut = int(len(lines) * EARLY_SHARE)
            early += [_trade(line) for line in lines[:cut]]
            out.writelines(f"{line}\n" for line in lines[cut:])
    return early


def write(producer: Producer, settings: Settings, values: Iterable[bytes]) -> None:
    for value in values:
        producer.produce(settings.kafka_topic, value, key=parse_frame(value)["symbol"].encode())
        producer.poll(0)
    assert producer.flush(60) == 0


@contextmanager
def topic(settings: Settings) -> Iterator[tuple[TopicReader, Producer]]:
    """The folder's broker, between two runs."""
    with Stack(settings, print) as stack:
        servers = stack.start_kafka()
        reader = TopicReader(servers, (settings.kafka_topic,))
        try:
            yield reader, Producer({"bootstrap.servers": servers, "linger.ms": 50})
        finally:
            reader.close()


def _trade(line: str) -> Trade:
    event = event_of(parse_frame(line))
    return parse_trade(event, int(event["E"]) * 1000, "archive")
