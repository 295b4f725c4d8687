"""A small lake with a spike and a place for summaries, and the API over it as it is started."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from lakehouse import tables
from lakehouse.api.app import create_app
from lakehouse.api.refresher import Refresher
from lakehouse.query import Lake
from lakehouse.settings import Settings
from lakehouse.spike_event import SpikeEvent, event_id
from tests.api_calls import NOW, Clock, client_of
from tests.gold_lakes import NAMES, NOON, batch_row, fill, gold_row
from tests.lakes import LakeWriter, Row, record, silver_row
from tests.llm_server import good_answer

SPIKE_MINUTE = 90
RETURN = Decimal("0.044973544974")
UP: Row = {"spike": True, "spike_reasons": ["return_up", "volume_high"]}
COLUMNS = (
    "open", "high", "low", "close", "volume", "quote_volume", "trades", "vwap_1m", "volume_5m",
    "price_ma_30m", "return_1m", "is_final",
)  # fmt: skip


def summary_lake(folder: Path, names: tuple[str, ...] = (*NAMES, tables.SUMMARY)) -> LakeWriter:
    """91 minutes of two symbols up to 13:30; the newest of BTCUSDT is a spike."""
    made = LakeWriter(folder, names)
    bitcoin = [gold_row(n, price=str(100 + n)) for n in range(SPIKE_MINUTE)]
    bitcoin.append(gold_row(SPIKE_MINUTE, price="197.5", return_1m=RETURN, **UP))
    ether = [gold_row(n, "ETHUSDT") for n in range(0, 91, 2)]
    fill(
        made,
        {
            tables.GOLD: [*bitcoin, *ether],
            tables.AUDIT: [batch_row(n) for n in range(3)],
            tables.BRONZE: [record(1, 1)],
            tables.SILVER: [silver_row(1)],
        },
    )
    return made


def api_over(settings: Settings, clock: Clock) -> tuple[FastAPI, Refresher]:
    """The API as a new process has it, after its first look at the lake."""
    refresher = Refresher(settings, lambda: NOW)
    refresher.read()
    return create_app(settings, refresher, clock), refresher


def spike_event(symbol: str = "BTCUSDT", minute: int = SPIKE_MINUTE, **more: Any) -> dict[str, Any]:
    """The body of the webhook that tells of the lake's spike."""
    at = NOON + timedelta(minutes=minute)
    row = gold_row(minute, symbol, price="197.5", return_1m=RETURN, **UP)
    told = {
        "event_id": event_id("binance", symbol, at),
        "exchange": "binance",
        "symbol": symbol,
        "minute_ts": at,
        "detected_at": datetime(2026, 11, 21, 13, 30, 20, tzinfo=UTC),
        **{
            name: row[name] if name in ("trades", "is_final") else str(row[name])
            for name in COLUMNS
        },
        "spike_reasons": UP["spike_reasons"],
        **more,
    }
    body: dict[str, Any] = json.loads(SpikeEvent.model_validate(told).body())
    return body


def recorded(settings: Settings) -> list[dict[str, Any]]:
    """The rows of ops_summary, oldest first."""
    with Lake(settings) as lake:
        name = tables.full_name(tables.SUMMARY)
        return lake.rows(f"SELECT * FROM {name} ORDER BY created_at, summary_id")


class Api:
    """The API over a lake; `restart` is another process over the same one."""

    def __init__(self, lake: LakeWriter) -> None:
        self.lake, self.clock = lake, Clock()
        self.restart()

    def restart(self, **settings: Any) -> None:
        """As a new process with these settings changed."""
        chosen = self.lake.settings.model_copy(update=settings)
        self.app, self.refresher = api_over(chosen, self.clock)
        self.client = client_of(self.app)


def report(brief: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What n8n reports of a message that the model wrote well and Slack took."""
    return {
        "kind": brief["kind"],
        "event_id": brief["facts"].get("event_id"),
        "workflow": "a workflow",
        "execution_url": "http://127.0.0.1:5678/1",
        "prompt_version": brief["prompt_version"],
        "facts": brief["facts"],
        "completion": json.dumps(good_answer(brief["messages"])),
        "verdict": {"ok": True, "complaints": []},
        "attempts": 1,
        "source": "llm",
        "sent": {"slack": "ok", "telegram": "off", "jira": "off"},
        "text": "as it was sent",
        **more,
    }
