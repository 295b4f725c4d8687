"""One attempt against a real HTTP server: what is sent, and how each answer is read."""

import time
from datetime import UTC, datetime

import pytest

from lakehouse import spike_post
from lakehouse.spike_delivery import Answer, Verdict
from lakehouse.stack.ports import free_ports
from tests.spike_receiver import NO_ANSWER, SECRET, Receiver, Reply, receiver
from tests.spike_rows import spike_event

EVENT = spike_event(datetime(2026, 11, 21, 13, 30, tzinfo=UTC))
BODY = EVENT.body().encode()


def post(hook: Receiver, timeout_seconds: float = 10.0) -> Answer:
    return spike_post.post(hook.url, SECRET, EVENT.event_id, BODY, timeout_seconds)


def test_the_event_arrives_byte_for_byte_signed_and_named() -> None:
    with receiver() as hook:
        assert post(hook).verdict is Verdict.DELIVERED
    [attempt] = hook.attempts
    assert attempt.body == BODY and attempt.genuine
    assert attempt.content_type == "application/json"
    assert attempt.event_id == attempt.event["event_id"] == "binance-BTCUSDT-2026-11-21T13:30:00Z"
    assert abs(int(attempt.timestamp) - time.time()) < 10


def test_a_name_that_is_no_ascii_is_percent_encoded_in_the_header() -> None:
    event = spike_event(EVENT.minute_ts, "币安人生USDT")
    with receiver() as hook:
        body = event.body().encode()
        assert spike_post.post(hook.url, SECRET, event.event_id, body).status == 200
    [attempt] = hook.attempts
    assert attempt.genuine and attempt.event["symbol"] == "币安人生USDT"
    assert attempt.event_id.startswith("binance-%E5%B8%81")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(500), Answer(500, words="it answered 500")),
        (Reply(429, {"Retry-After": "7"}), Answer(429, "", 7.0, "it answered 429")),
        (Reply(503, {"Retry-After": "soon"}), Answer(503, words="it answered 503")),
        (
            Reply(409, body={"code": "already_handled", "by": "sent"}),
            Answer(409, "already_handled", None, "it answered 409 already_handled"),
        ),
        (Reply(409, body=["code"]), Answer(409, words="it answered 409")),
        (Reply(400, body={"code": "words <with> anything"}), Answer(400, words="it answered 400")),
        (Reply(401, body={"code": 7}), Answer(401, words="it answered 401")),
    ],
)
def test_an_answer_is_read(reply: Reply, answer: Answer) -> None:
    with receiver([reply]) as hook:
        assert post(hook) == answer


def test_a_signed_event_follows_no_redirection() -> None:
    with receiver() as other, receiver([Reply(307, {"Location": other.url})]) as hook:
        assert post(hook).verdict is Verdict.REFUSED
    assert len(hook.attempts) == 1 and other.attempts == []


def test_no_answer_means_later_and_no_word_holds_the_address() -> None:
    with receiver([Reply(NO_ANSWER), Reply(after_seconds=2.0)]) as hook:
        found = [post(hook), post(hook, timeout_seconds=0.3)]
    found.append(post(Receiver(f"http://127.0.0.1:{free_ports(1)[0]}/TOKEN-IN-PATH", [])))
    for answer in found:
        assert answer.status == 0 and answer.verdict is Verdict.LATER
        assert answer.words.startswith("it does not answer: ")
        assert "TOKEN" not in answer.words and SECRET not in answer.words


def test_what_is_no_address_is_refused() -> None:
    answer = spike_post.post("http://[TOKEN", SECRET, EVENT.event_id, BODY)
    assert answer.verdict is Verdict.REFUSED and "TOKEN" not in answer.words
