"""The heat map: every hole has its cell, told by sign and word as well as by colour."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Market, Opened
from tests.browser.market_lake import HOLES, QUIET


def cell_of(page: Page, market: Market, symbol: str, ago: int) -> Locator:
    hour = market.lake.hour(ago).strftime("%Y-%m-%dT%H:%M:%SZ")
    return page.locator(f'td[data-key="binance/{symbol}"][data-hour="{hour}"]')


@pytest.mark.parametrize(
    ("hole", "kind", "text"),
    [
        (HOLES[0], "open", "3…"),
        (HOLES[1], "absent", "(6)"),
        (HOLES[2], "lost", "−3"),
        (HOLES[3], "lost", "−1"),
    ],
    ids=["open", "unrepairable", "over the end of an hour", "unexplained"],
)
def test_a_hole_has_its_cell(
    market: Market, opened: Opened, hole: tuple[str, int, int, int, str], kind: str, text: str
) -> None:
    page = opened(market.url)
    symbol, ago, first, last, _ = hole
    cell = cell_of(page, market, symbol, ago)
    expect(cell).to_have_attribute("data-kind", kind)
    expect(cell).to_have_text(text)
    [found] = [
        row
        for row in market.ask("/v1/completeness", symbols=symbol)["hours"]
        if row["hour"] == cell.get_attribute("data-hour")
    ]
    assert found["missing"] == last - first + 1
    cell.hover()
    told = page.locator("#cell")
    expect(told).to_contain_text(f"expected {found['expected']} · present {found['present']}")
    expect(told).to_contain_text(f"missing {found['missing']} (")
    expect(told).to_contain_text(f"ids {found['first_id']:,}–{found['last_id']:,}")


def test_an_hour_without_a_trade_is_no_hole(market: Market, opened: Opened) -> None:
    page = opened(market.url)
    symbol, ago = QUIET
    expect(cell_of(page, market, symbol, ago)).to_have_attribute("data-kind", "none")
    expect(cell_of(page, market, symbol, ago + 1)).to_have_text("✓")
    expect(page.locator("td[data-kind=whole]")).to_have_count(5 * 24 - 5)
    hours = market.ask("/v1/completeness")["hours"]
    there, wanted = (sum(row[name] for row in hours) for name in ("present", "expected"))
    expect(page.locator("#proof")).to_contain_text(f"{there:,} of {wanted:,} trades are there")


def test_the_cells_are_walked_by_arrow_keys(market: Market, opened: Opened) -> None:
    page = opened(market.url)
    start = cell_of(page, market, "BNBUSDT", 0)
    expect(start).to_have_attribute("tabindex", "0")
    start.focus()
    for key in ("ArrowDown", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    expect(cell_of(page, market, "BTCUSDT", 2)).to_be_focused()
    expect(page.locator("#cell")).to_contain_text("missing 3 (3 open)")
    expect(page.locator('.heat td[tabindex="0"]')).to_have_count(1)


def test_every_kind_of_cell_has_a_sign_of_its_own(market: Market, opened: Opened) -> None:
    whole = dict.fromkeys(("duplicates", "missing", "open", "unrepairable", "unexplained"), 0)
    cells = [
        whole,
        whole | {"missing": 7, "open": 2, "unrepairable": 5},
        whole | {"missing": 5, "unrepairable": 5},
        whole | {"missing": 12_345, "unexplained": 12_345},
        whole | {"missing": 1, "unexplained": 1, "duplicates": 2},
        None,
    ]
    shown = opened(market.url).evaluate(
        """async (cells) => {
            const { look } = await import("/page/heatmap.js");
            const told = ({ kind, text }) => `${kind} ${text}`;
            return [...cells.map((cell) => told(look(cell, false))), told(look(null, true))];
        }""",
        cells,
    )
    assert shown == [
        "whole ✓", "open 2…", "absent (5)", "lost −12k", "twice ×2", "none ·", "unread ?",
    ]  # fmt: skip
