"""A browser, a market, the API on it, and pages that are watched for what they must not do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.api_process import running, until
from tests.browser.chromium import launched, path_of_chromium
from tests.browser.market_lake import MarketLake

# What Chromium itself says of an answer that is an error; the page handles it.
_TOLD_BY_CHROMIUM = "Failed to load resource"
Opened = Callable[..., Page]
# A machine that does much else at once is slow, not wrong.
_PATIENCE_MILLIS = 30_000
expect.set_options(timeout=_PATIENCE_MILLIS)


@dataclass(frozen=True)
class Market:
    """A lake, and the API on it."""

    lake: MarketLake
    url: str

    def ask(self, path: str, **params: Any) -> Any:
        """The API's own answer."""
        return httpx.get(self.url + path, params=params, timeout=10).raise_for_status().json()


# Playwright keeps an event loop in this thread: it has to end before other tests want theirs.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = path_of_chromium()
    if path is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with launched(path) as found:
        yield found


@pytest.fixture(scope="package")
def market(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """A market that stands still once it is made, for the tests that only look."""
    lake = MarketLake(tmp_path_factory.mktemp("market") / "lake")
    lake.fill()
    with running(lake.writer.settings.data_path, {}) as (_, url):
        found = Market(lake, url)
        until(lambda: httpx.get(f"{url}/v1/completeness").status_code == 200)
        until(lambda: not found.ask("/v1/completeness")["unread_hours"])
        yield found


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Opens an address; whatever the page then does, it stays at home and does not break."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(_PATIENCE_MILLIS)
        page = context.new_page()
        _watch(page, url, wrong)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def _watch(page: Page, url: str, wrong: list[str]) -> None:
    home = urlsplit(url).netloc

    def asked(address: str) -> None:
        if urlsplit(address).netloc != home:
            wrong.append(f"a request to {address}")

    def said(kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith(_TOLD_BY_CHROMIUM):
            wrong.append(f"console {kind}: {text}")

    page.on("request", lambda request: asked(request.url))
    page.on("console", lambda message: said(message.type, message.text))
    page.on("pageerror", lambda error: wrong.append(f"an error: {error}"))


@pytest.fixture
def still_lake(tmp_path: Path) -> MarketLake:
    """A lake of one's own, empty."""
    return MarketLake(tmp_path / "lake")
