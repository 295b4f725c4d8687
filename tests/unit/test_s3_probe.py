"""What a start learns of S3 before Spark, from a server that answers one and the same."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lakehouse import s3_probe
from lakehouse import settings as settings_module
from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.settings import Settings
from lakehouse.stack.ports import free_ports

SECRET = "a-secret-of-s3"


def lake_at(port: int, **more: str) -> Settings:
    there = {"s3_endpoint": f"http://127.0.0.1:{port}", "s3_access_key": "lake"}
    lake = {"lake_warehouse": "s3://lake/warehouse", "s3_secret_key": SECRET}
    return settings_module.load(_env_file=None, **{**there, **lake, **more})


@contextmanager
def s3_that_says(code: str) -> Iterator[int]:
    """The port of an S3 that refuses everything with this code."""

    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
            self.send_response(403)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Not into the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def test_what_lies_on_s3_is_asked_for_and_nothing_else() -> None:
    port = free_ports(1)[0]
    assert s3_probe.addresses(lake_at(port)) == ["lake/warehouse"]
    both = lake_at(port, checkpoint_dir="s3://lake/checkpoints")
    assert s3_probe.addresses(both) == ["lake/warehouse", "lake/checkpoints"]
    s3_probe.require(lake_at(port, lake_warehouse=""))  # in a folder: nobody is asked


def test_an_s3_that_is_away_is_one_sentence() -> None:
    with pytest.raises(UnreachableError, match="does not answer") as told:
        s3_probe.require(lake_at(free_ports(1)[0]), seconds=1)
    assert "S3_ENDPOINT" in told.value.hint


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken"])
def test_keys_that_s3_does_not_know_are_named(code: str) -> None:
    with s3_that_says(code) as port, pytest.raises(SettingsError, match="S3_SECRET_KEY") as told:
        s3_probe.require(lake_at(port))
    assert SECRET not in str(told.value)


def test_a_key_that_may_not_list_is_left_to_the_work_itself() -> None:
    with s3_that_says("AccessDenied") as port:
        s3_probe.require(lake_at(port))
