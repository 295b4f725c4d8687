"""Compose itself takes docker-compose.yml, with every profile; `make up` says what is missing.

No engine is needed for that: `.ci/compose-plugin` builds the plugin where there is Go.
"""

import json
import subprocess
from pathlib import Path

import pytest

from lakehouse.stack import compose, env_file
from tests.commands import environment, firehose
from tests.compose_file import LASTING, ONCE, PROFILES, ROOT, SERVICES

SETS = [(), *((name,) for name in PROFILES), tuple(PROFILES)]


@pytest.fixture(scope="module")
def plugin() -> str:
    done = subprocess.run([ROOT / ".ci/compose-plugin"], capture_output=True, text=True)
    if done.returncode == 3:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("profiles", SETS, ids=lambda names: "+".join(names) or "none")
def test_compose_takes_the_file(plugin: str, tmp_path: Path, profiles: tuple[str, ...]) -> None:
    env = tmp_path / ".env"
    env_file.write(env)
    words = compose.Compose(compose.FILE, env, profiles).command("config", "--format", "json")
    done = subprocess.run(
        [plugin, *words[2:]], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0 and "warn" not in done.stderr, done.stderr
    config = json.loads(done.stdout)
    wanted = {n for n, each in SERVICES.items() if set(each.get("profiles", [])) <= set(profiles)}
    assert set(config["services"]) == wanted
    found = {each.name: each.url for each in compose.labelled(config)}
    assert set(found) == {name for name in wanted if "ports" in SERVICES[name]}
    assert found["api"] == "http://127.0.0.1:8000" and wanted > ONCE and not ONCE & LASTING


def test_compose_refuses_to_start_without_passwords(plugin: str) -> None:
    words = compose.Compose(compose.FILE, Path("/dev/null")).command("config", "--quiet")
    done = subprocess.run(
        [plugin, *words[2:]], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode != 0 and "run make env" in done.stderr


def test_without_an_engine_up_offers_the_native_stack(tmp_path: Path) -> None:
    # Where an engine does answer, this one does not.
    env = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
    done = firehose(tmp_path, "compose", "up", "--env-file", str(tmp_path / ".env"), env=env)
    assert done.returncode == 3
    assert "firehose up" in done.stdout and "Traceback" not in done.stdout
    assert not (tmp_path / ".env").exists()
