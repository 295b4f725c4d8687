"""The desk with a sink in memory: what Kafka holds after gaps, repairs, stalls and stops."""

import structlog

from lakehouse.gaps import read_gap, read_position
from lakehouse.id_ranges import IdRanges
from lakehouse.messages import decode
from lakehouse.settings import load
from lakehouse.trade import Source, Trade
from producer.desk import BEYOND_LIMIT, IMPLAUSIBLE
from producer.memory_sink import DEAD_LETTERS, STATE, TRADES, MemorySink
from producer.metrics import Counters
from producer.protocol import DeadLetter
from producer.recalled import Recalled, combine
from producer.runtime import Runtime
from producer.sequencer import Gap


def trade(agg_id: int, source: Source = "ws", symbol: str = "S") -> Trade:
    return Trade("binance", symbol, agg_id, "1.0", "2.0", 1, 1, 0, 0, True, 0, source)


class Counter:
    """A desk, its sink, and what was asked of the repairer."""

    def __init__(self, capacity: int = 1000, most_repaired: int = 1_000_000) -> None:
        self.counters = Counters(["S"])
        self.sink = MemorySink(self.counters, capacity)
        settings = load(resume_max_trades=most_repaired, kafka_bootstrap_servers="nowhere:1")
        self.runtime = Runtime(settings, self.sink, self.counters, structlog.get_logger())
        self.desk = self.runtime.desk
        self.asked: list[Gap] = []
        self.desk.request = self.asked.append
        self.now = 100.0

    def live(self, *agg_ids: int) -> list[bool]:
        self.counters.frames_received += len(agg_ids)
        return [self.desk.offer(trade(agg_id)) for agg_id in agg_ids]

    def rest(self, *agg_ids: int) -> list[bool]:
        return [self.desk.offer_repaired(trade(agg_id, "rest")) for agg_id in agg_ids]

    def wait(self, seconds: float = 0.1, rounds: int = 5) -> None:
        for _ in range(rounds):
            self.now += seconds
            self.runtime.tick(self.now)

    def ids(self) -> list[int]:
        return [
            decode(record.value).agg_id for record in self.sink.records if record.topic == TRADES
        ]

    def gaps(self) -> list[tuple[int, int, str]]:
        newest = {}
        for record in self.sink.records:
            if record.topic == STATE and b"|S|" in (record.key or b""):
                newest[record.key] = read_gap(record.value)
        return [(g.from_id, g.to_id, g.status) for g in newest.values()]


def test_a_gap_is_recorded_asked_for_and_repaired_in_its_place() -> None:
    world = Counter()
    world.live(1, 2, 6, 7)
    world.wait()
    assert world.asked == [Gap("S", 3, 5)]
    assert world.gaps() == [(3, 5, "open")]
    assert world.ids() == [1, 2]
    world.rest(3, 4, 5)
    world.wait()
    assert world.ids() == [1, 2, 3, 4, 5, 6, 7]
    assert world.gaps() == [(3, 5, "repaired")]
    assert world.counters.unaccounted == 0 and world.desk.idle


def test_a_gap_over_the_limit_is_repaired_as_far_as_that() -> None:
    world = Counter(most_repaired=3)
    world.live(1, 10)
    world.wait()
    assert world.asked == [Gap("S", 7, 9)]
    assert world.gaps() == [(2, 6, "open"), (7, 9, "open")]
    assert world.runtime.ledger.entries()[0].reason == BEYOND_LIMIT


def test_a_full_sink_says_no_and_loses_nothing() -> None:
    world = Counter(capacity=2)
    world.sink.stalled = True
    assert world.live(1, 2, 3) == [True, True, True]  # the third waits at the desk
    assert world.live(4) == [False]
    world.sink.stalled = False
    world.wait()
    assert world.live(4) == [True]
    world.wait()
    assert world.ids() == [1, 2, 3, 4]


def test_what_was_let_through_goes_first_when_the_sink_has_room_again() -> None:
    world = Counter(capacity=3)
    world.live(1, 5, 6, 7)
    world.wait()
    world.sink.stalled = True
    world.rest(2, 3, 4)
    assert world.live(8) == [False]
    world.sink.stalled = False
    for _ in range(5):
        world.wait()
    assert world.live(8) == [True]
    world.wait()
    assert world.ids() == list(range(1, 9))


def test_behind_a_gap_nothing_goes_on_while_its_record_is_not_safe() -> None:
    world = Counter()
    world.live(1, 3)
    world.wait(0.05, 1)
    world.sink.stalled = True
    world.wait(1.0, 5)
    world.live(4)
    world.sink.stalled = False
    world.sink.poll()
    assert world.ids() == [1]
    world.wait()
    assert world.ids() == [1, 3, 4]


def test_duplicates_are_counted_and_not_sent() -> None:
    world = Counter()
    world.live(1, 2, 2, 1)
    world.wait()
    assert world.ids() == [1, 2]
    assert world.counters.duplicates == 2 and world.counters.unaccounted == 0


