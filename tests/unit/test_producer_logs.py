"""Log lines: JSON whatever is logged, bounded in number and size, and no secret in any."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog import DropEvent

from lakehouse.settings import load
from lakehouse.stack.log_file import telling_line
from producer.log_lines import BURST, BURST_SECONDS, MAX_KEYS, Clean, Flood, Limit
from producer.logs import secrets_of

ROOT = Path(__file__).resolve().parents[2]
SECRET = "hunter2/secret"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def cleaned(value: object, *secrets: str) -> Any:
    return Clean(secrets)(None, "info", {"event": "e", "value": value})["value"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("wss://joe:p4ss@host/stream", "wss://***@host/stream"),
        ("at https://tok@host:80/x?y=1", "at https://***@host:80/x?y=1"),
        ("wss://h/stream?streams=btcusdt@aggTrade", "wss://h/stream?streams=btcusdt@aggTrade"),
        ("http://h/p?apiKey=abc&x=1&signature=def'", "http://h/p?apiKey=***&x=1&signature=***'"),
        (f"it is {SECRET}!", "it is ***!"),
        ("two http://a:b@c d://e:f@g", "two http://***@c d://***@g"),
    ],
)
def test_secrets_are_masked(text: str, wanted: str) -> None:
    assert cleaned(text, SECRET, "hunter2") == wanted


def test_secrets_are_masked_wherever_they_stand() -> None:
    value = {
        "a": [SECRET, {SECRET: (f"x{SECRET}",)}],
        "b": ValueError(SECRET),
        "c": SECRET.encode(),
    }
    found = json.dumps(cleaned(value, SECRET))
    assert "hunter2" not in found and found.count("***") == 5


def test_the_secrets_of_the_settings() -> None:
    found = load(
        _env_file=None,
        s3_secret_key="s3cr3t",
        binance_rest_url="http://joe:p%40ss@host",
        lake_catalog_uri="http://[broken@",
    )
    assert secrets_of(found) == {"s3cr3t", "p%40ss", "p@ss"}


@pytest.mark.parametrize(
    "value",
    [Broken(), Path("/x"), Decimal("1.10"), b"\xff", "\ud800", 2**70, -(2**63), float("nan"),
     {1: {2}}, ["x"] * 10_000, "y" * 1_000_000, RuntimeError("z"), {"a": {"b": {"c": {"d": {}}}}}],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_every_value_becomes_a_line_of_bounded_size(value: object) -> None:
    assert len(json.dumps(cleaned(value))) < 20_000


def test_the_end_of_a_long_text_is_kept() -> None:
    found = cleaned("Traceback" + "x" * 100_000 + "ValueError: this")
    assert found.startswith("Traceback") and found.endswith("ValueError: this")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(json_like)
def test_nothing_logged_breaks_the_renderer(value: object) -> None:
    assert orjson.loads(orjson.dumps(Clean()(None, "info", {"event": value, "again": value})))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_flood_is_bounded_and_counted() -> None:
    clock, told, unsaid = Clock(), 0, 0
    flood = Flood(clock)
    for number in range(10_000):
        clock.now += 0.01
        try:
            event = flood(None, "info", {"event": "loop", "unsaid": 1})
        except DropEvent:
            continue
        told += 1
        unsaid += event["unsaid"]
        assert number > 0 or event["unsaid"] == 1
    assert told <= BURST + 100 / BURST_SECONDS * BURST
    assert told + unsaid + flood.untold().get("loop", 0) == 20_000
    assert "unsaid" not in flood(None, "info", {"event": "other thing"})


def test_events_without_number_share_a_bound() -> None:
    flood, told = Flood(Clock()), 0
    for number in range(100_000):
        try:
            flood(None, "info", {"event": f"e{number}"})
        except DropEvent:
            continue
        told += 1
    assert told == MAX_KEYS + BURST
    assert len(flood.untold()) == 1


def test_the_keys_of_a_limit_are_bounded_and_free_themselves() -> None:
    limit = Limit(10.0)
    told = sum(limit.ask(f"k{number}", 0.0) is not None for number in range(10_000))
    assert told == MAX_KEYS + 1
    assert limit.ask("fresh", 20.0) == 0
    assert limit.ask("other", 20.0) == 10_000 - told


SCRIPT = f"""
import asyncio, logging, threading, warnings
from lakehouse.settings import load
from producer.logs import begin
log = begin(load(s3_secret_key={SECRET!r}))
for number in range(1000):
    logging.getLogger("aiohttp.server").error("request %d failed", number)
    log.info("looping", number=number)
logging.getLogger("picows").warning("%d", "no number")
logging.getLogger("asyncio").info("too low to be told")
warnings.warn("an old thing")
async def main():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)
asyncio.run(main())
thread = threading.Thread(target=lambda: [].pop())
thread.start()
thread.join()
raise RuntimeError("key={SECRET} and wss://joe:p4ss@host/")
"""


def test_a_process_writes_nothing_but_json_lines() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert len({line["run_id"] for line in lines}) == 1
    assert "hunter2" not in done.stderr and "p4ss" not in done.stderr
    of_library = [line["library"] for line in lines if line["event"] == "library"]
    assert of_library == ["aiohttp.server", "picows", "py.warnings", "asyncio"]
    assert sum(line["event"] == "looping" for line in lines) == BURST
    uncaught = [line for line in lines if line["event"] == "uncaught"]
    assert [line["where"] for line in uncaught] == ["thread", "main"]
    assert "IndexError" in uncaught[0]["exception"] and "***" in uncaught[1]["exception"]
    assert uncaught[1]["error"] == "RuntimeError: key=*** and wss://***@host/"
    assert telling_line(done.stderr.splitlines()).index("RuntimeError: key") < 100
    assert lines[-1]["event"] == "unsaid_at_exit"
    assert lines[-1]["events"] == {"looping": 1000 - BURST}


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    script = "from producer.logs import *\nlog = configure('INFO')\nlog.info('x')\nprint('alive')"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=full, text=True,
            cwd=ROOT, check=False,
        )  # fmt: skip
    assert done.stdout == "alive\n"
