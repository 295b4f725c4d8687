"""The seeded market is a pure function, and everything REST says agrees with the feed."""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import SettingsError
from lakehouse.exchanges import binance
from producer.simulator.frames import Frame, Tick, rest_row
from producer.simulator.history import Extent
from producer.simulator.market import Market, MarketSpec
from producer.simulator.market_source import MarketHistory, MarketSource
from producer.simulator.sources import first_frames

START_US = 1_723_161_254_000_000
SPEC = MarketSpec(("BTCUSDT", "ETHUSDT", "DOGEUSDT"), seed=3, rate=50.0, trades=900)


def frames_of(spec: MarketSpec, count: int) -> list[Frame]:
    source = MarketSource(spec, START_US)
    source.begin(0)
    return first_frames(source, count)


@given(st.integers(0, 2**40), st.integers(0, 10**15), st.permutations(range(6)))
def test_a_trade_depends_on_seed_symbol_and_id_alone(
    seed: int, agg_id: int, order: list[int]
) -> None:
    spec = MarketSpec(("BTCUSDT", "SOLUSDT"), seed=seed, first_id=agg_id)
    market, again = Market(spec), Market(spec)
    forwards = {at: market.tick(1, agg_id + at * 200) for at in range(6)}
    assert {at: again.tick(1, agg_id + at * 200) for at in order} == forwards


def test_other_symbols_change_the_schedule_but_not_the_trade() -> None:
    alone, among = Market(MarketSpec(("ETHUSDT",))), Market(MarketSpec(("BTCUSDT", "ETHUSDT")))
    for agg_id in range(1_000_000, 1_001_000):
        one = alone.tick(0, agg_id)
        assert one._replace(time=0) == among.tick(1, agg_id)._replace(time=0)


def test_seeds_differ() -> None:
    one, two = Market(MarketSpec(("BTCUSDT",), seed=1)), Market(MarketSpec(("BTCUSDT",), seed=2))
    same = sum(one.tick(0, i).qty == two.tick(0, i).qty for i in range(1_000_000, 1_000_500))
    assert same < 50


@given(st.integers(0, 10**15), st.floats(0.5, 100_000), st.integers(1, 5), st.floats(0, 10))
def test_times_rise_and_trade_ids_chain(
    first_id: int, rate: float, size: int, spike_every: float
) -> None:
    symbols = ("BTCUSDT", "ETHUSDT", "XRPUSDT", "NEWUSDT", "DOGEUSDT")[:size]
    market = Market(MarketSpec(symbols, 1, rate, first_id, spike_every=spike_every))
    fields = [market.fields(number) for number in range(0, 600)]
    times = [market.time_ns(number) for number in range(0, 600)]
    assert times == [field[5] for field in fields] == sorted(times)
    for row in range(size):
        mine = fields[row::size]
        assert [field[0] for field in mine] == list(range(first_id, first_id + len(mine)))
        assert all(b[3] == a[4] + 1 for a, b in pairwise(mine))
        assert all(1 <= field[4] - field[3] + 1 <= 5 for field in mine)
        assert all(field[1] > 0 and field[2] > 0 for field in mine)


def test_the_exchange_s_parser_reads_every_frame_and_rest_says_the_same() -> None:
    source = MarketSource(SPEC, START_US)
    source.begin(0)
    for frame in first_frames(source, 900):
        trade = binance.parse_trade(binance.event_of(binance.parse_frame(frame.payload)), 0)
        tick = source.history.from_id(trade.symbol, trade.agg_id, 1)[0]
        again = binance.parse_rest_trade(trade.symbol, rest_row(tick), 0)
        assert again._replace(event_time=trade.event_time, source="ws") == trade
        assert (frame.symbol, frame.agg_id) == (trade.symbol, trade.agg_id)
        assert frame.stream == binance.stream_name(trade.symbol)
        assert trade.event_time > trade.trade_time
        assert orjson.dumps(orjson.loads(frame.payload)) == frame.payload


