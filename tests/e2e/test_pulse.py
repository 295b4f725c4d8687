"""`firehose pulse` as a user types it, and summaries over an API that is killed in between."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chat_servers import TELEGRAM_CHAT, TELEGRAM_TOKEN, numbers_in, slack, telegram
from tests.commands import firehose, query, start, wait_for
from tests.lakes import LakeWriter
from tests.llm_server import INVENTED, KEY, MODEL, Says, llm
from tests.summary_lakes import report, spike_event, summary_lake

CLOSES = """
SELECT close FROM lake.market.crypto_gold_minute WHERE symbol = 'BTCUSDT' ORDER BY minute_ts
"""
RECORD = "SELECT event_id, source, verified, sent_slack, sent_telegram FROM lake.market.ops_summary"


@pytest.fixture
def lake(tmp_path: Path) -> LakeWriter:
    return summary_lake(tmp_path / "lake")


def test_a_pulse_is_written_checked_sent_and_kept(lake: LakeWriter, tmp_path: Path) -> None:
    folder = lake.settings.data_path
    with llm() as model, slack() as hook, telegram() as bot:
        model.says(Says.INVENTS)
        env = {
            "LLM_BASE_URL": model.base_url,
            "LLM_MODEL": MODEL,
            "LLM_API_KEY": KEY,
            "SLACK_WEBHOOK_URL": hook.webhook_url,
            "TELEGRAM_BOT_TOKEN": TELEGRAM_TOKEN,
            "TELEGRAM_CHAT_ID": TELEGRAM_CHAT,
            "TELEGRAM_BASE_URL": bot.url,
        }
        words = ("pulse", "--send", "slack,telegram", "--data-dir", str(folder))
        done = firehose(tmp_path, *words, env=env)
    assert done.returncode == 0, done.stdout
    assert "SECRET" not in done.stdout and len(model.asked) == 2
    newest = query(tmp_path, folder, CLOSES)[-1]["close"].rstrip("0") + "0"
    for text in (done.stdout, json.dumps(hook.taken), bot.taken[0]["text"]):
        assert newest in numbers_in(text) and INVENTED not in text
    assert query(tmp_path, folder, RECORD) == [
        {
            "event_id": None,
            "source": "llm",
            "verified": True,
            "sent_slack": "ok",
            "sent_telegram": "ok",
        }
    ]


@contextmanager
def api(folder: Path, data_dir: Path) -> Iterator[str]:
    """The address of `firehose api`, which is killed at the end."""
    ready = folder / "api.json"
    ready.unlink(missing_ok=True)
    words = ("api", "--data-dir", str(data_dir), "--ready-file", str(ready))
    process = start(folder, *words, env={"API_PORT": "0"})
    try:
        wait_for(ready.exists, 60, "the API")
        url = str(json.loads(ready.read_text())["url"])
        wait_for(lambda: httpx.get(f"{url}/health/ready").status_code == 200, 60, "the lake")
        yield url
    finally:
        process.kill()
        process.wait()


def posted(url: str, path: str, body: Any) -> tuple[int, Any]:
    answer = httpx.post(f"{url}/v1{path}", json=body, timeout=60)
    return answer.status_code, answer.json()


def test_a_killed_api_knows_its_facts_and_what_people_were_told(
    lake: LakeWriter, tmp_path: Path
) -> None:
    folder, event = lake.settings.data_path, spike_event()
    with api(tmp_path, folder) as url:
        status, brief = posted(url, "/spikes/brief", event)
        assert status == 200
    with api(tmp_path, folder) as url:
        judged = posted(url, "/summaries/verdict", {"facts": brief["facts"], "completion": "x"})
        assert (judged[0], judged[1]["ok"]) == (200, False)
        assert posted(url, "/spikes/brief", event)[0] == 200, "claims end with their process"
        assert posted(url, "/spikes/brief", event)[1]["code"] == "under_way"
        assert posted(url, "/summaries", report(brief))[0] == 201
    with api(tmp_path, folder) as url:
        status, told = posted(url, "/spikes/brief", event)
        assert (status, told["code"], told["by"]) == (409, "already_handled", "sent")
    [row] = query(tmp_path, folder, RECORD)
    assert (row["event_id"], row["verified"], row["sent_telegram"]) == (
        event["event_id"], True, "off",
    )  # fmt: skip
