"""The benchmarks run from end to end, small: what they would print is what really happened."""

import csv
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 5_000


def bench(name: str, kafka: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """One benchmark as a user starts it, on a broker that runs."""
    argv = [sys.executable, "-m", f"benchmarks.{name}", "--kafka", kafka, *options]
    return subprocess.run(argv, capture_output=True, text=True, timeout=180, cwd=ROOT, check=False)


def test_every_client_of_the_projects_venv_delivers_all(kafka: str, tmp_path: Path) -> None:
    told = tmp_path / "figures.json"
    ended = bench(
        "producer", kafka, "--frames", str(FRAMES), "--rounds", "1", "--rate", "1000",
        "--only", "websockets", "picows", "ours", "confluent", "--json", str(told),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(told.read_text())
    rows = {row["client"]: row for row in figures["saturated"][0]}
    assert rows["websockets"]["in_kafka"] is None
    for name in ("ours", "confluent"):
        assert rows[name]["in_kafka"] == FRAMES and not rows[name]["repeated"]
    for row in figures["paced"][0]:
        assert row["in_kafka"] == FRAMES and 0 < row["p50_ms"] <= row["p99_ms"]
        assert 4 < row["seconds"] < 30


def test_a_short_soak_counts_what_it_sent(kafka: str, tmp_path: Path) -> None:
    table, picture = tmp_path / "soak.csv", tmp_path / "soak.svg"
    ended = bench(
        "soak", kafka, "--rate", "2000", "--minutes", "0.1", "--every", "1", "--warm-up", "0.2",
        "--rotate", "2",
        "--csv", str(table), "--svg", str(picture),
    )  # fmt: skip
    assert "nothing lost or repeated" in ended.stdout, ended.stdout + ended.stderr
    assert "rotations 0" not in ended.stdout
    rows = list(csv.DictReader(table.open()))
    assert int(rows[-1]["delivered"]) == 12_000 and int(rows[-1]["lag"]) == 0
    assert picture.read_text().count("<polyline") == 4
