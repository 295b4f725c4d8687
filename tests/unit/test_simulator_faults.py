"""Faults: their text, their effect, and that a seed gives the same ones again."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import SettingsError, UnreadableError
from lakehouse.exchanges import binance
from producer.simulator import fault_specs, garbage
from producer.simulator.control import read_faults
from producer.simulator.faults import Action, FaultSet, Feed, LinkScript
from producer.simulator.frames import Frame, raw_payload
from producer.simulator.market import MarketSpec
from producer.simulator.market_source import MarketSource
from producer.simulator.sources import first_frames

START_US = 1_723_161_254_000_000


def market_frames(count: int) -> list[Frame]:
    source = MarketSource(MarketSpec(("BTCUSDT", "ETHUSDT"), rate=100.0), START_US)
    source.begin(0)
    return first_frames(source, count)


FRAMES = market_frames(600)


def fed(specs: list[str], frames: list[Frame], seed: int = 0, size: int = 1000) -> list[Frame]:
    feed = Feed(FaultSet(seed, map(fault_specs.parse, specs)))
    out: list[Frame] = []
    for at in range(0, len(frames), size):
        out.extend(feed.apply(frames[at : at + size]))
    return out + feed.release(None)


@given(st.integers(0, 10**6), st.sampled_from(garbage.KINDS), st.integers(0, 599), st.booleans())
def test_garbage_of_every_kind_is_refused(seed: int, kind: str, at: int, raw: bool) -> None:
    payload = raw_payload(FRAMES[at]) if raw else FRAMES[at].payload
    with pytest.raises(UnreadableError):
        made = garbage.make(Random(seed), payload, kind)
        binance.parse_trade(binance.event_of(binance.parse_frame(made)), 0)


def test_every_wrong_value_is_refused_and_every_kind_comes() -> None:
    rng = Random(1)
    made = [garbage.make(rng, FRAMES[0].payload) for _ in range(4000)]
    reasons: Counter[str] = Counter()
    for frame in made:
        with pytest.raises(UnreadableError) as refused:
            binance.parse_trade(binance.event_of(binance.parse_frame(frame)), 0)
        reasons[refused.value.reason.partition(":")[0]] += 1
    assert {"empty_frame", "not_json", "not_an_object", "field_missing", "agg_id_unreadable"} <= {
        *reasons
    }
    assert len(reasons) >= 12


def test_without_faults_the_feed_is_what_it_was() -> None:
    assert fed([], FRAMES) == FRAMES


def test_drop_withholds_exactly_these_ids() -> None:
    out = fed(["drop:BTCUSDT:1000010-1000019", "drop:ETHUSDT:1000005"], FRAMES)
    gone = set(FRAMES) - set(out)
    assert {(frame.symbol, frame.agg_id) for frame in gone} == {
        *(("BTCUSDT", 1_000_000 + at) for at in range(10, 20)),
        ("ETHUSDT", 1_000_005),
    }
    assert [frame for frame in FRAMES if frame not in gone] == out


@given(st.integers(0, 10**6), st.integers(1, 200))
def test_the_same_seed_gives_the_same_faults_whatever_the_batches(seed: int, size: int) -> None:
    specs = ["lose:0.05", "garbage:0.1", "duplicate:0.1", "reorder:2s"]
    assert fed(specs, FRAMES, seed, size) == fed(specs, FRAMES, seed)
    assert fed(specs, FRAMES, seed) != fed(specs, FRAMES, seed + 1)


@given(st.integers(0, 10**6))
def test_duplicates_and_reordering_lose_nothing(seed: int) -> None:
    faults = FaultSet(seed, map(fault_specs.parse, ["duplicate:0.2", "reorder:1s,p=0.3"]))
    feed = Feed(faults)
    out = [*feed.apply(FRAMES), *feed.release(None)]
    extra = Counter(out) - Counter(FRAMES)
    assert not Counter(FRAMES) - Counter(out)
    assert extra.total() == feed.duplicates == faults.fired["duplicate"] > 0
    assert faults.fired["reorder"] > 0


def test_reordering_stays_within_its_seconds() -> None:
    out = fed(["reorder:1s,p=0.3"], FRAMES)
    assert any(a.due > b.due for a, b in pairwise(out))
    latest = 0
    for frame in out:
        latest = max(latest, frame.due)
        assert latest - frame.due <= 1_000_000 + 20_000


def test_garbage_is_counted_and_goes_to_all() -> None:
    feed = Feed(FaultSet(1, [fault_specs.parse("garbage:0.2")]))
    out = list(feed.apply(FRAMES))
    made = [frame for frame in out if not frame.readable]
    assert len(made) == feed.garbage == len(out) - len(FRAMES) > 60
    assert all(frame.stream is None for frame in made)


def test_times_limits_how_often_a_fault_strikes() -> None:
    assert len(fed(["lose:1,times=7"], FRAMES)) == len(FRAMES) - 7


def actions(specs: list[str], count: int, symbol: str = "BTCUSDT") -> list[Action]:
    """One frame a second; a cut connection is not used any more."""
    script = LinkScript(FaultSet(0, map(fault_specs.parse, specs)))
    out: list[Action] = []
    sent = 0
    for second in range(count):
        out.append(script.next(sent, float(second), symbol))
        sent += out[-1] is Action.SEND
    return out


def test_a_stall_skips_for_its_seconds_and_only_its_symbol() -> None:
    expected = [Action.SEND] * 5 + [Action.SKIP] * 3 + [Action.SEND] * 2
    assert actions(["stall:after=5,seconds=3"], 10) == expected
    assert actions(["stall:after=5,seconds=3,symbol=BTCUSDT"], 10) == expected
    assert actions(["stall:after=5,seconds=3,symbol=ETHUSDT"], 10) == [Action.SEND] * 10


def test_a_connection_is_cut_after_every_so_many_frames() -> None:
    assert actions(["disconnect:every=4,mid_frame=0"], 5) == [Action.SEND] * 4 + [Action.CUT]
    assert actions(["disconnect:4:1"], 5)[-1] is Action.CUT_INSIDE


def test_each_new_connection_is_cut_again_unless_times_says_otherwise() -> None:
    faults = FaultSet(0, [fault_specs.parse("disconnect:every=1,mid_frame=0,times=2")])
    cuts = 0
    for _ in range(3):
        script = LinkScript(faults)
        assert script.next(0, 0.0, "BTCUSDT") is Action.SEND
        cuts += script.next(1, 0.0, "BTCUSDT") is Action.CUT
    assert cuts == faults.fired["disconnect"] == 2


def test_a_shutdown_is_announced_once() -> None:
    done = actions(["shutdown:after=3,grace=1"], 6)
    assert done == [Action.SEND] * 3 + [Action.SHUTDOWN] + [Action.SEND] * 2


def test_a_fault_armed_later_counts_from_then() -> None:
    faults = FaultSet(0)
    script = LinkScript(faults)
    assert script.next(100, 0.0, "BTCUSDT") is Action.SEND
    faults.add(fault_specs.parse("disconnect:every=10"))
    assert [script.next(sent, 0.0, "") is Action.SEND for sent in (100, 109, 110)] == [
        True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("drop:BTCUSDT:1000-1050", {"symbol": "BTCUSDT", "ids": "1000-1050"}),
        ("duplicate:0.1", {"probability": 0.1}),
        ("reorder:5s", {"seconds": 5.0, "probability": 0.1}),
        ("reorder:5s,p=0.5", {"seconds": 5.0, "probability": 0.5}),
        ("garbage:0.02", {"probability": 0.02}),
        ("stall:after=5000,seconds=30", {"after": 5000, "seconds": 30.0, "times": 1}),
        ("disconnect:every=1000", {"every": 1000, "mid_frame": 0.5, "times": None}),
        ("shutdown:after=10,grace=2s", {"after": 10, "grace": 2.0}),
        ("max-age:60", {"seconds": 60.0}),
        ("rest-status:429,times=3", {"status": 429, "times": 3}),
        ("rest-holes:0.3", {"probability": 0.3}),
    ],
)
def test_the_text_form_is_read(text: str, fields: dict[str, object]) -> None:
    spec = fault_specs.parse(text).model_dump()
    assert {name: spec[name] for name in fields} == fields


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense:1", "duplicate", "duplicate:2", "duplicate:x", "duplicate:0.1:5:6",
        "drop:BTCUSDT", "drop:BTCUSDT:5-x", "stall:after=0,seconds=1", "garbage:0.1,wrong=1",
        "rest-status:200", "reorder:-1s",
    ],
)  # fmt: skip
def test_a_bad_spec_is_one_clear_sentence(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        fault_specs.parse(text)
    assert "\n" not in str(refused.value)
    assert repr(text) in str(refused.value)


def test_faults_come_as_json_too() -> None:
    one = read_faults(b'{"kind":"duplicate","probability":0.1}')
    assert one == read_faults(b'"duplicate:0.1"') == [fault_specs.parse("duplicate:0.1")]
    both = read_faults(b'{"faults":["garbage:0.5",{"kind":"max-age","seconds":3}]}')
    assert [fault.kind for fault in both] == ["garbage", "max-age"]
    for bad in (b"{", b"5", b"{}", b'{"kind":"drop"}', b'["garbage:7"]'):
        with pytest.raises(SettingsError):
            read_faults(bad)
