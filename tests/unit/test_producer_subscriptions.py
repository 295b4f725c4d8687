"""What is asked of the exchange on one connection, on a fake clock, beside a model of it."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.exchanges.binance import stream_name
from producer.simulator.protocol import Subscriptions as Exchange
from producer.subscriptions import CHUNK, MAX_URL, Subscriptions, stream_url

BASE = "wss://data-stream.binance.vision"
MANY = [f"SYMBOL{number}USDT" for number in range(1024)]


def in_url(url: str) -> list[str]:
    return url.split("streams=")[1].split("/")


class Dialogue:
    """Subscriptions on a fake clock, and the simulated exchange's own idea of them."""

    def __init__(self, symbols: list[str]) -> None:
        self.ours = Subscriptions(BASE, symbols)
        self.exchange = Exchange(in_url(self.ours.url), combined=True)
        self.now = 0.0
        self.sent: list[tuple[float, str]] = []
        self.deaf = False

    def go_on(self, seconds: float, step: float = 0.05) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += step
            if message := self.ours.requests(self.now):
                self.sent.append((self.now, message))
                self._answer(message)

    def _answer(self, message: str) -> None:
        if not self.deaf:
            answer = orjson.loads(self.exchange.answer(message))
            assert "error" not in answer
            self.ours.answered(answer["id"])

    @property
    def most_in_a_second(self) -> int:
        times = [at for at, _ in self.sent]
        return max((sum(at <= one < at + 1 for one in times) for at in times), default=0)


def test_few_symbols_stand_in_the_url_and_nothing_is_asked() -> None:
    few = Dialogue(["BTCUSDT", "ETHUSDT"])
    few.go_on(30)
    assert few.sent == [] and few.ours.settled
    assert few.ours.url == f"{BASE}/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade"


def test_a_long_list_is_cut_before_the_url_is_too_long_and_the_rest_is_asked_for() -> None:
    many = Dialogue(MANY)
    assert len(many.ours.url) < MAX_URL
    assert 100 < len(in_url(many.ours.url)) < 300
    assert not many.ours.settled
    many.go_on(5)
    assert many.ours.settled
    assert many.exchange.streams == set(map(stream_name, MANY))
    assert len(many.sent) == -(-(1024 - len(in_url(many.ours.url))) // CHUNK)


def test_one_symbol_is_always_in_the_url_however_long_its_name() -> None:
    url, count = stream_url(BASE, ["S" * 5000, "T"])
    assert count == 1 and "sss" in url


@pytest.mark.parametrize("one_by_one", [True, False])
def test_1024_changes_keep_below_five_messages_a_second(one_by_one: bool) -> None:
    many = Dialogue(MANY)
    many.go_on(5)
    before = len(many.sent)
    groups = [[symbol] for symbol in MANY] if one_by_one else [MANY]
    for group in groups:
        many.ours.renew(group)
    many.go_on(10)
    assert many.ours.settled and many.exchange.streams == set(map(stream_name, MANY))
    assert len(many.sent) - before == 2 * -(-1024 // CHUNK)
    # The exchange takes 5, pongs included.
    assert many.most_in_a_second <= 3


def test_what_is_not_answered_is_asked_again_after_ten_seconds() -> None:
    deaf = Dialogue(["BTCUSDT"])
    deaf.deaf = True
    deaf.ours.add(["ETHUSDT"])
    deaf.go_on(9)
    assert len(deaf.sent) == 1 and not deaf.ours.settled
    deaf.deaf = False
    deaf.go_on(2)
    assert len(deaf.sent) == 2 and deaf.ours.settled
    assert "ethusdt@aggTrade" in deaf.exchange.streams


def test_what_is_refused_is_asked_again_after_a_minute() -> None:
    ours = Subscriptions(BASE, ["BTCUSDT"])
    ours.add(["ETHUSDT"])
    request = orjson.loads(ours.requests(0.0) or "")
    ours.refused(request["id"])
    ours.refused("nonsense")
    assert all(ours.requests(now) is None for now in range(1, 60))
    assert "ethusdt@aggTrade" in (ours.requests(61.0) or "")


def test_answers_to_nothing_are_harmless() -> None:
    ours = Subscriptions(BASE, ["BTCUSDT"])
    for strange in (None, 7, "7", True, -1):
        ours.answered(strange)
        ours.refused(strange)
    assert ours.settled


def test_a_symbol_that_is_dropped_is_still_expected_but_no_longer_renewed() -> None:
    dialogue = Dialogue(["BTCUSDT", "ETHUSDT"])
    dialogue.ours.drop(["ETHUSDT"])
    dialogue.ours.renew(["ETHUSDT"])
    dialogue.go_on(2)
    assert dialogue.exchange.streams == {"btcusdt@aggTrade"}
    assert dialogue.ours.ever == {"BTCUSDT", "ETHUSDT"}


NAMES = [f"S{number}" for number in range(12)]
SOME = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True)
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "drop", "renew"]), SOME, st.floats(0, 12), st.booleans()),
    max_size=15,
)


@given(SOME, STEPS)
def test_whatever_is_asked_and_lost_the_exchange_ends_up_with_what_is_wanted(
    first: list[str], steps: list[tuple[str, list[str], float, bool]]
) -> None:
    dialogue = Dialogue(first)
    wanted = set(first)
    for what, names, seconds, deaf in steps:
        getattr(dialogue.ours, what)(names)
        wanted = {"add": wanted | set(names), "drop": wanted - set(names), "renew": wanted}[what]
        dialogue.deaf = deaf
        dialogue.go_on(seconds)
    dialogue.deaf = False
    dialogue.go_on(30)
    assert dialogue.exchange.streams == set(map(stream_name, wanted))
    assert dialogue.ours.settled and dialogue.most_in_a_second <= 3
