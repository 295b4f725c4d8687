"""Logs never get into what a command prints."""

import json

import pytest
import structlog

from lakehouse import cli, logs


def test_a_line_goes_to_the_stderr_of_that_moment(capsys: pytest.CaptureFixture[str]) -> None:
    logs.to_stderr()
    structlog.get_logger().warning("stamina.retry_scheduled")
    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err)["event"] == "stamina.retry_scheduled"


def test_every_command_logs_to_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    structlog.reset_defaults()
    monkeypatch.setattr(cli, "app", lambda: structlog.get_logger().warning("amid the result"))
    try:
        cli.main()
    finally:
        logs.to_stderr()
    told = capsys.readouterr()
    assert told.out == "" and "amid the result" in told.err
