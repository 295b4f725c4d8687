"""Everything real: exchange simulator, Kafka, Spark, lake, API, n8n. Only the far ends record."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse.stack.ports import free_ports
from tests import commands
from tests.llm_server import Says
from tests.n8n import processes, worlds
from tests.n8n.worlds import World
from tests.spiking import Spike, record_spike

# Seconds from the first frame on: by then Spark is warm, and the first message is out.
FIRST_AFTER, SECOND_AFTER = 75.0, 150.0
WITHIN_SECONDS = 60
# Whoever claims a spike and dies is waited for so long, by the API.
CLAIM_SECONDS = 150


@pytest.fixture(scope="module")
def spikes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Spike, Spike, Path]:
    """One recording, in which first BTCUSDT jumps and then ETHUSDT falls."""
    folder = tmp_path_factory.mktemp("recording")
    files = (folder / "first.jsonl", folder / "second.jsonl")
    first = record_spike(files[0], "BTCUSDT", (), FIRST_AFTER)
    second = record_spike(files[1], "ETHUSDT", (), SECOND_AFTER, up=False)
    lines = [line for file in files for line in file.read_text().splitlines()]
    both = folder / "both.jsonl"
    both.write_text("\n".join(sorted(lines, key=sent_ms)) + "\n")
    return first, second, both


def sent_ms(line: str) -> int:
    return int(json.loads(line)["data"]["E"])


@pytest.fixture(scope="module")
def world(
    seed: Path, spikes: tuple[Spike, Spike, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """`firehose run`, `firehose api` and `firehose n8n`, as a user starts them."""
    folder = tmp_path_factory.mktemp("whole")
    processes.copy_seed(seed, folder)
    [port] = free_ports(1)
    webhook = f"http://127.0.0.1:{port}/webhook/firehose-spike"
    sender = {"SPIKE_WEBHOOK_URL": webhook, "SPIKE_WEBHOOK_SECRET": worlds.SECRET}
    words = ("run", "--replay", str(spikes[2]), "--speed", "1", "--data-dir", str(folder / "lake"))
    # n8n and the API come first: they take as long as the pipeline, and the market does not wait.
    with (
        worlds.far_ends(silent_seconds=600) as ends,
        worlds.api_of(folder, lake_is_there=False) as api,
    ):
        env = {**worlds.settings_of(ends, api.url), "LLM_TIMEOUT_SECONDS": "20"}
        n8n = processes.start_n8n(folder, env, port)
        # The model answers to the first spike, and is silent to both questions about the second.
        ends["model"].says(Says.GOOD, Says.SILENT, Says.SILENT)
        found = World(folder, api, n8n, env=env, minute=spikes[0].minute_ts, **ends)
        run = commands.start(folder, *words, env={**sender, "FRESHNESS_SECONDS": "3600"})
        try:
            yield found
            processes.stop(found.n8n)
        finally:
            end(run)
            found.n8n.process.kill()


def end(run: subprocess.Popen[str]) -> None:
    run.send_signal(signal.SIGINT)
    try:
        run.communicate(timeout=90)
    finally:
        run.kill()
        run.wait()


def test_n8n_that_is_killed_in_mid_work_loses_no_spike(
    world: World, spikes: tuple[Spike, Spike, Path]
) -> None:
    """The first spike is told; n8n dies while the model thinks about the second.

    First in this file, as the market does not wait for the other test's questions.
    """
    first, second, _ = spikes
    until(lambda: bool(world.in_slack(first.symbol)), 420, "the first message")
    until(lambda: bool(world.asked(second.symbol)), 240, "the model to be asked")
    world.n8n.kill_all()
    assert world.in_slack(second.symbol) == []
    world.n8n = processes.start_n8n(world.folder, world.env, int(world.n8n.told["port"]))
    until(lambda: bool(world.in_slack(second.symbol)), CLAIM_SECONDS + 90, "the second message")
    until(lambda: outbox(world, second)["status"] == "delivered", 60, "the outbox to know")
    assert outbox(world, second)["attempts"] >= 2
    assert_equals_gold(world, second, world.in_slack(second.symbol)[0])
    for each in (first, second):
        assert_told_once(world, each)


def test_a_spike_is_explained_within_a_minute_of_its_trade(
    world: World, spikes: tuple[Spike, Spike, Path]
) -> None:
    spike = spikes[0]
    took = (told_at(world, spike) - received_at(world, spike)).total_seconds()
    print(f"from the trade's arrival to Slack: {took:.1f} s")
    assert took <= WITHIN_SECONDS
    row = world.wait_on_record(spike.event_id)
    assert (row["source"], row["verified"], row["sent_slack"]) == ("llm", True, "ok")
    assert_equals_gold(world, spike, world.in_slack(spike.symbol)[0])
    assert outbox(world, spike)["status"] == "delivered"


def told_at(world: World, spike: Spike) -> datetime:
    """When Slack was asked to take the message."""
    asked = next(each for each in world.slack.asked if spike.symbol.encode() in each.body)
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - asked.at)


def received_at(world: World, spike: Spike) -> datetime:
    """When the producer got the last trade that makes the spike: of the jump's five."""
    sql = (
        "SELECT CAST(max(ingest_ts) AS VARCHAR) AS at FROM lake.market.crypto_bronze_aggtrade "
        f"WHERE symbol = '{spike.symbol}' AND price = {spike.close}"
    )
    [row] = commands.query(world.folder, world.folder / "lake", sql)
    found = datetime.fromisoformat(row["at"])
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def assert_equals_gold(world: World, spike: Spike, message: str) -> None:
    sql = (
        "SELECT close, return_1m, volume FROM lake.market.crypto_gold_minute "
        f"WHERE symbol = '{spike.symbol}' AND spike"
    )
    [row] = commands.query(world.folder, world.folder / "lake", sql)
    assert Decimal(row["close"]) == spike.close
    # The table's newest line: minute, close, change, volume.
    change = f"{Decimal(row['return_1m']) * 100:+.2f}%"
    assert f"{Decimal(row['close']):.2f}" in message and change in message
    assert f"{Decimal(row['volume']):.2f}" in message


def outbox(world: World, spike: Spike) -> dict[str, Any]:
    sql = f"SELECT status, attempts FROM lake.market.ops_spike WHERE event_id = '{spike.event_id}'"
    [row] = commands.query(world.folder, world.folder / "lake", sql)
    return row


def assert_told_once(world: World, spike: Spike) -> None:
    told = (world.in_slack, world.in_telegram, world.in_jira)
    assert [len(messages(spike.symbol)) for messages in told] == [1, 1, 1]
    assert len(world.on_record(spike.event_id)) == 1


def until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Look twice a second; AssertionError naming what did not come."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.5)
