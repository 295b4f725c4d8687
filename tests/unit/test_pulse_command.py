"""`firehose pulse` as a user types it: printed, sent, put on record, or the reason told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lakehouse.cli import app
from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.settings import Settings
from tests.chat_servers import (
    SLACK_BUSY,
    TELEGRAM_CHAT,
    TELEGRAM_TOKEN,
    Slack,
    Telegram,
    numbers_in,
    slack,
    telegram,
)
from tests.gold_lakes import NAMES
from tests.lakes import LakeWriter
from tests.llm_server import INVENTED, KEY, MODEL, Llm, Says, llm
from tests.recorders import Reply
from tests.summary_lakes import recorded, summary_lake


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LakeWriter:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return summary_lake(tmp_path / "lake")


@pytest.fixture
def model() -> Iterator[Llm]:
    with llm() as found:
        yield found


@pytest.fixture
def hook() -> Iterator[Slack]:
    with slack() as found:
        yield found


@pytest.fixture
def bot() -> Iterator[Telegram]:
    with telegram() as found:
        yield found


def of_model(model: Llm) -> dict[str, str]:
    return {"LLM_BASE_URL": model.base_url, "LLM_MODEL": MODEL, "LLM_API_KEY": KEY}


def channels(hook: Slack, bot: Telegram) -> dict[str, str]:
    return {
        "SLACK_WEBHOOK_URL": hook.webhook_url,
        "TELEGRAM_BOT_TOKEN": TELEGRAM_TOKEN,
        "TELEGRAM_CHAT_ID": TELEGRAM_CHAT,
        "TELEGRAM_BASE_URL": bot.url,
    }


def run(lake: LakeWriter, *words: str, env: dict[str, str] | None = None) -> Result:
    arguments = ["pulse", *words, "--data-dir", str(lake.settings.data_path)]
    return CliRunner().invoke(app, arguments, env=env)


def found(lake: LakeWriter, *words: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = run(lake, *words, "--format", "json", env=env)
    assert done.exception is None, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_without_a_model_the_template_is_printed(lake: LakeWriter) -> None:
    done = run(lake)
    assert done.exit_code == 0 and done.stderr == ""
    assert done.stdout.startswith("⚠ DATA STALE"), "the lake is of another day"
    assert "197.50" in done.stdout and "BTCUSDT" in done.stdout and "ETHUSDT" in done.stdout
    [row] = recorded(lake.settings)
    assert (row["workflow"], row["source"], row["sent_slack"]) == (
        "firehose pulse", "template", "off",
    )  # fmt: skip
    assert row["text"] == done.stdout.rstrip("\n")


def test_a_model_writes_and_both_channels_get_it(
    lake: LakeWriter, model: Llm, hook: Slack, bot: Telegram
) -> None:
    hook.then(SLACK_BUSY)
    env = {**of_model(model), **channels(hook, bot)}
    told = found(lake, "--send", "slack,telegram", env=env)
    assert (told["source"], told["attempts"]) == ("llm", 1)
    assert told["sent"] == {"slack": "ok", "telegram": "ok"}
    assert hook.taken == [told["rendered"]["slack"]]
    assert bot.taken[0]["text"] == told["rendered"]["telegram"]["text"]
    assert "197.50" in numbers_in(json.dumps(hook.taken, ensure_ascii=False))
    [row] = recorded(lake.settings)
    assert (row["summary_id"], row["verified"]) == (told["summary_id"], True)
    assert (row["sent_slack"], row["sent_telegram"], row["sent_jira"]) == ("ok", "ok", "off")


def test_a_model_that_invents_is_told_and_never_shown(lake: LakeWriter, model: Llm) -> None:
    model.says(Says.INVENTS, Says.INVENTS)
    done = run(lake, env=of_model(model))
    assert done.exit_code == 0
    assert INVENTED not in done.stdout
    assert "The model's words are not used." in done.stderr and INVENTED in done.stderr
    [row] = recorded(lake.settings)
    assert (row["source"], row["verified"], row["attempts"]) == ("template", False, 2)
    assert INVENTED in row["completion"]


def test_the_template_is_had_for_the_asking(lake: LakeWriter, model: Llm) -> None:
    told = found(lake, "--template", "--symbols", "ETHUSDT", "--no-record", env=of_model(model))
    assert (told["source"], told["summary_id"], model.asked) == ("template", None, [])
    assert [each["symbol"] for each in told["facts"]["symbols"]] == ["ETHUSDT"]
    assert recorded(lake.settings) == []


def test_what_did_not_arrive_is_told_after_it_is_on_record(
    lake: LakeWriter, hook: Slack, bot: Telegram
) -> None:
    hook.then(Reply(404, "no_service"))
    done = run(lake, "--send", "telegram,slack", env=channels(hook, bot))
    assert isinstance(done.exception, UnreachableError)
    assert "slack (it answered 404: no_service)" in str(done.exception)
    assert "SECRET" not in done.output + str(done.exception)
    [row] = recorded(lake.settings)
    assert (row["sent_slack"], row["sent_telegram"]) == ("failed", "ok")


@pytest.mark.parametrize(
    ("words", "env", "told"),
    [
        (["--send", "email"], {}, "email is no channel"),
        (["--send", "slack"], {}, "SLACK_WEBHOOK_URL is empty"),
        (["--symbols", "NOUSDT,BTCUSDT"], {}, "no minute of NOUSDT"),
        ([], {"LLM_BASE_URL": "http://127.0.0.1:1/v1"}, "LLM_MODEL is empty"),
    ],
)
def test_what_can_t_be_meant_is_told(
    lake: LakeWriter, words: list[str], env: dict[str, str], told: str
) -> None:
    done = run(lake, *words, env=env)
    assert isinstance(done.exception, SettingsError) and told in str(done.exception)
    assert recorded(lake.settings) == []


def test_where_there_is_no_lake_or_no_minute_that_is_told(tmp_path: Path) -> None:
    nothing = CliRunner().invoke(app, ["pulse", "--data-dir", str(tmp_path)])
    assert isinstance(nothing.exception, SettingsError) and "no lake" in str(nothing.exception)
    empty = run(LakeWriter(tmp_path / "empty", NAMES))
    assert isinstance(empty.exception, SettingsError) and "no rows" in str(empty.exception)


def test_an_older_lake_is_read_and_what_is_not_recorded_is_told(
    tmp_path: Path, hook: Slack, bot: Telegram
) -> None:
    old = summary_lake(tmp_path / "lake", NAMES)
    done = run(old)
    assert done.exit_code == 0 and "BTCUSDT" in done.stdout
    assert "not on record" in done.stderr and "ops_summary" in done.stderr
    sent = run(old, "--send", "slack", env=channels(hook, bot))
    assert isinstance(sent.exception, SettingsError) and len(hook.taken) == 1
