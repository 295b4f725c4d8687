"""Briefs and verdicts of the API, and what is put on record of a message."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from lakehouse import tables
from lakehouse.api.gate import MOST_BODY_BYTES
from lakehouse.api.seal import FILE
from tests.api_calls import get, paged, post, refused, told
from tests.chat_servers import TELEGRAM_CHAT, wrong_in_slack, wrong_in_telegram
from tests.gold_lakes import NAMES
from tests.lakes import add_table
from tests.llm_server import INVENTED, Says, good_answer, spoilt
from tests.summary_lakes import Api, recorded, report, summary_lake


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Api:
    """For tests that put nothing on record."""
    return Api(summary_lake(tmp_path_factory.mktemp("summaries") / "lake"))


@pytest.fixture
def own(tmp_path: Path) -> Api:
    """For tests that write."""
    return Api(summary_lake(tmp_path / "lake"))


async def judged(api: Api, facts: Any, completion: str | None) -> Any:
    body = {"facts": facts, "completion": completion}
    return await post(api.client, "/summaries/verdict", body)


async def test_a_brief_asks_with_the_figures_of_the_pulse(api: Api) -> None:
    pulse, brief = await get(api.client, "/pulse"), await get(api.client, "/pulse/brief")
    assert [each["symbol"] for each in brief["facts"]["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    asked = brief["messages"][-1]["content"]
    assert ": 197.50\n" in asked and pulse["symbols"][0]["price"] == "197.50000000"
    assert brief["fallback"]["source"] == "template"
    assert brief["facts"]["source"]["status"] == pulse["source"]["status"]


async def test_a_brief_of_some_symbols(api: Api) -> None:
    brief = await get(api.client, "/pulse/brief", symbols="ETHUSDT")
    assert [each["symbol"] for each in brief["facts"]["symbols"]] == ["ETHUSDT"]
    found = await refused(api.client, "/v1/pulse/brief", symbols="NOUSDT")
    assert found[:2] == (404, "unknown_symbol")


async def test_an_answer_that_holds_is_rendered_for_every_channel(api: Api) -> None:
    brief = await get(api.client, "/pulse/brief")
    found = await judged(api, brief["facts"], json.dumps(good_answer(brief["messages"])))
    assert (found["ok"], found["complaints"], found["retry_messages"]) == (True, [], [])
    for rendered in (found["rendered"], brief["fallback"]):
        assert wrong_in_slack(rendered["slack"]) == ""
        assert wrong_in_telegram({"chat_id": TELEGRAM_CHAT, **rendered["telegram"]}) == ""


@pytest.mark.parametrize("how", [Says.INVENTS, Says.ADVISES, Says.BROKEN])
async def test_an_answer_that_does_not_hold_is_asked_for_once_more(api: Api, how: Says) -> None:
    brief = await get(api.client, "/pulse/brief")
    answer = spoilt(good_answer(brief["messages"]), how)
    found = await judged(api, brief["facts"], answer)
    assert (found["ok"], found["rendered"]) == (False, None)
    again = found["retry_messages"]
    assert again[: len(brief["messages"])] == brief["messages"]
    assert again[-2] == {"role": "assistant", "content": answer}
    assert found["complaints"][0] in again[-1]["content"]


async def test_no_answer_and_an_endless_one_do_not_hold(api: Api) -> None:
    brief = await get(api.client, "/pulse/brief")
    for completion in (None, "", "9" * 300_000):
        assert (await judged(api, brief["facts"], completion))["ok"] is False


async def test_facts_come_back_in_any_order_but_as_they_were(api: Api) -> None:
    facts = (await get(api.client, "/pulse/brief"))["facts"]
    turned = {name: facts[name] for name in reversed(facts)}
    assert "facts" not in (await judged(api, turned, "x"))
    invented = json.loads(json.dumps(facts).replace("197.50", INVENTED))
    for wrong in (invented, {**facts, "digest": "0"}, {**facts, "more": 1}, {}, {"kind": "pulse"}):
        body = {"facts": wrong, "completion": "x"}
        found = told(await api.client.post("/v1/summaries/verdict", json=body))
        assert (found.status, found.code) == (409, "unknown_facts")
        assert INVENTED not in found.detail


async def test_facts_given_out_before_a_restart_are_known_after_it(own: Api) -> None:
    facts = (await get(own.client, "/pulse/brief"))["facts"]
    file = own.lake.settings.data_path / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    own.restart()
    assert (await judged(own, facts, "x"))["ok"] is False
    file.unlink()
    own.restart()
    body = {"facts": facts, "completion": "x"}
    assert told(await own.client.post("/v1/summaries/verdict", json=body)).code == "unknown_facts"


async def test_an_api_key_seals_without_a_file(own: Api) -> None:
    for key in ("one", "one", "two"):
        own.restart(api_key=SecretStr(key))
        own.client.headers["X-API-Key"] = key
        if key == "one":
            facts = (await get(own.client, "/pulse/brief"))["facts"]
    body = {"facts": facts, "completion": "x"}
    assert told(await own.client.post("/v1/summaries/verdict", json=body)).code == "unknown_facts"
    assert not (own.lake.settings.data_path / FILE).exists()


async def test_a_message_is_put_on_record_with_what_it_stood_on(own: Api) -> None:
    brief = await get(own.client, "/pulse/brief")
    made = await post(own.client, "/summaries", report(brief), 201)
    [row] = recorded(own.lake.settings)
    assert row["summary_id"] == made["summary_id"]
    assert (row["kind"], row["event_id"], row["workflow"]) == ("pulse", None, "a workflow")
    assert (row["verified"], row["complaints"], row["attempts"]) == (True, [], 1)
    assert (row["sent_slack"], row["sent_telegram"], row["text"]) == ("ok", "off", "as it was sent")
    facts = {name: value for name, value in brief["facts"].items() if name != "digest"}
    assert json.loads(row["facts"]) == facts
    own.refresher.refresh()
    [shown] = (await get(own.client, "/summaries"))["summaries"]
    assert shown["facts"] == facts and shown["summary_id"] == row["summary_id"]


async def test_the_same_report_is_one_row(own: Api) -> None:
    brief = await get(own.client, "/pulse/brief")
    bodies = [report(brief), report(brief), report(brief, execution_url="http://127.0.0.1:5678/2")]
    ids = [await post(own.client, "/summaries", body, 201) for body in bodies]
    own.refresher.refresh()
    own.restart()
    ids.append(await post(own.client, "/summaries", bodies[0], 201))
    assert ids[0] == ids[1] == ids[3] != ids[2]
    assert len(recorded(own.lake.settings)) == 2


async def test_nobodys_word_is_taken_for_a_verdict(own: Api) -> None:
    brief = await get(own.client, "/pulse/brief")
    lie = spoilt(good_answer(brief["messages"]), Says.INVENTS)
    await post(own.client, "/summaries", report(brief, completion=lie), 201)
    nothing = {"ok": False, "complaints": ["The model gave no answer: 500."]}
    fallen = {"completion": None, "verdict": nothing, "source": "template", "workflow": "another"}
    await post(own.client, "/summaries", report(brief, **fallen), 201)
    lied, fell_back = recorded(own.lake.settings)
    assert (lied["verified"], fell_back["verified"]) == (False, False)
    assert INVENTED in lied["complaints"][0]
    assert fell_back["complaints"] == nothing["complaints"]


async def test_what_was_sent_is_recorded_whatever_the_model_said(own: Api) -> None:
    brief = await get(own.client, "/pulse/brief")
    given = {"completion": "\ud800\x00" + "é" * 70_000, "text": "x" * 20_001}
    await post(own.client, "/summaries", report(brief, **given), 201)
    parts = report(brief, completion=[{"type": "text", "text": "x"}], workflow="another")
    await post(own.client, "/summaries", parts, 201)
    one, other = recorded(own.lake.settings)
    assert (len(one["completion"]), len(one["text"]), one["verified"]) == (65_536, 20_000, False)
    assert json.loads(other["completion"]) == [{"type": "text", "text": "x"}]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"kind": "spike"}, "bad_parameter"),
        ({"event_id": "binance-BTCUSDT-2026-11-21T13:30:00Z"}, "bad_parameter"),
        ({"sent": {"slack": "maybe"}}, "bad_parameter"),
        ({"sent": {"email": "ok"}}, "bad_parameter"),
        ({"more": 1}, "bad_parameter"),
        ({"completion": "x" * MOST_BODY_BYTES}, "body_too_long"),
        ({"facts": {}}, "unknown_facts"),
    ],
)
async def test_a_report_that_can_not_be_used_is_refused(
    api: Api, wrong: dict[str, Any], code: str
) -> None:
    body = report(await get(api.client, "/pulse/brief"), **wrong)
    assert told(await api.client.post("/v1/summaries", json=body)).code == code
    assert recorded(api.lake.settings) == []


async def test_summaries_are_listed_newest_first_in_pages(own: Api) -> None:
    brief = await get(own.client, "/pulse/brief")
    for number in range(3):
        body = report(brief, text=f"text {number}", execution_url=f"http://n8n/{number}")
        await post(own.client, "/summaries", body, 201)
    own.refresher.refresh()
    found = await paged(own.client, "/summaries", "summaries", limit=2)
    assert [each["text"] for each in found] == ["text 2", "text 1", "text 0"]
    assert (await get(own.client, "/summaries", kind="spike"))["summaries"] == []


async def test_a_lake_of_an_older_version_says_so_and_keeps_the_report(tmp_path: Path) -> None:
    old = Api(summary_lake(tmp_path / "lake", NAMES))
    assert (await get(old.client, "/summaries"))["summaries"] == []
    brief = await get(old.client, "/pulse/brief")
    answer = await old.client.post("/v1/summaries", json=report(brief))
    assert (told(answer).status, told(answer).code) == (503, "not_recorded")
    add_table(old.lake.catalog, tables.SUMMARY)
    await post(old.client, "/summaries", report(brief), 201)
    assert len(recorded(old.lake.settings)) == 1
