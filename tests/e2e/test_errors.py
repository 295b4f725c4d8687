"""What goes wrong is told in one sentence with a way out and an exit code, and nothing stays."""

import gzip
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lakehouse import tables
from tests.commands import firehose, nothing_left
from tests.e2e import mounts
from tests.lakes import LakeWriter, silver_row

NOBODY = "127.0.0.1:1"
FRAME = (
    '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1723161255000,"s":"BTCUSDT","a":1,'
    '"p":"61837.63000000","q":"0.02000000","f":1,"l":1,"T":1723161254999,"m":true,"M":true}}\n'
)


def told(output: str) -> tuple[str, str]:
    """The one sentence and its way out."""
    assert "Traceback" not in output
    lines = output.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    sentence, hint = lines[at].removeprefix("Error: "), " ".join(lines[at + 1 :])
    assert sentence.endswith(".") and hint
    return sentence, hint


def refused(
    folder: Path,
    *words: str,
    env: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
) -> tuple[int, str]:
    """Run a command that must fail before it starts Kafka or Spark: exit code and what it said."""
    data = folder / "lake"
    words = (*words, "--data-dir", str(data))
    done = firehose(folder, *words, env=env, under=under, seconds=60)
    told(done.stdout)
    assert nothing_left(data, 1)
    assert not (data / "logs" / "kafka.log").exists()
    assert not (data / "logs" / "spark.log").exists()
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYMBOLS", "btc"),
        ("BINANCE_WS_URL", "http://localhost"),
        ("TRIGGER_SECONDS", "-1"),
        ("LAKE_CATALOG_TYPE", "foo"),
        ("LAKE_CATALOG_URI", "postgresql://localhost/lake"),
        ("KAFKA_BOOTSTRAP_SERVERS", "localhost"),
    ],
)
def test_a_setting_that_can_not_be(tmp_path: Path, name: str, value: str) -> None:
    code, said = refused(tmp_path, "run", env={name: value})
    assert code == 2
    assert name in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--simulate", "--fault", "nonsense:1"], "there is no kind 'nonsense'"),
        (["--simulate", "--start", "noon"], "is no ISO 8601 time"),
        (["--fault", "drop:BTCUSDT:1"], "--fault needs a simulated exchange"),
        (["--simulate", "--until-idle"], "--until-idle needs a feed that ends"),
        (["--until-idle"], "--until-idle needs a feed that ends"),
        (["--replay", "missing.jsonl"], "There is no file missing.jsonl"),
        (["--replay", "."], "There is no file ."),
    ],
)
def test_an_argument_that_can_not_be(tmp_path: Path, words: list[str], says: str) -> None:
    code, said = refused(tmp_path, "run", *words)
    assert code == 2
    assert says in said


def packed(text: str) -> bytes:
    return gzip.compress(text.encode())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (packed(FRAME * 1000)[:-20], "is no whole gzip file"),
        (packed(FRAME)[:2] + b"nonsense", "is no whole gzip file"),
        (b"this is no gzip file\n", "holds no trade"),
        (b"", "holds no trade"),
    ],
)
def test_a_recording_that_can_not_be_played(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "frames.jsonl.gz").write_bytes(content)
    code, said = refused(tmp_path, "run", "--replay", "frames.jsonl.gz", "--until-idle")
    assert code == 2
    assert says in said


def test_no_broker(tmp_path: Path) -> None:
    words = ("run", "--simulate")
    code, said = refused(tmp_path, *words, env={"KAFKA_BOOTSTRAP_SERVERS": NOBODY})
    assert code == 5
    assert NOBODY in said


def test_no_catalog(tmp_path: Path) -> None:
    env = {"LAKE_CATALOG_TYPE": "rest", "LAKE_CATALOG_URI": f"http://{NOBODY}"}
    code, said = refused(tmp_path, "run", env=env)
    assert code == 5
    assert "LAKE_CATALOG_URI" in said


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = refused(tmp_path, "run", env={"PRODUCER_METRICS_PORT": port})
    assert code == 4
    assert f"Port {port} (PRODUCER_METRICS_PORT)" in said


def test_no_java(tmp_path: Path) -> None:
    hidden = [Path(name) for name in ("/usr/lib/jvm", "/usr/java", "/opt/java")]
    mounting = " && ".join(mounts.tmpfs(each, "size=1m") for each in hidden if each.is_dir())
    under, env = mounts.private(mounting or "true"), {"JAVA_HOME": "", "PATH": "/usr/bin:/bin"}
    if subprocess.run([*under, "java", "-version"], env=env, capture_output=True).returncode == 0:
        pytest.skip("this machine's Java can't be hidden")
    code, said = refused(tmp_path, "run", env=env, under=under)
    assert code == 3
    assert "There is no Java 17 or newer" in said


@pytest.mark.parametrize("command", ["run", "demo"])
def test_a_data_folder_that_is_a_file(tmp_path: Path, command: str) -> None:
    (tmp_path / "lake").write_text("a file")
    code, said = refused(tmp_path, command)
    assert code == 4
    assert str(tmp_path / "lake") in said


@pytest.mark.parametrize(
    ("options", "says"), [("ro,size=1500m", "can't be written"), ("size=64m", "GiB are free")]
)
def test_a_data_folder_without_room(tmp_path: Path, options: str, says: str) -> None:
    (tmp_path / "lake").mkdir()
    under = mounts.private(mounts.tmpfs(tmp_path / "lake", options))
    code, said = refused(tmp_path, "run", under=under)
    assert code == 4
    assert says in said


@pytest.mark.parametrize("words", [["verify"], ["sql", "SELECT 1"]])
def test_no_lake(tmp_path: Path, words: list[str]) -> None:
    code, said = refused(tmp_path, *words)
    assert code == 2
    assert "There is no lake" in said
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM lake.market.crypto_silver_trades", "nothing"),
        ("SELECT * FROM lake.market.no_such_table", "no_such_table"),
        ("DELETE FROM lake.market.crypto_silver_trades", "One reading statement is wanted"),
        ("SELECT 1; SELECT 2", "One reading statement is wanted"),
    ],
)
def test_a_query_that_can_not_be(tmp_path: Path, query: str, says: str) -> None:
    LakeWriter(tmp_path / "lake").append(tables.SILVER, [silver_row(1)])
    code, said = refused(tmp_path, "sql", query)
    assert code == 2
    assert says in said


def test_an_incomplete_lake(tmp_path: Path) -> None:
    lake = LakeWriter(tmp_path / "lake")
    assert refused(tmp_path, "verify")[0] == 1
    lake.append(tables.SILVER, [silver_row(1), silver_row(3)])
    assert refused(tmp_path, "verify")[0] == 1
    lake.append(tables.SILVER, [silver_row(2)])
    assert firehose(tmp_path, "verify", "--data-dir", str(tmp_path / "lake")).returncode == 0
