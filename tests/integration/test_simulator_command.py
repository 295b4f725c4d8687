"""`python -m producer.simulator` as a user starts it."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from producer.simulator.__main__ import app
from producer.simulator.fault_specs import KINDS

COMMAND = [sys.executable, "-m", "producer.simulator"]


@contextmanager
def started(*options: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def refused(*options: str) -> tuple[int, str]:
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=30)
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_at_once(number: signal.Signals) -> None:
    with started("--symbols", "SOLUSDT,BTCUSDT") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["symbols"] == ["SOLUSDT", "BTCUSDT"]
        assert (ready["host"], ready["pid"]) == ("127.0.0.1", process.pid)
        with urllib.request.urlopen(f"http://127.0.0.1:{ready['port']}/control/status") as answer:
            assert json.load(answer)["ready"] is True
        began = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")
        assert time.monotonic() - began < 3


def test_a_client_does_not_hold_up_the_end() -> None:
    with started() as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(
                b"GET /stream?streams=btcusdt@aggTrade HTTP/1.1\r\nHost: x\r\n"
                b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert client.recv(4096)
            process.terminate()
            _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")


def test_the_ready_file_is_whole_and_several_files_may_follow_replay(tmp_path: Path) -> None:
    line = '{"stream":"%susdt@aggTrade","data":{}}\n'
    for name in ("aaa", "bbb"):
        (tmp_path / name).write_text(line % name)
    ready_file = tmp_path / "ready.json"
    files = [str(tmp_path / name) for name in ("aaa", "bbb")]
    with started("--replay", *files, "--speed", "0", "--ready-file", str(ready_file)) as process:
        deadline = time.monotonic() + 20
        while not ready_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        ready = json.loads(ready_file.read_text())
        assert ready["symbols"] == ["AAAUSDT", "BBBUSDT"]
        assert ready["pid"] == process.pid
        assert {path.name for path in tmp_path.iterdir()} == {"aaa", "bbb", "ready.json"}


def test_what_can_not_be_is_one_sentence_and_an_exit_code(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, text = refused("--port", port)
        assert (code, port in text, "taken" in text) == (4, True, True)
    code, text = refused("--replay", str(tmp_path / "missing.jsonl"))
    assert (code, "missing.jsonl" in text) == (2, True)
    for options in (
        ("--fault", "nonsense:1"), ("--symbols", ""), ("--speed", "-1"), ("--start", "noon"),
        ("--start", "2024-08-09T00:00:00"), ("--host", "not an address"),
        ("--ready-file", str(tmp_path / "no" / "such" / "folder")),
    ):  # fmt: skip
        code, text = refused(*options)
        assert code in (2, 4)
        assert "Traceback" not in text
        assert len(text.strip().splitlines()) == 1


def test_the_page_on_the_simulator_names_every_option_and_fault() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    command = typer.main.get_command(app)
    options = [name for param in command.params for name in param.opts if name.startswith("--")]
    assert len(options) > 15
    assert [name for name in options if f"`{name}" not in page] == []
    assert [kind for kind in KINDS if f"| `{kind}:" not in page] == []
