"""Somebody else who writes into the trades' topic: bad records, repeated ones, late ones."""

from random import Random
from typing import Any, Final

import orjson
from confluent_kafka import Producer

from lakehouse.messages import encode
from lakehouse.trade import Trade
from tests.chaos.bad_records import bad_record
from tests.chaos.exchange_process import ExchangeProcess

_PATIENCE_MS: Final = 600_000


class TopicWriter:
    """Remembers what it wrote: `bad` and `late` are values, which the topic holds as they are."""

    def __init__(self, servers: str, topic: str, exchange: ExchangeProcess, rng: Random) -> None:
        options = {"bootstrap.servers": servers, "enable.idempotence": True, "log_level": 0}
        # As our producer, and as Java's clients do: a symbol has one partition.
        options["partitioner"] = "murmur2_random"
        options |= {"delivery.timeout.ms": _PATIENCE_MS, "error_cb": lambda _: None}
        self._producer = Producer(options)
        self._topic = topic
        self._exchange = exchange
        self._rng = rng
        self._number = 0
        self.bad: set[bytes] = set()
        self.late: dict[bytes, tuple[str, int]] = {}
        self.repeated = 0

    def write_bad(self, count: int) -> None:
        """Records that break a rule."""
        for _ in range(count):
            self._number += 1
            symbol = self._rng.choice(self._exchange.order.symbols)
            good = orjson.loads(self._message(symbol, self._exchange.last_ids()[symbol], "ws"))
            value = bad_record(self._rng, self._number, good)
            self.bad.add(value)
            self._send(symbol, value)

    def write_late(self, symbol: str, ids: range) -> None:
        """True trades that the producer never had, as an archive brings them."""
        for agg_id in ids:
            value = self._message(symbol, agg_id, "archive")
            self.late[value] = (symbol, agg_id)
            self._send(symbol, value)

    def write_again(self, values: list[tuple[str, bytes]]) -> None:
        """What the topic has already, once more."""
        self.repeated += len(values)
        for symbol, value in values:
            self._send(symbol, value)

    def flush(self) -> None:
        """Wait until Kafka has it all."""
        left = self._producer.flush(_PATIENCE_MS / 1000)
        assert left == 0, f"{left} records were not taken"

    def _send(self, symbol: str, value: bytes) -> None:
        self._producer.produce(self._topic, value, key=symbol.encode())
        self._producer.poll(0)

    def _message(self, symbol: str, agg_id: int, source: Any) -> bytes:
        tick = self._exchange.tick(symbol, agg_id)
        at = tick.time // 1000 * 1000
        return encode(
            Trade(
                "binance", symbol, agg_id, tick.price, tick.qty, tick.first_trade_id,
                tick.last_trade_id, at, at, tick.is_buyer_maker, at, source,
            )
        )  # fmt: skip
