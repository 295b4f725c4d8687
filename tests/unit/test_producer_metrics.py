"""The figures: names as documented, counts that add up, bounded labels."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from producer.logs import Limit
from producer.metrics import PREFIX, Counters, Latency, registry_of

DOCS = Path(__file__).parents[2] / "docs" / "producer.md"


def samples(counters: Counters) -> dict[tuple[str, str], float]:
    """Every sample by name without prefix and its only label's value."""
    text = generate_latest(registry_of(counters)).decode()
    return {
        (sample.name.removeprefix(PREFIX), next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_metric_is_documented() -> None:
    counters = Counters(("BTCUSDT",))
    counters.dead_letter("not_json")
    documented = DOCS.read_text()
    names = {name for name, _ in samples(counters) if not name.startswith("process_")}
    histogram = ("_bucket", "_count", "_sum")
    for name in names - {"receive_to_ack_seconds" + end for end in histogram}:
        assert f"`{name}`" in documented, name
    assert "`receive_to_ack_seconds`" in documented


def test_in_flight_and_unaccounted_follow_from_the_counts() -> None:
    counters = Counters()
    counters.frames_received, counters.accepted, counters.control_frames = 10, 9, 1
    counters.delivered, counters.dlq_delivered = 5, 2
    assert (counters.in_flight, counters.unaccounted) == (2, 2)
    assert samples(counters)["in_flight", ""] == 2


def test_a_symbol_that_was_not_asked_for_makes_no_label() -> None:
    counters = Counters(("BTCUSDT",))
    for symbol in ("BTCUSDT", "HOSTILE1", "HOSTILE2"):
        counters.trade(symbol)
    assert counters.trades == {"BTCUSDT": 1, "other": 2}
    assert samples(counters)["trades_received_total", "other"] == 2


def test_symbols_come_and_go_without_losing_their_counts() -> None:
    counters = Counters(("BTCUSDT",))
    counters.trade("BTCUSDT")
    counters.follow(("ETHUSDT", "SOLUSDT"))
    counters.trade("ETHUSDT")
    counters.trade("BTCUSDT")  # one that was on its way when it was let go
    assert counters.trades == {"BTCUSDT": 2, "ETHUSDT": 1, "SOLUSDT": 0, "other": 0}
    assert samples(counters)["symbols_followed", ""] == 2


def test_reasons_are_bounded_and_none_is_uncounted() -> None:
    counters = Counters()
    for number in range(1000):
        counters.dead_letter(f"reason{number}")
    assert len(counters.dead_letters) <= 65
    assert sum(counters.dead_letters.values()) == 1000


@given(st.lists(st.floats(0, 100), max_size=50))
def test_the_histogram_counts_each_measurement_once(measured: list[float]) -> None:
    latency = Latency()
    for seconds in measured:
        latency.observe(seconds)
    for bound, count in latency.cumulative():
        assert count == sum(seconds <= float(bound) for seconds in measured)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), max_size=50))
def test_a_limited_line_tells_how_many_were_held_back(asked: list[tuple[str, int]]) -> None:
    limit, now, told = Limit(2.0), 0.0, 0
    for key, wait in asked:
        now += wait
        unsaid = limit.ask(key, now)
        told += 0 if unsaid is None else 1 + unsaid
    for key in "ab":
        unsaid = limit.ask(key, now + 10)
        assert unsaid is not None
        told += unsaid
    assert told == len(asked)
