"""All that a message goes through, real but for the far ends: Gold, API, n8n; model and chats."""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from lakehouse import tables
from lakehouse.signing import signature
from lakehouse.spike_event import SpikeEvent
from lakehouse.spike_post import headers
from tests import chat_servers, llm_server
from tests.gold_lakes import gold_row
from tests.lakes import LakeWriter, Row
from tests.n8n import processes
from tests.n8n.processes import Told
from tests.spike_rows import spike_event

SECRET = "SPIKE-SECRET"
QUIET_MINUTES = 45
_AMOUNTS = (
    "open", "high", "low", "close", "volume", "quote_volume",
    "vwap_1m", "volume_5m", "price_ma_30m", "return_1m",
)  # fmt: skip
SYMBOLS = [f"{name}USDT" for name in ("BTC", "ETH", "SOL", "BNB", "XRP", "ADA", "DOT", "LTC")]
SYMBOLS += [f"{name}USDT" for name in ("TRX", "XLM", "UNI", "ICP", "ETC", "FIL", "APT", "NEO")]


@dataclass
class World:
    """One n8n and what stands around it. Each test takes symbols of its own."""

    folder: Path
    api: Told
    n8n: Told
    model: llm_server.Llm
    slack: chat_servers.Slack
    telegram: chat_servers.Telegram
    jira: chat_servers.Jira
    env: dict[str, str]
    minute: datetime
    _symbols: Iterator[str] = field(default_factory=lambda: iter(SYMBOLS))

    def spike(self) -> SpikeEvent:
        """A spike that Gold holds and nobody was told of."""
        return spike_event(self.minute, next(self._symbols))

    def post(self, event: SpikeEvent, **more: str) -> httpx.Response:
        """What the pipeline posts; `more` headers go before its own."""
        return self.post_bytes(event.event_id, event.body().encode(), **more)

    def post_bytes(self, event_id: str, body: bytes, **more: str) -> httpx.Response:
        """Any body, signed now."""
        told = {**headers(SECRET, event_id, body, int(time.time())), **more}
        return httpx.post(self.n8n.told["webhook"], content=body, headers=told, timeout=180)

    def in_slack(self, words: str) -> list[str]:
        """The messages that Slack took and that hold these words."""
        return _holding(self.slack.taken, words)

    def in_telegram(self, words: str) -> list[str]:
        return _holding(self.telegram.taken, words)

    def in_jira(self, words: str) -> list[str]:
        return _holding(self.jira.taken, words)

    def asked(self, words: str) -> list[str]:
        """The requests to the model that hold these words."""
        return _holding(self.model.prompts(), words)

    def on_record(self, event_id: str | None, kind: str = "spike") -> list[dict[str, Any]]:
        """The rows of ops_summary about an event, newest first."""
        params = {"kind": kind, "limit": "100"}
        answer = httpx.get(f"{self.api.url}/v1/summaries", params=params)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["summaries"]
        return [row for row in rows if row["event_id"] == event_id]

    def wait_on_record(self, event_id: str | None, kind: str = "spike") -> dict[str, Any]:
        """The newest of these rows, once there is one: the API follows the lake within seconds."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if rows := self.on_record(event_id, kind):
                return rows[0]
            time.sleep(0.3)
        raise AssertionError(f"{event_id} came not on record")


def forged(event: SpikeEvent, secret: str, timestamp: int) -> dict[str, str]:
    """Headers of the signature, by any secret and at any time."""
    body = event.body().encode()
    return {
        "X-Firehose-Timestamp": str(timestamp),
        "X-Firehose-Signature": signature(secret, timestamp, body),
    }


@contextlib.contextmanager
def far_ends(silent_seconds: float = 8) -> Iterator[dict[str, Any]]:
    """Model, Slack, Telegram and Jira, by the names of World."""
    with (
        llm_server.llm(silent_seconds) as model,
        chat_servers.slack() as slack,
        chat_servers.telegram() as telegram,
        chat_servers.jira() as jira,
    ):
        yield {"model": model, "slack": slack, "telegram": telegram, "jira": jira}


def settings_of(ends: Mapping[str, Any], api_url: str) -> dict[str, str]:
    """The environment of `firehose n8n`."""
    return {
        "API_URL": api_url,
        "LLM_BASE_URL": ends["model"].base_url,
        "LLM_MODEL": llm_server.MODEL,
        "LLM_API_KEY": llm_server.KEY,
        "LLM_TIMEOUT_SECONDS": "3",
        "SLACK_WEBHOOK_URL": ends["slack"].webhook_url,
        "TELEGRAM_BOT_TOKEN": chat_servers.TELEGRAM_TOKEN,
        "TELEGRAM_CHAT_ID": chat_servers.TELEGRAM_CHAT,
        "TELEGRAM_BASE_URL": ends["telegram"].url,
        "JIRA_BASE_URL": ends["jira"].url,
        "JIRA_EMAIL": chat_servers.JIRA_EMAIL,
        "JIRA_API_TOKEN": chat_servers.JIRA_TOKEN,
        "JIRA_PROJECT": chat_servers.JIRA_PROJECT,
        "SPIKE_WEBHOOK_SECRET": SECRET,
        "PULSE_MINUTES": "1440",
    }


@contextlib.contextmanager
def world(folder: Path, seed: Path, minute: datetime, **more: str) -> Iterator[World]:
    """Everything up around the lake in `<folder>/lake`; `more` settings of n8n."""
    processes.copy_seed(seed, folder)
    with far_ends() as ends, api_of(folder) as api:
        env = {**settings_of(ends, api.url), **more}
        with processes.running(folder, *processes.n8n_words(folder), env=env) as n8n:
            yield World(folder=folder, api=api, n8n=n8n, env=env, minute=minute, **ends)


@contextlib.contextmanager
def api_of(
    folder: Path, port: int = 0, freshness_seconds: int = 3600, lake_is_there: bool = True
) -> Iterator[Told]:
    """The API of the lake, once it has read it; a `port` is for one that comes back."""
    env = {"API_PORT": str(port), "FRESHNESS_SECONDS": str(freshness_seconds)}
    with processes.running(folder, "api", "--data-dir", str(folder / "lake"), env=env) as api:
        if lake_is_there:
            wait_ready(api.url)
        yield api


def wait_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if httpx.get(f"{url}/v1/pulse").status_code == 200:
            return
        time.sleep(0.2)
    raise AssertionError("the API did not read the lake")


def newest_minute() -> datetime:
    """The minute before this one: as a whole in the past."""
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)


def fill_lake(folder: Path, minute: datetime) -> None:
    """Gold: each symbol is quiet at 100 and jumps to 103.5 in `minute`, as `spike_event` says."""
    writer = LakeWriter(folder, tables.ALL)
    writer.append(tables.GOLD, [row for name in SYMBOLS for row in rows(name, minute)])


def rows(symbol: str, minute: datetime) -> Iterator[Row]:
    """The rows of one symbol, oldest first."""
    for back in range(QUIET_MINUTES, 0, -1):
        at = minute - timedelta(minutes=back)
        quiet: Row = {"minute_ts": at, "updated_at": at, "return_1m": Decimal(0)}
        yield gold_row(0, symbol, **quiet)
    event = spike_event(minute, symbol)
    jump: Row = {
        "minute_ts": minute,
        "updated_at": minute + timedelta(seconds=30),
        "trades": event.trades,
        "spike": True,
        "spike_reasons": list(event.spike_reasons),
        **{name: Decimal(getattr(event, name)) for name in _AMOUNTS},
    }
    yield gold_row(0, symbol, **jump)


def _holding(found: list[Any], words: str) -> list[str]:
    texts = [json.dumps(each, ensure_ascii=False) for each in found]
    return [text for text in texts if words in text]
