"""`firehose demo`: the whole path in about two minutes, on a simulated exchange, then the proof."""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel

from lakehouse import settings as settings_module
from lakehouse.commands import DataDir, console, verify
from lakehouse.commands.run import show_accounts, watched
from lakehouse.completeness import prove
from lakehouse.pipeline.feed import Feed
from lakehouse.pipeline.live import minutes_table
from lakehouse.query import Lake
from lakehouse.settings import Settings

_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT")
_RATE = 25.0
_MINUTES_EACH = 3

_PULSE = """
SELECT symbol, minute_ts, close, vwap_1m, volume, return_1m, spike
FROM lake.market.crypto_gold_minute
QUALIFY row_number() OVER (PARTITION BY exchange, symbol ORDER BY minute_ts DESC) <= $minutes
ORDER BY symbol, minute_ts
"""
_SPIKES = """
SELECT symbol, minute_ts, return_1m, spike_reasons FROM lake.market.crypto_gold_minute
WHERE spike ORDER BY abs(return_1m) DESC
"""
_SPIKES_SHOWN = 5
_GAPS = """
SELECT count(*) AS gaps, coalesce(sum(to_id - from_id + 1), 0)::BIGINT AS trades,
       count(*) FILTER (status <> 'repaired') AS left_over
FROM lake.market.ops_gap
"""
_FAULTS = ("duplicate:0.02", "lose:0.0005", "garbage:0.005", "disconnect:every=15000")
_NEXT = """[b]Where to look next[/b]
.venv/bin/firehose run --simulate   a market like this, live, until Ctrl-C
.venv/bin/firehose run              the real exchange
.venv/bin/firehose verify           the completeness proof of your own lake
.venv/bin/firehose check            what else it promises, checked
.venv/bin/firehose sql "SELECT * FROM lake.market.ops_audit LIMIT 5"
README.md, docs/README.md           how it works, every table and every rule"""

Trades = Annotated[int, typer.Option(min=1000, help="Trades that the exchange makes.")]


def demo(trades: Trades = 60_000, data_dir: DataDir = None) -> None:
    """Simulated exchange → producer → Kafka → Spark → Gold, and the proof that nothing is missing.

    The lake is removed at the end unless --data-dir names a folder to keep it in.
    """
    out = console(sys.stdout)
    if data_dir is not None:
        _demo(settings_module.load(data_dir=data_dir), trades, out)
        return
    with tempfile.TemporaryDirectory(prefix="firehose-demo-", ignore_cleanup_errors=True) as folder:
        _demo(settings_module.load(data_dir=Path(folder)), trades, out)


def _demo(settings: Settings, trades: int, out: Console) -> None:
    # Checks beside it would take from the processor, and the proof at the end says more.
    own = {"kafka_bootstrap_servers": "", "kafka_security_protocol": "PLAINTEXT"}
    settings = settings.model_copy(update={**own, "check_seconds": 0.0})
    began = datetime.now(UTC) - timedelta(seconds=trades / _RATE)
    feed = Feed(
        speed=0,
        symbols=_SYMBOLS,
        rate=_RATE,
        trades=trades,
        seed=int(began.timestamp()),
        start=began.isoformat(),
        spike_every=600,
        faults=_FAULTS,
    )
    out.print(
        f"A simulated exchange plays {trades:,} trades of {len(_SYMBOLS)} symbols, "
        "2 % of them twice, some not at all, with garbage between, and cuts the line now and then."
    )
    outcome = watched(settings, feed, True, out)
    if outcome is None:
        raise typer.Exit(130)
    with Lake(settings) as lake:
        minutes = lake.rows(_PULSE, {"minutes": _MINUTES_EACH})
        out.print(minutes_table(minutes, "Market Pulse: the latest minutes of Gold"))
        _show_spikes(lake, out)
        proof = prove(lake, datetime.now(UTC))
        [gaps] = lake.rows(_GAPS)
    verify.show(proof, out)
    out.print(
        f"Gaps on the way: {gaps['gaps']:,}, with {gaps['trades']:,} trades, "
        f"fetched over REST; {gaps['left_over']:,} not repaired (lake.market.ops_gap)."
    )
    show_accounts(outcome, out)
    verify.raise_if_incomplete(proof)
    out.print(Panel(_NEXT, expand=False))


def _show_spikes(lake: Lake, out: Console) -> None:
    spikes = lake.rows(_SPIKES)
    for row in spikes[:_SPIKES_SHOWN]:
        change = f"{row['return_1m'] * 100:+.2f} %"
        why = ", ".join(row["spike_reasons"])
        out.print(f"Spike: {row['symbol']} {change} at {row['minute_ts']:%H:%M} UTC ({why})")
    if len(spikes) > _SPIKES_SHOWN:
        out.print(f"… and {len(spikes) - _SPIKES_SHOWN} smaller ones.")
