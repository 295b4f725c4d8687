"""`firehose compose`: clear without Docker, and in the right order with it."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lakehouse.cli import app
from lakehouse.errors import MissingToolError, StackError
from lakehouse.stack import compose
from lakehouse.stack.compose import Compose

CONFIG = {
    "services": {
        "api": {"labels": {"firehose.url": "http://127.0.0.1:8000", "firehose.what": "Page"}},
        "checks": {},
    }
}
# Stands for a Docker with an engine, which no test machine has: writes down what it is asked.
RECORDER = """#!/bin/sh
echo "$*" >> "$RECORD"
case "$*" in *"$FAIL"*) exit 7 ;; esac
case "$*" in *"config --format json"*) cat "$CONFIG" ;; esac
"""


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(RECORDER)
    docker.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("CONFIG", str(tmp_path / "config.json"))
    monkeypatch.setenv("FAIL", "nothing fails")
    return tmp_path / "record"


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["compose", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def asked(record: Path) -> list[str]:
    return [
        line.split(" --file ", 1)[-1].split(" ", 1)[-1] for line in record.read_text().splitlines()
    ]


def test_up_makes_passwords_builds_waits_and_tells_the_addresses(
    record: Path, tmp_path: Path
) -> None:
    env = tmp_path / ".env"
    shown = run("up", "--env-file", str(env), "--profile", "lineage")
    assert asked(record)[2:] == [
        "--profile lineage build",
        "--profile lineage up --detach --wait --wait-timeout 900",
        "--profile lineage config --format json",
    ]
    assert "http://127.0.0.1:8000" in shown and str(env) in shown.replace("\n", "")
    assert env.stat().st_mode & 0o077 == 0
    made = [line.split("=")[1] for line in env.read_text().splitlines() if "=" in line]
    assert made and not any(value in shown for value in made)


def test_down_ends_every_profile_and_keeps_the_data_unless_told(
    record: Path, tmp_path: Path
) -> None:
    run("down", "--env-file", str(tmp_path / ".env"))
    run("down", "--env-file", str(tmp_path / ".env"), "--volumes")
    told = [line for line in asked(record) if " down" in line]
    assert told == [
        "--profile * down --remove-orphans",
        "--profile * down --remove-orphans --volumes",
    ]


def test_logs_follow_the_parts_named(record: Path, tmp_path: Path) -> None:
    run("logs", "producer", "jobs", "--env-file", str(tmp_path / ".env"))
    assert asked(record)[-1] == "--profile * logs --follow --tail 100 producer jobs"


def test_a_failure_of_compose_is_one_sentence(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", "up --detach")
    with pytest.raises(StackError, match="docker compose up ended with code 7"):
        run("up", "--env-file", str(tmp_path / ".env"))


@pytest.mark.parametrize(
    ("fails", "sentence"), [("info", "No Docker engine"), ("compose version", "no Compose plugin")]
)
def test_what_is_missing_is_told_before_anything_is_made(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str, sentence: str
) -> None:
    monkeypatch.setenv("FAIL", fails)
    with pytest.raises(MissingToolError, match=sentence) as caught:
        run("up", "--env-file", str(tmp_path / ".env"))
    assert "firehose up" in caught.value.hint and caught.value.exit_code == 3
    assert not (tmp_path / ".env").exists()


def test_no_docker_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="Docker is not installed"):
        Compose(compose.FILE, tmp_path / ".env").require_engine()
