"""How the page looks: light and dark, on a phone, without motion; and its screenshot."""

import os
import struct
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Market, Opened
from tests.documents import ROOT

PICTURE = ROOT / "docs" / "images" / "page.png"
WIDTH, HEIGHT = 1440, 1000
# Text and what lies behind it, each with the contrast that WCAG 2.2 AA wants of small text.
READ = (
    *("#pulse tbody th", "#pulse thead th", "td[data-sign='-1']", "td[data-sign='1']", ".quiet"),
    *("td[data-kind=whole]", "td[data-kind=lost]", "td[data-kind=absent]", ".notice strong"),
)
_CONTRAST = """(element) => {
    const style = (one) => getComputedStyle(one);
    const channels = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((all, c, i) => all + c * [0.2126, 0.7152, 0.0722][i], 0);
    let behind = element;
    while (channels(style(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const [a, b] = [style(element).color, style(behind).backgroundColor]
        .map((text) => light(channels(text)));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def drawn(page: Page) -> None:
    expect(page.locator("td[data-kind=whole]").first).to_be_attached()
    expect(page.locator(".plot .price")).to_be_attached()
    expect(page.locator("#layers tbody tr")).to_have_count(4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_by_day_and_by_night(
    market: Market, opened: Opened, scheme: str
) -> None:
    page = opened(market.url, color_scheme=scheme)
    drawn(page)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(12, 17, 24)") == (scheme == "dark")
    contrasts = {name: page.locator(name).first.evaluate(_CONTRAST) for name in READ}
    assert {name: value for name, value in contrasts.items() if value < 4.5} == {}


@pytest.mark.parametrize("width", [360, 768, 1130, 1200])
def test_nothing_runs_over_the_side(market: Market, opened: Opened, width: int) -> None:
    page = opened(market.url, viewport={"width": width, "height": 740})
    drawn(page)
    page.mouse.wheel(500, 0)
    assert page.evaluate("document.scrollingElement.scrollWidth") == width
    assert page.evaluate("scrollX") == 0
    for name in ("#pulse", "#layers", "#jobs", ".plot svg", ".spikes", ".tiles"):
        box = page.locator(name).bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width, name
    # The newest hour is in sight, though not all of them fit.
    running = page.locator("td[data-running]").first
    running.scroll_into_view_if_needed()
    box = running.bounding_box()
    assert box is not None and box["x"] + box["width"] <= width


def test_who_wants_no_motion_gets_none(market: Market, opened: Opened) -> None:
    name = "getComputedStyle(document.querySelector('td.up data')).animationName"
    for motion, wanted in (("reduce", "none"), ("no-preference", "rise")):
        page = opened(market.url, reduced_motion=motion)
        drawn(page)
        page.evaluate("document.querySelector('#pulse td').classList.add('up')")
        assert page.evaluate(name) == wanted


def test_everything_is_reached_by_the_keyboard_in_order(market: Market, opened: Opened) -> None:
    page = opened(market.url)
    drawn(page)
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        place = page.evaluate("document.activeElement.closest('[id]')?.id ?? ''")
        if place not in reached[-1:]:
            reached.append(place)
    wanted = ["pulse", "chart", "spikes", "completeness"]
    assert [name for name in reached if name in wanted][: len(wanted)] == wanted
    assert page.evaluate("[...document.querySelectorAll('button')].every((b) => b.innerText)")


def test_the_picture_of_the_readme(market: Market, opened: Opened, tmp_path: Path) -> None:
    """PAGE_SCREENSHOT=1 writes the one of the README anew; else it goes to a temporary folder."""
    page = opened(market.url, viewport={"width": WIDTH, "height": HEIGHT})
    drawn(page)
    page.locator("td[data-kind=open]").hover()
    goal = PICTURE if os.environ.get("PAGE_SCREENSHOT") else tmp_path / PICTURE.name
    page.screenshot(path=goal, full_page=True)
    assert size_of(goal)[0] == size_of(PICTURE)[0] == WIDTH
    assert size_of(goal)[1] > HEIGHT


def size_of(picture: Path) -> tuple[int, int]:
    head = picture.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", head[16:24])
    return width, height
