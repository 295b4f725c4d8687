"""Recordings: what a line is, how files merge, and the history they leave."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import SettingsError
from lakehouse.trade import Trade
from producer.simulator.frames import BINARY, TEXT, Tick, message, opcode_of, raw_payload
from producer.simulator.history import Extent, RecordedHistory
from producer.simulator.recording import merged, read_line, scan
from producer.simulator.sources import RecordedSource, first_frames

E0 = 1_723_161_255_000


def line(symbol: str, agg_id: int, event_ms: int) -> bytes:
    return (
        b'{"stream":"%b@aggTrade","data":{"e":"aggTrade","E":%d,"s":"%b","a":%d,'
        b'"p":"61837.63000000","q":"0.02000000","f":%d,"l":%d,"T":%d,"m":true,"M":true}}'
        % (symbol.lower().encode(), event_ms, symbol.encode(), agg_id, agg_id, agg_id, event_ms)
    )


def write(path: Path, lines: list[bytes]) -> Path:
    content = b"".join(item + b"\n" for item in lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def test_a_receive_time_is_not_part_of_the_frame() -> None:
    payload = line("BTCUSDT", 1, E0)
    plain, timed = read_line(payload, 0), read_line(b"1723161254087896568 " + payload, 0)
    assert plain == timed
    assert plain.frame.payload == payload
    assert plain.frame.stream == "btcusdt@aggTrade"
    assert plain.frame.due == E0 * 1000
    assert (plain.frame.symbol, plain.frame.agg_id) == ("BTCUSDT", 1)


@pytest.mark.parametrize(
    "garbage", [b"{", b"\xff\xfe", b"null", b'{"result":null,"id":1}', b"  x  ", b"5 6", b"[]\r"]
)
def test_garbage_goes_to_all_as_it_came_at_the_time_before(garbage: bytes) -> None:
    for prefix in (b"", b"1723161254087896568 "):
        frame = read_line(prefix + garbage, 77).frame
        assert (frame.due, frame.stream, frame.payload) == (77, None, garbage)
        assert not frame.readable
        assert frame.wire == message(garbage, BINARY if garbage[0] == 0xFF else TEXT)


def test_a_raw_event_goes_to_all_and_is_history() -> None:
    payload = raw_payload(read_line(line("BTCUSDT", 5, E0), 0).frame)
    recorded = read_line(payload, 0)
    assert recorded.frame.stream is None
    assert recorded.frame.due == E0 * 1000
    assert recorded.trade is not None
    assert recorded.trade.agg_id == 5


def test_a_broken_trade_of_a_stream_goes_to_the_stream_only() -> None:
    broken = line("BTCUSDT", 5, E0).replace(b'"a":5', b'"a":"5"')
    recorded = read_line(broken, 0)
    assert recorded.trade is None
    assert recorded.frame.stream == "btcusdt@aggTrade"
    assert not recorded.frame.readable


@pytest.mark.parametrize("event_time", [b'"x"', b"-5", b"1" * 30, b"null", b"1.5"])
def test_a_time_no_clock_shows_does_not_move_the_replay(event_time: bytes) -> None:
    odd = line("BTCUSDT", 5, 7).replace(b'"E":7', b'"E":' + event_time)
    assert read_line(odd, 123).frame.due == 123


def test_an_event_time_in_microseconds_is_understood() -> None:
    assert read_line(line("BTCUSDT", 5, E0 * 1000), 0).frame.due == E0 * 1000


events = st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=20)


@given(st.lists(events, min_size=1, max_size=4))
def test_files_merge_by_time_and_keep_their_own_order(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[int, bool]]]
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    paths, contents = [], []
    for number, rows in enumerate(files):
        lines = [
            b"garbage %d %d" % (number, at) if junk else line(f"S{number}USDT", at, E0 + offset)
            for at, (offset, junk) in enumerate(rows)
        ]
        contents.append(lines)
        paths.append(write(folder / f"{number}.jsonl{'.gz' if number % 2 else ''}", lines))
    out = [item.frame for item in merged(paths)]
    assert [frame.due for frame in out] == sorted(frame.due for frame in out)
    for lines in contents:
        assert [frame.payload for frame in out if frame.payload in set(lines)] == lines


def test_scan_counts_frames_blank_lines_and_symbols(tmp_path: Path) -> None:
    raw = raw_payload(read_line(line("SOLUSDT", 1, E0), 0).frame)
    lines = [line("BTCUSDT", 1, E0), b"", b"junk", b"   ", line("ETHUSDT", 1, E0), raw]
    found = scan([write(tmp_path / "a.jsonl", lines)])
    assert (found.frames, found.blank_lines) == (4, 2)
    assert found.symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def test_a_source_plays_every_frame_once_and_remembers_what_has_happened(tmp_path: Path) -> None:
    lines = [line("BTCUSDT", at, E0 + at) for at in range(100)]
    lines[50:50] = [b"junk", lines[49]]
    source = RecordedSource([write(tmp_path / "a.jsonl.gz", lines)])
    assert source.begin(0) == E0 * 1000
    assert source.total == 102
    assert len(source.take(1000, (E0 + 9) * 1000)) == 10
    assert source.history.extent("BTCUSDT") == Extent(0, 9, 10)
    assert [frame.payload for frame in first_frames(source, 200)] == lines[10:]
    assert source.history.extent("BTCUSDT") == Extent(0, 99, 100)
    assert source.next_due() is None


def test_a_last_line_without_an_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line("BTCUSDT", 1, E0) + b"\n" + line("BTCUSDT", 2, E0))
    assert RecordedSource([path]).total == 2


def test_unreadable_files_are_one_clear_sentence(tmp_path: Path) -> None:
    half = tmp_path / "half.jsonl.gz"
    half.write_bytes(gzip.compress(line("BTCUSDT", 1, E0) * 99)[:-9])
    broken = tmp_path / "broken.gz"
    broken.write_bytes(b"\x1f\x8b\x08\x00" + b"\xff" * 60)
    for path in (tmp_path / "missing.jsonl", tmp_path, half, broken):
        with pytest.raises(SettingsError) as refused:
            scan([path])
        assert path.name in str(refused.value)


def test_opcodes() -> None:
    assert opcode_of("é".encode()) == TEXT
    assert opcode_of("é".encode("latin-1")) == BINARY


trades = st.builds(
    lambda symbol, agg_id, time, maker: Trade(
        "binance", symbol, agg_id, "1.50", "2", agg_id, agg_id, time, time, maker, 0, "simulated"
    ),
    st.sampled_from(["BTCUSDT", "ETHUSDT"]),
    st.integers(0, 60),
    st.integers(0, 60),
    st.booleans(),
)


@given(
    st.lists(st.lists(trades, min_size=1, max_size=20), max_size=5),
    st.integers(-3, 65), st.integers(0, 65), st.integers(1, 70),
)  # fmt: skip
def test_history_equals_a_plain_dictionary(
    batches: list[list[Trade]], start: int, until: int, limit: int
) -> None:
    history = RecordedHistory(["BTCUSDT", "ETHUSDT"])
    kept: dict[int, Tick] = {}
    for batch in batches:
        history.add(batch)
        for t in batch:
            if t.symbol == "BTCUSDT":
                tick = Tick(t.agg_id, t.price, t.qty, t.agg_id, t.agg_id, t.trade_time,
                            t.is_buyer_maker)  # fmt: skip
                kept.setdefault(t.agg_id, tick)
    ids = sorted(kept)
    by_time = sorted(kept.values(), key=lambda tick: (tick.time, tick.agg_id))
    upto = [tick for tick in by_time if tick.time <= until]
    extent = Extent(ids[0], ids[-1], len(ids)) if ids else None
    assert history.extent("BTCUSDT") == extent
    assert history.from_id("BTCUSDT", start, limit) == [kept[i] for i in ids if i >= start][:limit]
    assert history.latest("BTCUSDT", None, limit) == [kept[i] for i in ids][-limit:]
    assert history.latest("BTCUSDT", until, limit) == sorted(upto[-limit:])
    assert list(history.between("BTCUSDT", start, until)) == [t for t in upto if t.time >= start]
