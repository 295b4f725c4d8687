"""Asking a model over real HTTP: what it says, every way in which it can fail, and no key told."""

import time
from typing import Any

import pytest

from lakehouse import settings as settings_module
from lakehouse.api.examples import EXAMPLES
from lakehouse.errors import SettingsError
from lakehouse.llm import Model, ModelError
from lakehouse.settings import Settings
from lakehouse.stack.ports import free_ports
from lakehouse.summary import Facts, pulse_facts
from lakehouse.summary_writer import write
from tests.llm_server import INVENTED, KEY, MODEL, Llm, Says, llm
from tests.recorders import Reply

FACTS: Facts = pulse_facts(EXAMPLES["/pulse"])
ASKED = [{"role": "user", "content": "x"}]


def settings_of(base_url: str, **more: Any) -> Settings:
    given = {"llm_base_url": base_url, "llm_model": MODEL, "llm_api_key": KEY, **more}
    return settings_module.load(_env_file=None, **given)


def model_of(server: Llm, **more: Any) -> Model:
    found = Model.of(settings_of(server.base_url, **more))
    assert found is not None
    return found


def test_a_model_is_asked_for_one_json_object() -> None:
    with llm() as server:
        found = write(FACTS, model_of(server).ask)
    assert (found.source, found.attempts, found.complaints) == ("llm", 1, ())
    [asked] = server.asked
    assert asked.json()["response_format"] == {"type": "json_object"}
    assert asked.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("how", [Says.INVENTS, Says.BROKEN, Says.ADVISES])
def test_a_wrong_answer_is_asked_for_once_more(how: Says) -> None:
    with llm() as server:
        server.says(how)
        found = write(FACTS, model_of(server).ask)
    assert (found.source, found.attempts) == ("llm", 2)
    first, second = server.prompts()
    assert second[: len(first)] == first and len(second) == len(first) + 2
    assert INVENTED not in found.rendered["plain"]


def test_after_two_wrong_answers_the_template_speaks() -> None:
    with llm() as server:
        server.says(Says.INVENTS, Says.INVENTS)
        found = write(FACTS, model_of(server).ask)
    assert (found.source, found.attempts, len(server.asked)) == ("template", 2, 2)
    assert found.completion is not None and INVENTED in found.completion
    assert INVENTED in found.complaints[0] and INVENTED not in found.rendered["plain"]


def test_a_model_that_fails_is_not_waited_for() -> None:
    with llm() as server:
        server.says(Says.FAILS)
        found = write(FACTS, model_of(server).ask)
    assert (found.source, found.completion, len(server.asked)) == ("template", None, 1)
    assert found.complaints == ("The model gave no answer: it answered 500.",)


def test_a_silent_model_is_given_up() -> None:
    began = time.monotonic()
    with llm() as server:
        server.says(Says.SILENT)
        found = write(FACTS, model_of(server, llm_timeout_seconds=1).ask)
    assert time.monotonic() - began < 5
    assert found.complaints == ("The model gave no answer: it gave no answer within 1 s.",)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, "nonsense"), "no chat completion"),
        (Reply(200, {"choices": []}), "no chat completion"),
        (Reply(200, {"choices": [{"message": {"content": None}}]}), "no chat completion"),
        (Reply(200, "x" * 300_000), "longer than"),
        (Reply(302, "", {"Location": "http://127.0.0.1:1/"}), "answered 302"),
        (Reply(429, "", {"Retry-After": "1"}), "answered 429"),
    ],
)
def test_what_is_no_answer_is_told(reply: Reply, words: str) -> None:
    with llm() as server:
        server.then(reply)
        with pytest.raises(ModelError, match=words):
            model_of(server).ask(ASKED)


def test_no_error_holds_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}/{KEY}/v1"
    with llm() as server:
        for url, key in ((nowhere, KEY), (server.base_url, f"{KEY}-wrong")):
            found = Model.of(settings_of(url, llm_api_key=key))
            assert found is not None
            with pytest.raises(ModelError) as caught:
                found.ask(ASKED)
            assert KEY not in str(caught.value) and caught.value.__cause__ is None
    assert KEY not in caplog.text


def test_a_model_needs_an_address_and_a_name() -> None:
    assert Model.of(settings_of("", llm_model="")) is None
    for given in ({"llm_model": ""}, {"llm_base_url": ""}):
        with pytest.raises(SettingsError, match=r"LLM_\w+ is empty"):
            Model.of(settings_of("http://127.0.0.1:1/v1").model_copy(update=given))


def test_without_a_model_the_template_speaks() -> None:
    found = write(FACTS, None)
    assert (found.source, found.attempts, found.completion) == ("template", 0, None)
