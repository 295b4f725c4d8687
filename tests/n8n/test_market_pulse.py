"""The Market Pulse in a real n8n: on schedule, with the numbers of Gold, stale data said first."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.stack import n8n_environment, n8n_install
from tests.commands import environment
from tests.gold_lakes import gold_row
from tests.lakes import LakeWriter, Row
from tests.llm_server import INVENTED, Says
from tests.n8n import processes, worlds
from tests.n8n.worlds import World

SYMBOLS = ("BTCUSDT", "ETHUSDT", "DOGEUSDT")
# The schedule fires each minute; what it starts takes seconds.
A_FIRING_SECONDS = 90
REPORT = ":warning: Market Pulse:"


@pytest.fixture(scope="module")
def minute() -> datetime:
    return worlds.newest_minute()


@pytest.fixture(scope="module")
def world(
    seed: Path, minute: datetime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("pulse")
    LakeWriter(folder / "lake", tables.ALL).append(tables.GOLD, gold(minute))
    with worlds.world(folder, seed, minute, PULSE_MINUTES="1") as found:
        yield found


def gold(minute: datetime) -> list[Row]:
    """Each symbol goes its own way: up, down, and far below one."""
    return [
        row
        for number, (symbol, first, step) in enumerate(
            zip(SYMBOLS, ("61000", "3000", "0.1"), ("7.13", "-0.77", "0.0001"), strict=True)
        )
        for row in _walk(symbol, minute, Decimal(first), Decimal(step), number + 2)
    ]


def _walk(symbol: str, minute: datetime, first: Decimal, step: Decimal, by: int) -> Iterator[Row]:
    for back in range(60, -1, -1):
        at = minute - timedelta(minutes=back)
        price, volume = first + step * (60 - back), Decimal(by + back % by)
        amounts = {"volume": volume, "quote_volume": price * volume}
        more: Row = {"minute_ts": at, "updated_at": at, **amounts}
        yield gold_row(0, symbol, price=str(price), **more)


def test_the_schedule_fires_and_the_numbers_are_those_of_gold(
    world: World, minute: datetime
) -> None:
    world.slack.wait_until(lambda: bool(world.slack.taken), A_FIRING_SECONDS, "a pulse")
    text = json.dumps(world.slack.taken[0], ensure_ascii=False)
    assert "template" not in text and len(world.model.asked) == 1
    assert world.jira.taken == []
    world.telegram.wait_until(lambda: bool(world.telegram.taken), 30, "the pulse in Telegram")
    for told in (text, world.telegram.taken[0]["text"]):
        for symbol in SYMBOLS:
            change, vwap, volume = expected(gold(minute), symbol, minute)
            line = rf"{symbol} +{re.escape(change)} +{vwap} +{volume} +\w"
            assert re.search(line, told), (line, told)
    row = world.wait_on_record(None, "pulse")
    assert (row["workflow"], row["source"], row["verified"]) == ("Market Pulse", "llm", True)


def expected(rows: list[Row], symbol: str, minute: datetime) -> tuple[str, str, str]:
    """Change, VWAP and volume of 30 minutes by docs/api.md, counted from Gold's rows alone."""
    found = {row["minute_ts"]: row for row in rows if row["symbol"] == symbol}
    back = [found[minute - timedelta(minutes=n)] for n in range(31)]
    percent = (back[0]["close"] / back[30]["close"] - 1) * 100
    # VWAP looks at the running minute too; a volume's window are the full minutes before it.
    vwap = _sum(back[:30], "quote_volume") / _sum(back[:30], "volume")
    change = percent.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{change:+,f}%", _shown(vwap), _shown(_sum(back[1:], "volume"))


def _sum(rows: list[Row], name: str) -> Decimal:
    return sum((row[name] for row in rows), Decimal(0))


def _shown(value: Decimal) -> str:
    """Five digits, without the zeros behind them; two decimals at least (docs/summaries.md)."""
    whole, _, decimals = f"{value:,.{max(2, 4 - value.adjusted())}f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def test_run_by_hand_with_a_model_that_invents_it_is_the_template(world: World) -> None:
    before = len(world.slack.taken)
    world.model.says(Says.INVENTS, Says.INVENTS)
    execute(world)
    texts = [json.dumps(each, ensure_ascii=False) for each in world.slack.taken[before:]]
    assert any("Written by template" in text for text in texts)
    assert all(INVENTED not in text.replace(",", "") for text in texts)
    assert any(INVENTED in text for text in world.asked("Your answer") or world.asked(INVENTED))


def execute(world: World) -> None:
    """`n8n execute`, as in docs/n8n.md, beside the running n8n."""
    settings = settings_module.load(_env_file=None, data_dir=world.folder, **_named(world.env))
    runtime = n8n_install.ensure(settings, print)
    port = int(world.n8n.told["port"])
    done = subprocess.run(
        runtime.command("execute", "--id=market-pulse"),
        env=n8n_environment.environment(settings, port, runtime.node.parent, environment()),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def _named(env: dict[str, str]) -> dict[str, Any]:
    return {name.lower(): value for name, value in env.items()}


def test_stale_data_are_said_first_and_a_failure_is_told(world: World) -> None:
    port = int(world.api.told["port"])
    processes.stop(world.api)
    with worlds.api_of(world.folder, port, freshness_seconds=1):
        before = len(world.slack.taken)
        world.slack.wait_until(
            lambda: len(world.slack.taken) > before, A_FIRING_SECONDS, "the next pulse"
        )
        message = world.slack.taken[-1]
        assert "stale" in message["text"].split("\n")[0].lower()
        first = json.dumps(message["blocks"][:2], ensure_ascii=False).lower()
        assert "stale" in first
    # And now there is no API at all.
    world.slack.wait_until(lambda: bool(world.in_slack(REPORT)), A_FIRING_SECONDS + 60, "the error")
    [report] = world.in_slack(REPORT)
    assert f"{world.n8n.url}/workflow/market-pulse/executions/" in report
