"""The Spike Explainer in a real n8n: one explained message for each spike, never a wrong number."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.chat_servers import SLACK_BUSY, SLACK_ILL, TELEGRAM_ILL
from tests.llm_server import INVENTED, Says
from tests.n8n import worlds
from tests.n8n.worlds import World, forged
from tests.recorders import Reply
from tests.spike_rows import spike_event


@pytest.fixture(scope="module")
def world(seed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("spikes")
    minute = worlds.newest_minute()
    worlds.fill_lake(folder / "lake", minute)
    with worlds.world(folder, seed, minute) as found:
        yield found


def test_a_spike_is_one_message_with_the_models_words(world: World) -> None:
    spike = world.spike()
    answer = world.post(spike)
    assert answer.status_code == 200, answer.text
    sent = {"slack": "ok", "telegram": "ok", "jira": "ok"}
    assert answer.json() == {"event_id": spike.event_id, "sent": sent, "source": "llm"}
    for messages in (world.in_slack, world.in_telegram, world.in_jira):
        [message] = messages(spike.symbol)
        assert "103.50" in message and "3.48%" in message and "template" not in message
    row = world.wait_on_record(spike.event_id)
    assert (row["source"], row["verified"], row["attempts"]) == ("llm", True, 1)
    assert row["workflow"] == "Spike Explainer"
    # The link is one that the editor knows.
    assert row["execution_url"].startswith(f"{world.n8n.url}/workflow/spike-explainer/executions/")


def test_what_was_told_is_not_told_again(world: World) -> None:
    spike = world.spike()
    body = spike.body().encode()
    replayed = forged(spike, worlds.SECRET, int(time.time()))
    assert world.post(spike, **replayed).status_code == 200
    for answer in (world.post(spike, **replayed), world.post(spike)):
        assert (answer.status_code, answer.json()["code"]) == (409, "already_handled")
    assert len(world.in_slack(spike.symbol)) == 1 and len(world.asked(spike.symbol)) == 1
    assert body == spike.body().encode()


def test_the_same_spike_twice_at_once_is_one_message(world: World) -> None:
    spike = world.spike()
    world.model.says(Says.SILENT, Says.GOOD)
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(world.post(spike)))
    first.start()
    world.model.wait_until(lambda: bool(world.asked(spike.symbol)), 30, "the model to be asked")
    second = world.post(spike)
    assert (second.status_code, second.json()["code"]) == (409, "under_way")
    # When the first must be done: the sender waits as long.
    assert 0 < int(second.headers["Retry-After"]) <= 150
    first.join(60)
    assert answers[0].status_code == 200
    assert len(world.in_slack(spike.symbol)) == 1


@pytest.mark.parametrize(
    ("secret", "age_seconds", "code"),
    [
        ("another", 0, "bad_signature"),
        (worlds.SECRET, 301, "too_old"),
        (worlds.SECRET, -310, "too_old"),
    ],
    ids=["forged", "old", "from the future"],
)
def test_what_is_not_ours_is_refused(
    world: World, secret: str, age_seconds: int, code: str
) -> None:
    spike = spike_event(world.minute, "BTCUSDT", detected_at=world.minute)
    before = len(world.slack.asked), len(world.model.asked)
    answer = world.post(spike, **forged(spike, secret, int(time.time()) - age_seconds))
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert (len(world.slack.asked), len(world.model.asked)) == before


def test_a_signature_is_of_this_body_and_this_time(world: World) -> None:
    spike, now = world.spike(), int(time.time())
    good = forged(spike, worlds.SECRET, now)
    later = {**good, "X-Firehose-Timestamp": str(now + 1)}
    without = {"X-Firehose-Signature": "", "X-Firehose-Timestamp": ""}
    shorter = {"X-Firehose-Signature": good["X-Firehose-Signature"][:-1]}
    for wrong in (later, without, shorter):
        assert world.post(spike, **wrong).status_code == 401
    changed = spike.body().replace("103.5", "203.5").encode()
    assert world.post_bytes(spike.event_id, changed, **good).status_code == 401
    assert world.in_slack(spike.symbol) == []
    assert world.post(spike, **good).status_code == 200


def test_what_the_api_does_not_know_is_passed_on(world: World) -> None:
    unknown = spike_event(world.minute, "NOSUCHUSDT")
    ahead = spike_event(world.minute + timedelta(minutes=1), "BTCUSDT")
    garbage = world.post_bytes("x", b'{"event_id": "x"}')
    assert garbage.status_code == 422
    for event in (unknown, ahead):
        answer = world.post(event)
        # The sender tries again after both.
        assert answer.status_code in (404, 503), answer.text
        assert answer.json()["code"].isidentifier()


def test_an_invented_number_is_complained_about_once(world: World) -> None:
    spike = world.spike()
    world.model.says(Says.INVENTS)
    assert world.post(spike).json()["source"] == "llm"
    first, second = world.asked(spike.symbol)
    assert INVENTED not in first
    # The model sees what it said and what was wrong with it.
    assert INVENTED in second and len(json.loads(second)) > len(json.loads(first))
    assert_no_wrong_number(world, spike.symbol)
    assert world.wait_on_record(spike.event_id)["attempts"] == 2


@pytest.mark.parametrize(
    ("how", "asked"),
    [(Says.INVENTS, 2), (Says.BROKEN, 2), (Says.ADVISES, 2), (Says.FAILS, 2), (Says.SILENT, 2)],
    ids=lambda value: value.name if isinstance(value, Says) else "",
)
def test_a_model_that_fails_is_replaced_by_the_template(
    world: World, how: Says, asked: int
) -> None:
    spike = world.spike()
    world.model.says(how, how)
    started = time.monotonic()
    answer = world.post(spike)
    assert answer.status_code == 200 and answer.json()["source"] == "template"
    assert time.monotonic() - started < 60
    assert len(world.asked(spike.symbol)) == asked
    assert_no_wrong_number(world, spike.symbol)
    [message] = world.in_slack(spike.symbol)
    assert "template" in message and "103.50" in message
    row = world.wait_on_record(spike.event_id)
    assert (row["source"], row["verified"]) == ("template", False)
    assert row["complaints"]


def test_slack_that_is_busy_or_ill_is_asked_again(world: World) -> None:
    spike = world.spike()
    world.slack.then(SLACK_BUSY, SLACK_ILL)
    assert world.post(spike).json()["sent"]["slack"] == "ok"
    assert len(world.in_slack(spike.symbol)) == 1


def test_a_spike_that_slack_does_not_take_comes_again(world: World) -> None:
    spike = world.spike()
    told_before = len(world.slack.taken)
    world.slack.then(*[SLACK_ILL] * 5)
    answer = world.post(spike)
    assert (answer.status_code, answer.json()["code"]) == (502, "not_sent")
    # Nothing went out, and the claim is given back: the very next attempt may have it.
    assert world.in_slack(spike.symbol) == world.in_telegram(spike.symbol) == []
    assert world.post(spike).status_code == 200
    assert len(world.in_slack(spike.symbol)) == len(world.in_telegram(spike.symbol)) == 1
    # The failure itself is told once, with its execution.
    world.slack.wait_until(lambda: len(world.slack.taken) > told_before + 1, 30, "the error")
    [report] = world.in_slack("Slack did not take the message")
    assert f"{world.n8n.url}/workflow/spike-explainer/executions/" in report


def test_what_telegram_does_not_take_is_told(world: World) -> None:
    spike = world.spike()
    world.telegram.then(*[TELEGRAM_ILL] * 5)
    sent = world.post(spike).json()["sent"]
    assert sent == {"slack": "ok", "telegram": "failed", "jira": "ok"}
    assert len(world.in_slack(spike.symbol)) == 1
    words = "telegram did not take the message"
    world.slack.wait_until(lambda: bool(world.in_slack(words)), 30, "the error")
    row = world.wait_on_record(spike.event_id)
    assert {name: row[f"sent_{name}"] for name in sent} == sent


def test_the_same_failure_is_told_once_an_hour(world: World) -> None:
    [report] = world.in_slack("Slack did not take the message")
    world.slack.then(Reply(404, "no_service"), *[SLACK_ILL] * 4)
    assert world.post(world.spike()).status_code == 502
    time.sleep(5)
    assert world.in_slack("Slack did not take the message") == [report]


def test_no_secret_is_in_what_n8n_keeps(world: World) -> None:
    state = [
        path for path in world.folder.rglob("*") if path.is_file() and "lake" not in path.parts
    ]
    held = b"".join(path.read_bytes() for path in state)
    assert b"spike-explainer" in held
    for secret in ("SLACK-SECRET", "TELEGRAM-SECRET", "JIRA-SECRET", "LLM-SECRET", worlds.SECRET):
        assert secret.encode() not in held, secret


def state_files(folder: Path) -> list[Path]:
    """n8n's database and logs."""
    return [path for path in folder.rglob("*") if path.is_file() and "lake" not in path.parts]


def assert_no_wrong_number(world: World, symbol: str) -> None:
    told = [*world.in_slack(symbol), *world.in_telegram(symbol), *world.in_jira(symbol)]
    assert len(told) == 3
    assert all(INVENTED not in text.replace(",", "") for text in told)
