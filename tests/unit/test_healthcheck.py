"""What a container asks itself: right about a server, a status file, a file's age."""

import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lakehouse.stack import healthcheck


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to stderr."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with HTTPServer(("127.0.0.1", 0), Answers) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()


def test_a_server_is_well_when_it_answers_with_success(server: str) -> None:
    assert healthcheck.main(["http", f"{server}/well"]) == 0
    assert healthcheck.main(["http", f"{server}/ill"]) == 1


def test_nobody_there_is_ill(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert healthcheck.main(["http", "http://127.0.0.1:1/well"]) == 1
    assert "refused" in capsys.readouterr().out


@pytest.mark.parametrize(("seconds", "code"), [(None, 0), (0, 0), (200, 1)])
def test_streams_are_ill_when_one_fails_for_long(
    tmp_path: Path, seconds: float | None, code: int
) -> None:
    since = None if seconds is None else time.time() - seconds
    assert (
        asked(tmp_path, {"jobs": {"a": {"failing_since": None}, "b": {"failing_since": since}}})
        == code
    )


@pytest.mark.parametrize(
    ("told", "code"), [({"jobs": {}}, 0), ({}, 1), ([], 1), ({"jobs": {"a": None}}, 1)]
)
def test_a_status_that_tells_nothing_is_no_good_one(
    tmp_path: Path, told: object, code: int
) -> None:
    assert asked(tmp_path, told) == code


def asked(folder: Path, told: object) -> int:
    path = folder / "spark.json"
    path.write_text(json.dumps(told))
    return healthcheck.main(["status", str(path)])


def test_streams_that_have_not_started_are_not_well(tmp_path: Path) -> None:
    assert healthcheck.main(["status", str(tmp_path / "spark.json")]) == 1


def test_a_file_grows_old(tmp_path: Path) -> None:
    path = tmp_path / "alive"
    assert healthcheck.main(["fresh", str(path), "60"]) == 1
    path.touch()
    assert healthcheck.main(["fresh", str(path), "60"]) == 0
    os.utime(path, (time.time() - 100,) * 2)
    assert healthcheck.main(["fresh", str(path), "60"]) == 1


def test_a_wrong_question_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert healthcheck.main(["fresh", "a", "b"]) == 2
    assert "Usage" in capsys.readouterr().out