def test_an_id_nothing_confirms_is_a_dead_letter() -> None:
    world = Counter()
    world.live(1, 10**14, 2)
    world.wait()
    letters = [r for r in world.sink.records if r.topic == DEAD_LETTERS]
    assert [dict(letter.headers)["reason"] for letter in letters] == [IMPLAUSIBLE.encode()]
    assert decode(letters[0].value).agg_id == 10**14
    assert world.counters.unaccounted == 0


def test_an_unreadable_frame_waits_for_room_as_well() -> None:
    world = Counter(capacity=1)
    world.sink.stalled = True
    letter = DeadLetter(b"{", "not_json", 0)
    assert world.desk.offer(letter) and not world.desk.offer(letter)
    assert sum(world.counters.dead_letters.values()) == 1


async def test_a_stop_sends_what_is_held_and_the_next_start_repairs_the_gap() -> None:
    world = Counter()
    world.live(1, 2, 6, 7)
    await world.runtime.finish(2.0)
    assert world.ids() == [1, 2, 6, 7]
    assert world.gaps() == [(3, 5, "open")]
    assert world.counters.unaccounted == 0
    again = Counter()
    again.runtime.resume(recalled(world))
    again.desk.reopen()
    assert again.asked == [Gap("S", 3, 5)]
    assert again.live(7, 8) == [True, True]
    again.rest(3, 4, 5)
    again.wait()
    assert again.ids() == [8, 3, 4, 5]
    assert again.gaps() == [(3, 5, "repaired")]


async def test_a_kill_over_an_open_gap_leaves_one_record_for_each_id() -> None:
    world = Counter()
    world.live(1, 2, 6, 9)
    world.wait()
    assert world.gaps() == [(3, 5, "open"), (7, 8, "open")]
    again = Counter()
    gaps = {r.key: read_gap(r.value) for r in world.sink.records if b"|S|" in (r.key or b"")}
    again.runtime.resume(combine(None, {"S": IdRanges([(1, 2)])}, list(gaps.values()), {0: 2}, 0))
    again.desk.reopen()
    again.live(12)
    again.wait()
    assert again.asked == [Gap("S", 3, 5), Gap("S", 7, 8), Gap("S", 6, 6), Gap("S", 9, 11)]
    again.rest(*range(3, 12))
    again.wait()
    assert again.ids() == list(range(3, 13))
    assert {status for _, _, status in again.gaps()} == {"repaired"}
    assert again.runtime.ledger.open_gaps == 0


async def test_a_kill_in_the_middle_of_a_repair_has_nothing_sent_again() -> None:
    world = Counter()
    world.live(1, 10)
    world.wait(0.5)
    world.rest(2, 3, 4)
    world.wait(0.5, 12)  # the position goes beyond the repaired trades
    again = Counter()
    again.runtime.resume(recalled(world))
    again.desk.reopen()
    assert again.asked == [Gap("S", 5, 9)]
    again.rest(4, 5)
    again.wait()
    assert again.ids() == [5]


async def test_a_gap_found_at_a_start_is_on_record_before_the_position_covers_it() -> None:
    first = Counter()
    first.runtime.resume(combine(None, {"S": IdRanges([(1, 2), (5, 6)])}, [], {0: 4}, 0))
    first.live(7)
    await first.runtime.finish(2.0)
    assert first.gaps() == [(3, 4, "open")]
    again = Counter()
    again.runtime.resume(recalled(first))
    again.desk.reopen()
    assert again.asked == [Gap("S", 3, 4)]


async def test_a_stop_waits_until_a_refused_trade_is_in_the_dead_letters() -> None:
    world = Counter(capacity=1)
    world.live(1)
    world.wait(1.0, 12)  # the position is written
    world.live(10**14)  # nothing confirms it, and there is no room as it is refused
    world.counters.frames_received += 1
    assert world.desk.offer(DeadLetter(b"{", "not_json", 0))
    await world.runtime.finish(2.0)
    assert [r.topic for r in world.sink.records].count(DEAD_LETTERS) == 2
    assert world.counters.unaccounted == 0


async def test_what_came_while_nobody_listened_is_a_gap_at_the_next_start() -> None:
    world = Counter()
    world.live(1, 2)
    await world.runtime.finish(2.0)
    again = Counter()
    again.runtime.resume(recalled(world))
    again.live(50)
    again.wait()
    assert again.asked == [Gap("S", 3, 49)]


def recalled(world: Counter) -> Recalled:
    """What Kafka would tell the next start."""
    state = [record for record in world.sink.records if record.topic == STATE]
    positions = [read_position(r.value) for r in state if (r.key or b"").startswith(b"producer|")]
    gaps = {r.key: read_gap(r.value) for r in state if b"|S|" in (r.key or b"")}
    assert positions, "a stop writes the position"
    return combine(positions[-1], {}, list(gaps.values()), {0: len(world.ids())}, 0)
