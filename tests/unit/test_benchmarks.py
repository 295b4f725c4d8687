"""What the benchmarks compute: a wrong median or slope would be published as a figure."""

import json
import math
import xml.etree.ElementTree as ET

import orjson
import pytest

from benchmarks import chart, frames, ours
from benchmarks.figures import Result, middle, quantile, ratio, slope
from benchmarks.samples import Sample, csv_lines, judge
from lakehouse.exchanges.binance import event_of, parse_frame, parse_trade


def result(client: str, seconds: float, in_kafka: int | None = None, repeated: int = 0) -> Result:
    """A run of 1,000 frames."""
    return Result(client, 1_000, seconds, 0.5, 10.0, in_kafka=in_kafka, repeated=repeated)


def sample(seconds: float, rss_mib: float) -> Sample:
    """A look at a producer that has acknowledged all but ten."""
    return Sample(seconds, rss_mib, 0.4, 110, 100, 5, math.nan)


def payload(wire: bytes) -> bytes:
    """A small frame's payload: the header has two bytes and two of length."""
    assert wire[0] == 0x81 and wire[1] == 126
    return wire[4:]


def test_frames_are_trades_with_contiguous_ids() -> None:
    trades = [parse_trade(event_of(parse_frame(payload(frames.frame(n)))), 1) for n in range(50)]
    for symbol in frames.SYMBOLS:
        ids = [trade.agg_id for trade in trades if trade.symbol == symbol]
        assert ids == list(range(frames.FIRST_ID, frames.FIRST_ID + 25))


def test_a_chunk_is_its_frames() -> None:
    assert frames.chunk(3, 6) == b"".join(frames.frame(number) for number in (3, 4, 5))


def test_rest_gives_the_trades_the_stream_gave_and_none_of_the_future() -> None:
    path = f"/api/v3/aggTrades?symbol=ETHUSDT&fromId={frames.FIRST_ID + 1}&limit=1000"
    answer = frames.rest_answer(path, sent=7)
    assert answer is not None
    streamed = [orjson.loads(payload(frames.frame(number)))["data"] for number in (3, 5)]
    assert [trade["a"] for trade in json.loads(answer)] == [trade["a"] for trade in streamed]
    assert json.loads(answer)[0] == streamed[0]


def test_rest_keeps_to_the_limit_and_knows_its_paths() -> None:
    answer = frames.rest_answer("/api/v3/aggTrades?symbol=BTCUSDT&limit=2", sent=100)
    assert answer is not None
    assert [trade["a"] - frames.FIRST_ID for trade in json.loads(answer)] == [48, 49]
    assert frames.rest_answer("/api/v3/depth?symbol=BTCUSDT", sent=1) is None


def test_ratios_are_taken_within_a_round() -> None:
    rounds = [
        {"base": result("base", 1.0), "ours": result("ours", 2.0)},
        {"base": result("base", 10.0), "ours": result("ours", 20.0)},
        {"base": result("base", 1.0), "ours": result("ours", 10.0)},
    ]
    assert ratio(rounds, "ours", "base", lambda row: row.rate) == pytest.approx(0.5)
    assert middle(rounds, "ours", lambda row: row.rate) == pytest.approx(100.0)
    assert math.isnan(middle(rounds, "ours", lambda row: row.p99_ms))


@pytest.mark.parametrize(
    ("in_kafka", "repeated", "complete"),
    [(None, 0, True), (1_000, 0, True), (999, 0, False), (1_000, 1, False)],
)
def test_complete_is_each_exactly_once(in_kafka: int | None, repeated: int, complete: bool) -> None:
    assert result("ours", 1.0, in_kafka, repeated).complete is complete


def test_quantile_is_linear_inside_a_bucket() -> None:
    buckets = [(0.1, 50.0), (0.2, 100.0), (math.inf, 100.0)]
    assert quantile(buckets, 0.75) == pytest.approx(0.15)
    assert quantile([(0.1, 0.0), (math.inf, 10.0)], 0.5) == pytest.approx(0.1)
    assert math.isnan(quantile([(0.1, 0.0), (math.inf, 0.0)], 0.5))


def test_latency_of_a_stretch_leaves_out_what_came_before() -> None:
    name = "receive_to_ack_seconds_bucket"
    before = {f"{name}0.1": 90.0, f"{name}0.2": 90.0, f"{name}+Inf": 90.0}
    after = {f"{name}0.1": 90.0, f"{name}0.2": 100.0, f"{name}+Inf": 100.0}
    assert ours.latency(after, 0.5) == pytest.approx(1000 * 0.1 * 50 / 90)
    assert ours.latency(after, 0.5, before) == pytest.approx(150.0)


def test_slope_of_a_line() -> None:
    assert slope([(float(x), 3.0 * x + 7) for x in range(10)]) == pytest.approx(3.0)
    assert slope([(1.0, 5.0)]) == 0.0


def test_growth_is_judged_after_the_warm_up() -> None:
    warming = [sample(at, 60.0 + at) for at in range(0, 100, 5)]
    level = [sample(at, 160.0 + at % 2) for at in range(100, 1_000, 5)]
    assert judge([*warming, *level], 100).flat
    leaking = [sample(at, 160.0 + at / 100) for at in range(100, 1_000, 5)]
    verdict = judge([*warming, *leaking], 100)
    assert not verdict.flat and verdict.mib_per_hour == pytest.approx(36.0)


def test_csv_has_a_column_for_every_figure() -> None:
    header, line = csv_lines([sample(5.0, 60.0)])
    assert len(header.split(",")) == len(line.split(","))
    assert dict(zip(header.split(","), line.split(","), strict=True))["lag"] == "10"


def test_the_picture_is_xml_and_leaves_out_what_is_not_there() -> None:
    drawn = chart.draw("title", [0.0, 1.0, 2.0], [chart.Band("ms", [math.nan, 5.0, 10.0])])
    [line] = ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}polyline")
    assert len(line.attrib["points"].split()) == 2
