"""`firehose run` on a lake in S3 with a REST catalog, checkpoints too, as on the embedded one."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.checks import record
from lakehouse.checks.catalogue import all_checks
from lakehouse.checks.runner import OK, Result
from lakehouse.errors import SettingsError
from lakehouse.maintenance import STEPS
from lakehouse.stack.seaweed import CHECKPOINTS, SeaweedServer
from tests.chaos.runs import java_of
from tests.commands import firehose, nothing_left, query, start
from tests.seaweed import KEYS, lake_there, running_seaweed
from tests.streams import ended_well, until_taken

TRADES = 6_000
DAY = timedelta(days=1)
RUN = ("run", "--simulate", "--trades", str(TRADES), "--rate", "500", "--until-idle")
SMALL_BATCHES = {
    "CHECKPOINT_DIR": f"{CHECKPOINTS}/of-this-lake",
    "MAX_ROWS_PER_BATCH": "1000",
    "TRIGGER_SECONDS": "1",
}
CHECK = ("check", "silver_key_once", "silver_complete", "--format", "json")
SILVER = "SELECT count(*) AS n, count(DISTINCT (symbol, agg_id)) AS keys FROM crypto_silver_trades"
BOOKS = (
    "SELECT sum(rows_out)::BIGINT AS n FROM ops_audit "
    "WHERE job = 'crypto_silver_trades' AND status = 'ok'"
)
CHECKED = (
    "SELECT count(DISTINCT run_id) AS runs, count(*) AS n FROM ops_audit "
    "WHERE starts_with(run_id, 'check-')"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as made:
        yield made


def test_a_run_fills_it_beside_other_writers_and_after_a_kill(
    tmp_path: Path, server: SeaweedServer
) -> None:
    data, env = tmp_path / "lake", {**lake_there(server), **SMALL_BATCHES}
    run = start(tmp_path, *RUN, "--data-dir", str(data), env=env)
    try:
        pid = until_taken(run, data, tables.SILVER, 1)
        checks = [start(tmp_path, *CHECK, "--data-dir", str(data), env=env) for _ in range(2)]
        java_of(pid).kill()
        told = [found_by(each) for each in checks]
        output = ended_well(run)
    finally:
        run.kill()
        run.communicate()
    assert "The spark ended" in output, "it was killed in mid-run"
    assert nothing_left(data)
    for words in (("verify", "--format", "json"), ("verify", "--kafka", "--format", "json")):
        done = firehose(tmp_path, *words, "--data-dir", str(data), env=env)
        assert done.returncode == 0, done.stdout
    assert query(tmp_path, data, SILVER, env) == [{"n": TRADES, "keys": TRADES}]
    assert query(tmp_path, data, BOOKS, env) == [{"n": TRADES}]
    assert not any(each["not_run"] for each in told), "a checkpoint on S3 could not be read"
    assert query(tmp_path, data, CHECKED, env) == [
        {"runs": len(told), "n": sum(len(each["checks"]) for each in told)}
    ]
    maintained(tmp_path, data, env)
    assert not [*data.glob("warehouse"), *data.glob("checkpoints")], "nothing lies beside S3"
    logs = "".join(path.read_text(errors="replace") for path in data.glob("logs/*.log"))
    assert KEYS.secret.get_secret_value() not in logs


def maintained(folder: Path, data: Path, env: dict[str, str]) -> None:
    """Every step of maintenance works there, by checkpoints on S3; the proof holds after it."""
    there = {name.lower(): value for name, value in env.items()}
    settings = settings_module.load(_env_file=None, data_dir=data, **there)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for number, days in enumerate((3, 3, 3, 100)):
        record.record(settings, "check-old", number, [a_result(hour - days * DAY)])
    more = {**env, "SNAPSHOT_KEEP_MINUTES": "0.1", "AUDIT_RETENTION_DAYS": "30"}
    done = firehose(folder, "maintain", "--format", "json", "--data-dir", str(data), env=more)
    assert done.returncode == 0, done.stdout
    steps = json.loads(done.stdout[done.stdout.index("{\n") :])["steps"]
    did = {(each["table"], each["step"]): each["did"] for each in steps}
    assert {step for _, step in did} == set(STEPS)
    assert did[tables.AUDIT, "retention"]["rows"] == 1
    assert did[tables.AUDIT, "compact"]["rewritten"] >= 3
    for table in (tables.BRONZE, tables.SILVER, tables.AUDIT):
        expired = did[table, "expire"]
        assert expired["snapshots"] > 0 and not expired["held"]
        assert did[table, "orphans"]["files"] == 0, "all of them are young"
    done = firehose(folder, "check", "--full", "--no-record", "--data-dir", str(data), env=env)
    assert done.returncode == 0, done.stdout
    assert query(folder, data, SILVER, env) == [{"n": TRADES, "keys": TRADES}]


def a_result(at: datetime) -> Result:
    """What a check that passed then would have put on record."""
    return Result(all_checks()[0], OK, 0, (), at, at, 1)


def found_by(check: subprocess.Popen[str]) -> dict[str, Any]:
    """What a `firehose check --format json` printed, among its lines to stderr."""
    output, _ = check.communicate(timeout=300)
    assert "{" in output, output
    found: dict[str, Any] = json.JSONDecoder().raw_decode(output, output.index("{"))[0]
    return found


def test_a_wrong_secret_is_told_before_anything_starts(
    tmp_path: Path, server: SeaweedServer
) -> None:
    data, env = tmp_path / "lake", lake_there(server, secret="of-another-lake")
    done = firehose(tmp_path, *RUN, "--data-dir", str(data), env=env)
    assert done.returncode == SettingsError.exit_code, done.stdout
    assert "LAKE_CATALOG_CREDENTIAL" in done.stdout
    assert "of-another-lake" not in done.stdout and "Traceback" not in done.stdout
