"""The simulator's command line is made of a feed; figures are read from the producer's page."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest
from prometheus_client import generate_latest
from typer.testing import CliRunner

from lakehouse.errors import UnreachableError
from lakehouse.pipeline import figures
from lakehouse.pipeline.exchange_watch import ExchangeWatch
from lakehouse.pipeline.feed import Feed, SimulatedExchange
from lakehouse.pipeline.figures import ProducerFigures
from producer.metrics import Counters, registry_of
from producer.simulator.__main__ import app

READY = Path("/run/ready.json")


def pairs(words: list[str]) -> set[tuple[str, str]]:
    return set(pairwise(words))


def test_a_market_is_told_what_defines_it() -> None:
    feed = Feed((), 0, ("BTCUSDT", "ETHUSDT"), 25.0, 100, 7, "2024-08-09T00:00:00Z", 60.0)
    words = feed.command(READY)
    assert words[:3] == [sys.executable, "-m", "producer.simulator"]
    assert pairs(words) >= {
        ("--ready-file", str(READY)),
        ("--speed", "0"),
        ("--symbols", "BTCUSDT,ETHUSDT"),
        ("--rate", "25.0"),
        ("--trades", "100"),
        ("--seed", "7"),
        ("--start", "2024-08-09T00:00:00Z"),
        ("--spike-every", "60.0"),
    }
    assert "--replay" not in words


def test_an_endless_market_has_neither_end_nor_start() -> None:
    words = Feed(symbols=("BTCUSDT",)).command(READY)
    assert not {"--trades", "--start"} & set(words)


def test_a_recording_is_named_by_absolute_paths_and_keeps_its_faults(tmp_path: Path) -> None:
    files = (tmp_path / "a.jsonl", tmp_path / ".." / tmp_path.name / "b.jsonl")
    words = Feed(files, 10, faults=("duplicate:0.1", "garbage:0.2")).command(READY)
    at = words.index("--replay")
    assert words[at + 1 :] == [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    assert pairs(words) >= {("--fault", "duplicate:0.1"), ("--fault", "garbage:0.2")}
    assert "--symbols" not in words


@pytest.mark.parametrize(
    ("feed", "ends"),
    [(Feed(), False), (Feed(trades=1), True), (Feed(replay=(Path("x"),)), True)],
)
def test_what_ends(feed: Feed, ends: bool) -> None:
    assert feed.ends is ends


def test_the_simulator_takes_every_option_that_is_given() -> None:
    market = Feed((), 1, ("BTCUSDT",), 1, 1, 1, "2024-08-09T00:00:00Z", 1.0, ("lose:0.1",))
    given = {word for word in market.command(READY) if word.startswith("--")} | {"--replay"}
    known = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "300"}).output
    assert [option for option in sorted(given) if option not in known] == []


def test_a_simulator_that_is_gone_is_an_error_of_its_kind(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text('{"host": "127.0.0.1", "port": 1, "pid": 1, "symbols": ["BTCUSDT"]}')
    exchange = SimulatedExchange.from_ready_file(ready)
    assert (exchange.ws_url, exchange.rest_url) == ("ws://127.0.0.1:1", "http://127.0.0.1:1")
    with pytest.raises(UnreachableError, match="simulator does not answer"):
        exchange.status()


def test_the_figures_are_those_of_the_real_page() -> None:
    counters = Counters(["BTCUSDT"])
    for name in ("frames_received", "accepted"):
        setattr(counters, name, 10)
    counters.delivered, counters.dlq_delivered, counters.gaps, counters.connected = 7, 1, 2, 1
    counters.trade("BTCUSDT")
    counters.acknowledged(0)
    page = generate_latest(registry_of(counters)).decode()
    assert figures.parse(page) == ProducerFigures(
        frames_received=10, delivered=7, dlq_delivered=1, in_flight=2, gaps=2, connected=1
    )


@pytest.mark.parametrize(
    ("found", "all_accounted"),
    [
        (ProducerFigures(), True),
        (ProducerFigures(10, 1, 8, 1), True),
        (ProducerFigures(10, 1, 8, 0), False),
        (ProducerFigures(10, 1, 8, 1, in_flight=1), False),
    ],
)
def test_a_frame_without_an_acknowledgement_is_waited_for(
    found: ProducerFigures, all_accounted: bool
) -> None:
    assert found.all_accounted is all_accounted


def test_no_page_is_no_figures() -> None:
    assert figures.fetch(1) is None


def test_an_absent_exchange_is_told_once_and_its_return_too() -> None:
    said: list[str] = []
    watch = ExchangeWatch("ws://exchange", said.append)
    away, there = ProducerFigures(), ProducerFigures(connected=1)
    for now in range(10):
        watch.see(away, now)
    assert said == ["The exchange ws://exchange can't be reached; the producer keeps trying."]
    watch.see(there, 10)
    assert said[1:] == ["The exchange is there again."]
    for now in (11, 12, 13):  # a quick reconnect
        watch.see(away, now)
        watch.see(there, now + 0.5)
    assert len(said) == 2


class HalfAnswer(BaseHTTPRequestHandler):
    """A producer that is killed in the middle of its answer."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half")

    def log_message(self, *_: object) -> None:
        """Nothing."""


def serve_twice(server: HTTPServer) -> None:
    server.handle_request()
    server.handle_request()


def test_a_producer_killed_amid_its_answer_or_behind_a_proxy_setting_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with HTTPServer(("127.0.0.1", 0), HalfAnswer) as server:
        port = server.server_port
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.delenv("no_proxy", raising=False)
        served = Thread(target=serve_twice, args=(server,), daemon=True)
        served.start()
        assert figures.fetch(port) is None
        assert figures.last_ids(port) == {}
        served.join(5)
        assert not served.is_alive(), "asked directly, not by a proxy"
