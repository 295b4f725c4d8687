"""A million mutated frames: none raises, each ends as exactly one thing, and the books balance.

FUZZ_FRAMES and CHAOS_SEED change how many and which; tests/fuzzing.py makes them.
"""

import json
import time
from collections import Counter
from typing import Any

import orjson
import structlog
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.messages import decode, encode
from lakehouse.settings import load
from lakehouse.trade import Trade
from producer.memory_sink import DEAD_LETTERS, TRADES, MemorySink
from producer.metrics import Counters
from producer.protocol import Control, DeadLetter, Session
from producer.runtime import Runtime
from producer.sequencer import Gap
from tests.chaos.seeds import FUZZ_FRAMES, SEED
from tests.fuzzing import EVENT, TRADE, frames

SYMBOLS = ("BTCUSDT", "ETHUSDT", "币安人生USDT")
INGEST_TIME = 1_723_161_255_400_000
FIRST_ID = EVENT["a"]


def silent_log() -> Any:
    """The floods of a fuzz run are not worth a line each."""
    return structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(50))


def session() -> Session:
    return Session("wss://exchange", SYMBOLS)


def test_every_mutated_frame_is_one_thing() -> None:
    began, under_test, kinds = time.monotonic(), session(), Counter[str]()
    for number, raw in enumerate(frames(SEED, FUZZ_FRAMES)):
        outcome = under_test.receive(raw, INGEST_TIME)
        if isinstance(outcome, DeadLetter):
            kinds["dead letters"] += 1
            assert outcome.raw == raw and outcome.reason, f"frame {number}: {raw!r}"
        elif isinstance(outcome, Trade):
            kinds["trades"] += 1
            assert outcome.symbol in SYMBOLS
            # The contract's own, slower reader takes what is written for it; a sample is enough.
            value = encode(outcome)
            assert number % 50 or decode(value) == outcome, f"frame {number}: {raw!r}"
        else:
            assert isinstance(outcome, Control), f"frame {number}: {raw!r}"
            kinds[f"control {outcome.kind}"] += 1
    assert kinds.total() == FUZZ_FRAMES
    assert min(kinds["trades"], kinds["dead letters"]) > FUZZ_FRAMES // 10
    _report(FUZZ_FRAMES, time.monotonic() - began, kinds)


class Books:
    """The whole intake over a sink in memory, and an exchange that repairs what it is asked for."""

    def __init__(self) -> None:
        self.counters = Counters(SYMBOLS)
        self.sink = MemorySink(self.counters)
        settings = load(kafka_bootstrap_servers="nowhere:1")
        self.runtime = Runtime(settings, self.sink, self.counters, silent_log())
        self.desk = self.runtime.desk
        self.asked: list[Gap] = []
        self.desk.request = self.asked.append
        self.now = 100.0
        self.in_kafka: set[tuple[str, int]] = set()
        self.dead = 0
        self.repeated: list[tuple[str, int]] = []

    def turn(self) -> None:
        """A moment passes: gaps are declared, answered, acknowledged."""
        self.now += 0.06
        self.runtime.tick(self.now)
        asked, self.asked[:] = self.asked[:], []
        for gap in asked:
            self._answer(gap)
        self.sink.poll()
        for record in self.sink.records:
            self.dead += record.topic == DEAD_LETTERS
            if record.topic == TRADES:
                trade = orjson.loads(record.value)
                key = (trade["symbol"], trade["agg_id"])
                if key in self.in_kafka:
                    self.repeated.append(key)
                self.in_kafka.add(key)
        self.sink.records.clear()

    def _answer(self, gap: Gap) -> None:
        # A mutated id can stand a million ids off: of such a jump the exchange knows nothing.
        if gap.ids > 200:
            self.desk.absent(gap.symbol, gap.from_id, gap.to_id)
            return
        for agg_id in range(gap.from_id, gap.to_id + 1):
            trade = Trade(
                "binance", gap.symbol, agg_id, "1", "1", 1, 1, 0, 0, True, INGEST_TIME, "rest"
            )
            assert self.desk.offer_repaired(trade)


def test_the_books_of_the_whole_intake_balance() -> None:
    began, count, books, under_test = time.monotonic(), FUZZ_FRAMES, Books(), session()
    kinds = Counter[str]()
    for number, mutated in enumerate(frames(SEED + 1, count)):
        # Ids rise, each comes four times: mutation makes jumps, holes and repetitions of them.
        raw = mutated.replace(b"%d" % FIRST_ID, b"%d" % (FIRST_ID + number // 4))
        outcome = under_test.receive(raw, INGEST_TIME)
        kinds[type(outcome).__name__] += 1
        assert books.desk.offer(outcome)
        books.counters.frames_received += 1  # what a connection counts
        if number % 500 == 499:
            books.turn()
    books.desk.hurry(books.now)  # the end: parked trades, whose ids nothing confirmed, go as well
    for _ in range(200):
        books.turn()
    counters = books.counters
    assert kinds.total() == count == counters.frames_received
    assert counters.control_frames == kinds["Control"]
    # Trades whose id nothing confirmed are dead letters too.
    assert books.dead == counters.dlq_delivered >= kinds["DeadLetter"]
    assert len(books.in_kafka) == counters.delivered and not books.repeated
    assert books.desk.idle and counters.unaccounted == 0
    assert count + counters.rest_trades == (
        counters.delivered + counters.dlq_delivered + counters.control_frames + counters.duplicates
    )
    assert min(counters.rest_trades, counters.gaps, counters.duplicates) > 100
    told = {"delivered": counters.delivered, "dead": books.dead, "rest": counters.rest_trades}
    _report(count, time.monotonic() - began, Counter({**told, "gaps": counters.gaps}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(sorted(EVENT))
FIELDS = st.dictionaries(NAMES, JSON, max_size=4)


@given(FIELDS, st.sets(NAMES, max_size=2), st.dictionaries(st.text(), JSON, max_size=2))
def test_structured_frames_are_one_thing_each(
    changed: dict[str, Any], removed: set[str], more: dict[str, Any]
) -> None:
    event = {name: value for name, value in (EVENT | changed).items() if name not in removed}
    for frame in ({"stream": "x", "data": event | more}, event | more, {"data": [event], **more}):
        raw = _dumped(frame)
        outcome = session().receive(raw, INGEST_TIME)
        assert isinstance(outcome, Trade | Control | DeadLetter)
        if isinstance(outcome, DeadLetter):
            assert outcome.raw == raw


@given(st.binary(max_size=64), st.integers(0, len(TRADE)), st.integers(0, len(TRADE)))
def test_spliced_bytes_are_one_thing_each(piece: bytes, begin: int, end: int) -> None:
    raw = TRADE[:begin] + piece + TRADE[end:]
    outcome = session().receive(raw, INGEST_TIME)
    assert isinstance(outcome, Trade | Control | DeadLetter)
    if isinstance(outcome, Trade):
        assert decode(encode(outcome)) == outcome


def _dumped(frame: object) -> bytes:
    """JSON as other writers make it: numbers of any size, NaN, lone surrogates escaped."""
    return json.dumps(frame).encode()


def _report(count: int, seconds: float, kinds: Counter[str]) -> None:
    told = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items()))
    print(f"\nfuzz: CHAOS_SEED={SEED}, {count:,} frames in {seconds:.0f} s: {told}; 0 raised")