@given(st.integers(0, 900), st.lists(st.integers(1, 100), min_size=1))
def test_batches_do_not_change_the_feed(emitted: int, sizes: list[int]) -> None:
    source = MarketSource(SPEC, START_US)
    source.begin(0)
    taken: list[Frame] = []
    while len(taken) < emitted:
        due = source.next_due()
        assert due is not None
        size = min(sizes[len(taken) % len(sizes)], emitted - len(taken))
        taken.extend(source.take(size, due + 100_000))
    assert taken == frames_of(SPEC, 900)[:emitted]


def test_nothing_is_taken_before_it_is_due() -> None:
    source = MarketSource(SPEC, START_US)
    source.begin(0)
    all_frames = frames_of(SPEC, 900)
    for until in range(START_US, START_US + 18_900_000, 700_000):
        source.take(1000, until)
        assert source.trades_emitted == sum(frame.due <= until for frame in all_frames)
    assert source.next_due() is None


@given(
    st.integers(0, 900), st.sampled_from(SPEC.symbols), st.integers(-5, 320), st.integers(1, 400),
    st.integers(-1000, 20_000), st.integers(0, 20_000),
)  # fmt: skip
def test_history_equals_a_plain_list(
    emitted: int, symbol: str, place: int, limit: int, start_ms: int, length_ms: int
) -> None:
    spec = SPEC._replace(start_ns=START_US * 1000)
    history = MarketHistory(Market(spec))
    history.emitted = emitted
    row = spec.symbols.index(symbol)
    count = len(range(row, emitted, 3))
    plain = [history.market.tick(row, spec.first_id + at) for at in range(count)]
    start, until = START_US + start_ms * 1000, START_US + (start_ms + length_ms) * 1000
    extent = history.extent(symbol)
    assert extent == (Extent(plain[0].agg_id, plain[-1].agg_id, count) if plain else None)
    from_id = spec.first_id + place
    assert (
        history.from_id(symbol, from_id, limit)
        == [tick for tick in plain if tick.agg_id >= max(from_id, spec.first_id)][:limit]
    )
    assert history.latest(symbol, None, limit) == plain[-limit:]
    upto = [tick for tick in plain if tick.time <= until]
    assert history.latest(symbol, until, limit) == upto[-limit:]
    assert list(history.between(symbol, start, until)) == [t for t in upto if t.time >= start]


def test_spikes_move_the_price_and_the_volume_at_their_time_only() -> None:
    calm = Market(MarketSpec(("BTCUSDT",), rate=10))
    wild = Market(MarketSpec(("BTCUSDT",), rate=10, spike_every=100.0))
    for number in range(3000):
        quiet, spiked = calm.fields(number), wild.fields(number)
        inside = number >= 1000 and number % 1000 < 200
        assert (quiet[2] != spiked[2]) == inside
    first, before = wild.fields(1000), wild.fields(999)
    assert abs(first[1] - before[1]) * 100 > before[1] * 1.5


def test_a_market_without_a_start_begins_when_it_is_heard() -> None:
    live = MarketSource(SPEC)
    assert live.begin(START_US) == START_US
    past = MarketSource(SPEC, in_past=True)
    assert past.begin(START_US) == START_US - 18_000_000
    last = first_frames(past, 900)[-1]
    assert START_US - 20_000 < last.due <= START_US + 1_000


@pytest.mark.parametrize(
    "spec",
    [
        MarketSpec(()), MarketSpec(("BTCUSDT", "BTCUSDT")), MarketSpec(("btcusdt",)),
        MarketSpec(("BTCUSDT",), rate=0), MarketSpec(("BTCUSDT",), trades=-1),
        MarketSpec(("BTCUSDT",), spike_every=-1.0), MarketSpec(("BTCUSDT",), first_id=-1),
        MarketSpec(("BTCUSDT",), first_id=10**16), MarketSpec(("A" * 21,)),
    ],
)  # fmt: skip
def test_a_market_that_cannot_be_is_refused(spec: MarketSpec) -> None:
    with pytest.raises(SettingsError):
        Market(spec)


def test_ticks_have_eight_decimals() -> None:
    market = Market(SPEC)
    ticks: list[Tick] = [market.tick(row, 1_000_000 + i) for row in range(3) for i in range(100)]
    assert all(len(text.partition(".")[2]) == 8 for t in ticks for text in (t.price, t.qty))
