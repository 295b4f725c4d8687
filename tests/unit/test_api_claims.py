"""A spike is explained once: claims, what is handled, and facts that are Gold's own."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from lakehouse import tables
from lakehouse.api.claims import CLAIM_SECONDS
from tests.api_calls import post, told
from tests.gold_lakes import NOON, gold_row
from tests.lakes import append
from tests.llm_server import INVENTED
from tests.summary_lakes import SPIKE_MINUTE, Api, recorded, report, spike_event, summary_lake

EVENT = spike_event()
EVENT_ID = EVENT["event_id"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Api:
    return Api(summary_lake(tmp_path_factory.mktemp("claims") / "lake"))


@pytest.fixture
def api(shared: Api) -> Api:
    """Without claims, over a lake that nothing is put on record in."""
    shared.restart()
    return shared


@pytest.fixture
def own(tmp_path: Path) -> Api:
    """For tests that write."""
    return Api(summary_lake(tmp_path / "lake"))


async def ask(api: Api, event: dict[str, Any] = EVENT) -> httpx.Response:
    return await api.client.post("/v1/spikes/brief", json=event)


async def code(api: Api, event: dict[str, Any] = EVENT) -> tuple[int, str]:
    found = told(await ask(api, event))
    return found.status, found.code


async def test_the_facts_of_a_spike_are_those_of_gold(api: Api) -> None:
    brief = await post(api.client, "/spikes/brief", EVENT)
    asked = brief["messages"][-1]["content"]
    assert ": 197.50\n" in asked and ": +4.50%\n" in asked
    assert brief["facts"]["event_id"] == EVENT_ID
    assert brief["fallback"]["jira"]["summary"]
    assert len(brief["facts"]["rows"]) == 5


async def test_figures_that_an_event_invents_reach_nobody(api: Api) -> None:
    honest = await post(api.client, "/spikes/brief", EVENT)
    api.restart()
    lie = spike_event(close=INVENTED, volume=INVENTED, return_1m="0.9", more=INVENTED)
    found = await post(api.client, "/spikes/brief", lie)
    assert found["facts"] == honest["facts"]
    assert INVENTED not in str(found)


async def test_a_minute_that_became_calm_keeps_the_reasons_of_its_event(api: Api) -> None:
    calm = spike_event(minute=SPIKE_MINUTE - 1)
    found = await post(api.client, "/spikes/brief", calm)
    assert found["facts"]["symbols"][0]["spike_reasons"] == ["price up", "volume high"]


async def test_a_claimed_spike_is_under_way_until_its_claim_ends(api: Api) -> None:
    assert (await ask(api)).status_code == 200
    api.clock.now += 100
    again = await ask(api)
    found = told(again)
    assert (found.status, found.code, found.event_id) == (409, "under_way", EVENT_ID)
    assert (found.by, again.headers["retry-after"]) == ("claimed", "51")
    api.clock.now += CLAIM_SECONDS - 100
    assert (await ask(api)).status_code == 200


async def test_a_claim_is_given_back(api: Api) -> None:
    await ask(api)
    for _ in range(2):
        gone = await api.client.delete(f"/v1/spikes/claims/{EVENT_ID}")
        assert (gone.status_code, gone.content) == (204, b"")
    assert (await ask(api)).status_code == 200


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (spike_event(minute=SPIKE_MINUTE + 1), (503, "gold_behind")),
        (spike_event(trades=4), (503, "gold_behind")),
        (spike_event("ETHUSDT", minute=89), (503, "gold_behind")),
        (spike_event("ETHUSDT", minute=15), (404, "unknown_minute")),
        (spike_event("NOUSDT"), (404, "unknown_symbol")),
        ({**EVENT, "event_id": "mine"}, (422, "bad_parameter")),
        ({**EVENT, "kind": "pulse"}, (422, "bad_parameter")),
        ({**EVENT, "close": "1e9"}, (422, "bad_parameter")),
        ({"event_id": EVENT_ID}, (422, "bad_parameter")),
    ],
)
async def test_what_is_not_explained_is_not_claimed(
    api: Api, event: dict[str, Any], wanted: tuple[int, str]
) -> None:
    assert await code(api, event) == wanted
    assert await code(api, event) == wanted, "the first one left no claim"


async def test_a_minute_that_the_lake_gets_later_is_explained_then(own: Api) -> None:
    event = spike_event(minute=SPIKE_MINUTE + 1)
    answer = await ask(own, event)
    assert answer.headers["retry-after"] == "1" and answer.status_code == 503
    append(own.lake.catalog, tables.GOLD, [gold_row(SPIKE_MINUTE + 1, price="198")])
    own.refresher.refresh()
    assert (await ask(own, event)).status_code == 200


async def test_a_spike_that_people_know_of_is_handled_across_restarts(own: Api) -> None:
    brief = await post(own.client, "/spikes/brief", EVENT)
    await post(own.client, "/summaries", report(brief), 201)
    found = told(await ask(own))
    assert (found.status, found.code, found.by) == (409, "already_handled", "sent")
    own.clock.now += CLAIM_SECONDS + 1
    own.restart()
    assert await code(own) == (409, "already_handled")
    assert recorded(own.lake.settings)[0]["event_id"] == EVENT_ID


@pytest.mark.parametrize(
    ("sent", "handled"),
    [
        ({"slack": "failed"}, False),
        ({"slack": "failed", "telegram": "ok"}, True),
        ({"slack": "off", "telegram": "failed", "jira": "failed"}, False),
        ({}, True),
    ],
)
async def test_what_reached_nobody_may_be_explained_again(
    own: Api, sent: dict[str, str], handled: bool
) -> None:
    brief = await post(own.client, "/spikes/brief", EVENT)
    await post(own.client, "/summaries", report(brief, sent=sent), 201)
    await own.client.delete(f"/v1/spikes/claims/{EVENT_ID}")
    assert (await ask(own)).status_code == (409 if handled else 200)
    own.restart()
    assert (await ask(own)).status_code == (409 if handled else 200)


async def test_a_spike_is_handled_though_the_lake_can_not_take_its_record(own: Api) -> None:
    brief = await post(own.client, "/spikes/brief", EVENT)
    own.lake.catalog.drop_table(f"{tables.NAMESPACE}.{tables.SUMMARY}")
    refused = await own.client.post("/v1/summaries", json=report(brief))
    assert told(refused).code == "not_recorded" and "Retry-After" in refused.headers
    assert await code(own) == (409, "already_handled")


def test_the_lakes_spike_is_in_its_newest_minute() -> None:
    assert (NOON + timedelta(minutes=SPIKE_MINUTE)).isoformat()[:16] == EVENT["minute_ts"][:16]
