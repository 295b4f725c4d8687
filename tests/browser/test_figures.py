"""What the page shows is what the API says, to the digit."""

import random
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Market, Opened

COLUMNS = ("price", "change_1m", "change_5m", "change_30m", "change_24h", "vwap_1m", "price_ma_30m")


def exact(row: dict[str, Any], name: str) -> str:
    nested = {"volume_5m": ("5m", "total"), "ratio_5m": ("5m", "ratio")}
    if name in nested:
        window, figure = nested[name]
        return str(row["volume"][window][figure] or "")
    return str(row[name] or "")


def test_the_figures_are_those_of_the_api(market: Market, opened: Opened) -> None:
    page = opened(market.url)
    symbols = market.ask("/v1/pulse")["symbols"]
    rows = page.locator("#pulse tbody tr")
    expect(rows).to_have_count(len(symbols))
    for index, row in enumerate(symbols):
        shown = rows.nth(index)
        expect(shown.locator("th")).to_contain_text(row["symbol"])
        for name in (*COLUMNS, "volume_5m", "ratio_5m", "quote_volume_24h"):
            cell = shown.locator(f"td[data-name={name}] data")
            expect(cell).to_have_attribute("value", exact(row, name))
        price = f"{Decimal(row['price']).normalize():,f}"
        assert Decimal(text_of(shown, "price")) == Decimal(row["price"]), price
        change = Decimal(row["change_24h"]) * 100
        assert text_of(shown, "change_24h") == f"{halves(change, 2):+} %".replace("-", "−")


def text_of(row: Any, name: str) -> str:
    return str(row.locator(f"td[data-name={name}]").inner_text()).replace(",", "").strip()


def halves(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, Context(prec=60))


def test_decimals_are_rounded_exactly_whatever_their_length(market: Market, opened: Opened) -> None:
    chance, page = random.Random(5), opened(market.url)
    texts = ["0.5", "-0.5", "1.005", "-0.0049", "0.00", "99999999999999999999.995", "2.675", "7"]
    for _ in range(200):
        whole, part = chance.randrange(10 ** chance.randrange(1, 22)), chance.randrange(10**8)
        texts.append(f"{chance.choice(['', '-'])}{whole}.{part:08d}")
    asked = [(text, chance.randrange(0, 9)) for text in texts]
    found = page.evaluate(
        """async (asked) => {
            const { rounded } = await import("/page/decimals.js");
            return asked.map(([text, places]) => rounded(text, places));
        }""",
        asked,
    )
    for (text, places), shown in zip(asked, found, strict=True):
        wanted = halves(Decimal(text), places)
        assert shown == f"{wanted if wanted else abs(wanted):f}"


def test_figures_are_shortened_for_people(market: Market, opened: Opened) -> None:
    shown = opened(market.url).evaluate(
        """async () => {
            const { amount, compare, percent, places, short } = await import("/page/decimals.js");
            return [short("2551640.4400"), short("0.00012345"), short("999.5"), short("0.00000000"),
                    short(null), percent("-0.002465651417"), percent("0.000000"), percent(null),
                    percent("0.00001"), amount("-1234567.891", 2), places("0.52310000"),
                    places("61990.00000000"), compare("10.0", "9.99"), compare(null, "-1"),
                    compare("-1.50", "-1.5")];
        }"""
    )
    assert shown == [
        "2.55M", "0.000123", "1.00k", "0.00", "–", "−0.25 %", "0.00 %", "–",
        "0.00 %", "−1,234,567.89", 4, 2, 1, -1, 0,
    ]  # fmt: skip


def test_the_pulse_is_sorted_by_the_column_that_is_asked_for(
    market: Market, opened: Opened
) -> None:
    page = opened(market.url)
    page.get_by_role("button", name="Δ 24h").press("Enter")
    rows = market.ask("/v1/pulse")["symbols"]
    wanted = sorted(rows, key=lambda row: -Decimal(row["change_24h"]))
    expect(page.locator("#pulse .pick")).to_have_text([row["symbol"] for row in wanted])
    expect(page.locator("th[data-name=change_24h]")).to_have_attribute("aria-sort", "descending")


def test_a_minute_is_read_by_pointer_by_keys_and_by_touch(market: Market, opened: Opened) -> None:
    page = opened(f"{market.url}/#binance/BTCUSDT,60", has_touch=True)
    minutes = market.ask("/v1/minutes", symbol="BTCUSDT")["minutes"]
    plot = page.locator(".plot")
    expect(plot.locator(".price")).to_be_attached()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 3, box["y"] + 60)
    read(page, minutes[0])
    page.mouse.move(5, 5)
    expect(page.locator(".tip")).to_be_hidden()
    plot.press("End")
    read(page, minutes[-1])
    plot.press("ArrowLeft")
    read(page, minutes[-2])
    expect(page.locator("#plot-said")).to_contain_text("VWAP")
    plot.press("Escape")
    expect(page.locator(".tip")).to_be_hidden()
    page.touchscreen.tap(box["x"] + 3, box["y"] + 60)
    read(page, minutes[0])


def read(page: Page, minute: dict[str, Any]) -> None:
    tip = page.locator(".tip")
    expect(tip.locator("strong")).to_contain_text(minute["minute_ts"][11:16])
    shown = [each.get_attribute("value") for each in tip.locator("data").all()]
    names = ("close", "high", "low", "vwap_1m", "price_ma_30m", "volume", "return_1m")
    assert shown[:7] == [minute[name] for name in names]


def test_spikes_are_marked_listed_and_lead_to_their_chart(market: Market, opened: Opened) -> None:
    page = opened(f"{market.url}/#binance/XRPUSDT,60")
    spikes = market.ask("/v1/spikes")["spikes"]
    listed = page.locator(".spikes li")
    expect(listed).to_have_count(len(spikes))
    oldest = spikes[-1]
    listed.last.locator("button").click()
    expect(page.locator("#chart-h")).to_have_text(oldest["symbol"])
    expect(page.get_by_role("button", name="24 h", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    mine = {row["minute_ts"] for row in spikes if row["symbol"] == oldest["symbol"]}
    marks = page.locator(".plot .spike path")
    expect(marks).to_have_count(len(mine))
    assert {mark.get_attribute("data-minute") for mark in marks.all()} == mine
    assert "ETHUSDT,1440" in page.evaluate("decodeURIComponent(location.hash)")
