"""What the page says when there is no data, old data, no API, no key, and when a commit comes."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Page, Response, expect

from lakehouse import tables
from tests.api_process import running
from tests.browser.conftest import Market, Opened
from tests.browser.market_lake import MarketLake
from tests.gold_lakes import gold_row
from tests.lakes import LakeWriter

KEY = "open-sesame"


def price(page: Page) -> str:
    return page.locator("#pulse td[data-name=price]").first.inner_text()


def unchanged(name: str) -> Callable[[Response], bool]:
    return lambda answer: f"/v1/{name}" in answer.url and answer.status == 304


def test_an_empty_lake_fills_and_grows_before_ones_eyes(
    still_lake: MarketLake, opened: Opened
) -> None:
    with running(still_lake.writer.settings.data_path, {}) as (_, url):
        page = opened(url)
        page.evaluate("window.same = true")
        expect(page.locator("#market-blank")).to_contain_text("Gold has no rows yet")
        expect(page.locator("#notices")).to_contain_text("Nothing to show yet.")
        expect(page.locator("#completeness .blank")).to_have_text("Silver has no trades yet.")
        still_lake.tick("BTCUSDT", "100.5")
        expect(page.locator("#pulse td[data-name=price]")).to_have_text("100.50")
        expect(page.locator("#market-blank")).to_be_hidden()
        with page.expect_response(unchanged("minutes")), page.expect_response(unchanged("spikes")):
            pass
        still_lake.tick("BTCUSDT", "101.25")
        expect(page.locator("#pulse td[data-name=price]")).to_have_text("101.25")
        expect(page.locator(".plot text.now")).to_have_text("101.25")
        assert page.evaluate("window.same") is True


def test_stale_data_are_told_first(tmp_path: Path, opened: Opened) -> None:
    writer = LakeWriter(tmp_path / "old", [tables.GOLD, tables.GAP, tables.AUDIT])
    row = gold_row(0, price="7")
    writer.append(tables.GOLD, [{**row, "minute_ts": row["minute_ts"].replace(year=2025)}])
    with running(tmp_path / "old", {}) as (_, url):
        page = opened(url)
        notice = page.locator(".notice.stale")
        expect(notice).to_contain_text("The data are stale.")
        expect(notice).to_contain_text("2025-11-21T12:00:00Z")
        expect(page.locator("#status")).to_have_text("stale")
        expect(page.locator("#newest")).to_have_text("21 Nov 12:00 UTC")
        first, market = notice.bounding_box(), page.locator("#market").bounding_box()
        assert first and market and first["y"] + first["height"] <= market["y"]


def test_without_the_api_the_last_picture_stays_with_its_age(
    still_lake: MarketLake, opened: Opened
) -> None:
    still_lake.tick("BTCUSDT", "100")
    folder = still_lake.writer.settings.data_path
    with running(folder, {}) as (_, url):
        page = opened(url)
        expect(page.locator(".plot .last")).to_be_attached()
    notice = page.locator(".notice.away")
    expect(notice).to_contain_text("The API does not answer.")
    expect(notice).to_contain_text("Below is the last picture,")
    assert price(page) == "100.00" and page.locator(".plot .last").count() == 1
    still_lake.tick("BTCUSDT", "102")
    with running(folder, {"API_PORT": str(httpx.URL(url).port)}):
        expect(notice).to_have_count(0)
        expect(page.locator("#pulse td[data-name=price]")).to_have_text("102.00")


def test_the_key_is_asked_for_and_kept_in_the_tab_alone(
    still_lake: MarketLake, opened: Opened
) -> None:
    still_lake.tick("BTCUSDT", "100")
    with running(still_lake.writer.settings.data_path, {"API_KEY": KEY}) as (_, url):
        page = opened(url)
        field = page.get_by_label("Key")
        expect(field).to_be_focused()
        expect(page.locator("#market")).to_be_hidden()
        expect(page.locator("#status")).to_have_text("key wanted")
        field.fill("wrong")
        field.press("Enter")
        expect(page.locator("#key-wrong")).to_have_text("The API does not know this key.")
        field.fill(KEY)
        page.get_by_role("button", name="Use it").click()
        expect(page.locator("#pulse td[data-name=price]")).to_have_text("100.00")
        expect(page.locator("#key")).to_be_hidden()
        held = json.loads(page.evaluate("JSON.stringify({...sessionStorage})"))
        assert held == {"firehose-api-key": KEY} and KEY not in page.url
        assert page.evaluate("localStorage.length + document.cookie.length") == 0
        with page.expect_request("**/v1/pulse") as asked:
            page.reload()
        assert asked.value.headers["x-api-key"] == KEY
        expect(page.locator("#pulse td[data-name=price]")).to_have_text("100.00")


def test_nothing_is_asked_while_the_page_is_hidden(market: Market, opened: Opened) -> None:
    page = opened(market.url)
    expect(page.locator(".plot .last")).to_be_attached()
    _hide(page, True)
    page.wait_for_timeout(500)  # what is under way ends
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2_500)
    assert asked == []
    with page.expect_request("**/v1/health", timeout=1_500):
        _hide(page, False)


def _hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )
