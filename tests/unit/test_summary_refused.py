"""How a model could get a wrong word past the verification: each way is tried, and refused.

BTCUSDT: 61,990.10; +0.25% 1m, +0.31% 5m, -0.12% 30m, -3.46% 24h; VWAP 61,933.02 1m, 61,721.90 30m,
62,811.12 24h; average 61,702.41; volume 7.10 1m (1.37x), 22.50 5m (0.87x), 160 30m; 81,234 trades.
"""

import pytest

from lakehouse.summary import pulse_facts
from tests.summaries import (
    SPIKING,
    about_headline,
    about_text,
    answer,
    complaints,
    one,
    pulse,
    source,
    spiked,
    symbol,
    two,
)

NUMBERS = {
    "an invented price": "Price 61,991.10.",
    "a digit turned": "Price 61,909.10.",
    "one digit too many": "Price 619,990.10.",
    "cut, not rounded": "Up 0.30% over 5m.",
    "rounded past half of the last digit": "Price 61.9k.",
    "rounded to a round figure": "Price around 62,000.",
    "rounded to nothing": "Price 0.1M.",
    "rounded to zero": "Change 0% over 30m.",
    "one digit left": "Price 6 x 10k.",
    "a sum": "Price moved 0.56% in all.",
    "a difference": "It is 57.08 above its VWAP.",
    "a range": "Price between 61-62k.",
    "a range with a dash": "Price 61,933–61,990.",
    "ratio for percent": "Up 0.0025 over 1m.",
    "percent for ratio": "Volume 137% of its usual.",
    "percent, sign lost": "Up 0.25 over 1m.",
    "ratio as percent sign": "Volume 1.37% above.",
    "basis points for percent": "Up 0.25 bps over 1m.",
    "percent for basis points": "Up 25% over 1m.",
    "percentage points": "Up 0.25 percentage points over 1m.",
    "points": "Up 0.25 points over 1m.",
    "thousand twice": "Price 61.99k thousand.",
    "a wrong size": "Price 61.99M.",
    "size in words": "Price 61.99 million.",
    "small m for million": "Price 61.99m.",
    "small k that is wrong": "Price 62.1k.",
    "exponent": "Price 6.199e4.",
    "exponent with sign": "Price 6.19901E+4.",
    "hexadecimal": "Price 0xF226.",
    "power": "Price 6.2x10 4.",
    "comma as decimal point": "Up 0,25% over 1m.",
    "groups of two": "Price 6,19,90.10.",
    "point as thousands": "Price 61.990,10.",
    "space as thousands": "Price 61 990.10.",
    "apostrophe as thousands": "Price 61'990.10.",
    "underscore as thousands": "Price 61_990.10.",
    "leading point": "Up .25% over 1m.",
    "leading zeros": "Price 061,990.10.",
    "letter for digit": "Price 6l,990.10.",
    "letter O": "Price 61,99O.10.",
    "glued words": "Price 61,990.10USDT.",
    "glued brackets": "Price 61,990.10(now).",
    "plus after": "Price 61,990+.",
    "a fraction": "Up 1/4% over 1m.",
    "a ratio with a slash": "Volume 24/7.",
    "a multiple by hand": "Volume 2x its usual.",
    "an id": "Trade 3120001 was the newest.",
    "a version": "By v2 of the rule.",
    "a phone number": "Call 555-0100.",
    "a rank": "The 3rd symbol.",
    "a list number": "1. Price 61,990.10.",
    "a date": "On 2026-11-22 it fell 0.12% over 30m.",
    "an American date": "On 11/21/2026.",
    "a time": "At 12:35 UTC.",
    "a time of half days": "At 12:34 PM.",
    "another time zone": "At 12:34 EST.",
    "seconds": "At 12:34:56 UTC.",
    "an age": "Data are 5 seconds old.",
    "a percentage of another window": "Up 0.25% over 5m.",
    "swapped windows": "Up 0.31% over 1m and 0.25% over 5m.",
    "swapped windows, before": "Over 1m up 0.31%, over 5m up 0.25%.",
    "an unknown window": "Up 0.31% over 15m.",
    "an hour": "Up 0.31% over the hour.",
    "today": "Down 3.46% today.",
    "this week": "Down 3.46% this week.",
    "an inherited window": "Down 0.12% over 30m and 3.46%.",
    "price called VWAP": "VWAP is 61,990.10.",
    "VWAP called price": "Price is 61,933.02.",
    "VWAP not called anything": "BTCUSDT at 61,933.02.",
    "average called price": "It trades at 61,702.41.",
    "swapped names": "Price 61,933.02 above its VWAP of 61,990.10.",
    "VWAP of another window": "The 24h VWAP is 61,721.90.",
    "VWAP, names after": "61,721.90 VWAP over 24h.",
    "price called volume": "Volume of 61,990.10.",
    "volume called price": "Price 160.",
    "volume of another window": "Volume 7.10 over 5m.",
    "volume called usual": "Its usual volume is 7.10.",
    "volume called average": "The average volume is 7.10.",
    "trades as price": "It trades at 81,234.",
    "a price counted": "61,990 trades in 24h.",
    "a count of the wrong thing": "81,234 spikes in 24h.",
    "quote for base": "Volume 7.10 USDT over 1m.",
    "base for quote": "Price 61,990.10 BTC.",
    "another currency": "Price 61,990.10 EUR.",
    "dollars for volume": "Volume $160 in 30m.",
    "a price with a minus": "Price -61,990.10.",
    "a price with a plus": "Price +61,990.10.",
    "a dash as minus": "Change - 0.25% over 1m.",
    "a window that may be millions": "Volume 30m.",
    "millions of an asset": "Over 5m BTC were traded.",
    "millions of trades": "Over 30m trades.",
    "a volume in small m": "Volume of 24h is 5m.",
    "an unknown window alone": "A look over 61m.",
    "a size apart": "Price 61,990 k.",
    "a size apart, big": "Volume 160 M.",
    "a distance from VWAP": "It is 0.25% above its VWAP.",
    "a distance, behind": "It is above its VWAP by 0.25%.",
    "a distance, compared": "0.25% higher than the VWAP.",
    "a distance, from": "Up 0.25% from its VWAP.",
    "a share": "0.25% of the volume.",
    "another multiple": "Volume 1.37x more.",
    "a multiple of the price": "The price is 1.37x its VWAP.",
    "a price of the past": "30m ago it stood at 61,990.10.",
    "a price of yesterday": "It closed at 61,990.10 yesterday.",
    "a high that is none": "The 24h high price of 61,990.10.",
    "a high of a day": "A high of 61,990.10.",
    "the highest": "The highest price was 61,990.10.",
    "zero gaps": "Figures lack 1 trade.",
}

WORDS = {
    "in words": "Up two percent over 1m.",
    "a quarter": "Up a quarter percent.",
    "a half": "It fell by half.",
    "double": "Volume doubled.",
    "twice": "Volume is twice its usual.",
    "threefold": "A threefold volume.",
    "dozens": "Dozens of trades.",
    "millions": "Millions were traded.",
    "hyphenated": "Up twenty-one basis-points.",
    "roman": "Phase VII.",
    "percent without number": "Up a few percent.",
    "sixty thousand": "Over sixty thousand.",
    "a hundred": "A hundred trades.",
}

SIGNS = {
    "fell, but rose": "BTCUSDT fell 0.25% over 1m.",
    "rose, but fell": "BTCUSDT rose 0.12% over 30m.",
    "no way told": "The 30m change is 0.12%.",
    "plus for minus": "Change +0.12% over 30m.",
    "minus for plus": "Change -0.25% over 1m.",
    "minus in words": "Change minus 0.25% over 1m.",
    "sign against verb": "It rose -0.12% over 30m.",
    "verb after": "0.25% lower over 1m.",
    "noun after": "A 0.12% gain over 30m.",
    "inherited verb": "Down 0.12% over 30m and 0.25% over 1m.",
    "free verb": "The price rose.",
    "free verb in a window": "The price fell over 5m.",
    "swapped free verbs": "It fell over 1m but rose over 30m.",
    "verbs for several windows": "It rose over 1m and 30m.",
    "in an unknown window": "It fell over 15m.",
    "unchanged": "The price is unchanged.",
    "bullish": "A bullish picture.",
    "bearish window": "Bearish over 5m.",
    "not up": "It is not down.",
    "failed": "It failed to rise over 5m.",
    "above that is below": "Price above its 24h VWAP of 62,811.12.",
    "below that is above": "Price below its average.",
    "higher than": "Price higher than the 24h VWAP of 62,811.12, lower than the average.",
    "from to": "From 61,990.10 to 61,990.10.",
    "of the mean": "The VWAP rose.",
}

CONTENT = {
    "advice": "Time to buy.",
    "advice in capitals": "BUY now.",
    "advice glued": "Fine.Buy now.",
    "advice hyphenated": "A buy-side view.",
    "advice in quotes": "A 'sell' it is.",
    "target": "The target is near.",
    "should": "Traders should note it.",
    "forecast": "It will rise.",
    "likely": "Likely down.",
    "news": "Down over 30m on ETF news.",
    "cause": "Down over 30m because whales sold.",
    "record": "A record price.",
    "another symbol": "Like DOGEUSDT.",
    "another symbol, small": "Like dogeusdt.",
    "another asset": "Like DOGE.",
    "another coin": "Like Solana.",
    "a spike": "There is a spike.",
    "spiking": "It spiked.",
    "a status": "Spike status spike.",
    "no trades": "No trades were made.",
    "nothing": "Nothing of note.",
    "link": "See http://evil.example.",
    "bare link": "See evil.com for more.",
    "channel": "<!channel> look.",
    "here": "@here look.",
    "user": "<@U123> look.",
    "bold": "*Down* over 30m.",
    "code": "`x` down.",
    "italics": "_Down_ over 30m.",
    "html": "<b>Down</b> over 30m.",
    "entity": "Down &lt;b&gt;.",
    "emoji": "Down 🚀.",
    "emoji code": ":rocket:",
    "line break": "Down.\nUp.",
    "tab": "Down\tover 30m.",
    "full-width digits": "Price ６１,990.10.",
    "Arabic digits": "Price ٦١,990.10.",
    "superscript": "Up 0.25%² over 1m.",
    "fraction sign": "Up ½% over 1m.",
    "circled": "Rank ①.",
    "roman sign": "Phase Ⅻ.",
    "Chinese": "涨百分之二.",
    "Cyrillic letters": "Вuy now.",
    "zero-width": "b\u200buy now.",
    "non-breaking space": "Price 61\u00a0990.10.",
    "right to left": "Price \u202e01.099,16.",
    "soft hyphen": "b\u00aduy.",
    "per mille": "Up 2.5‰.",
    "approximately": "Price ≈62k.",
    "combining": "Price 61,990.10\u0336.",
    "surrogate": "Down \ud83d.",
    "nul": "Down\x00.",
}


@pytest.mark.parametrize("text", [*NUMBERS.values(), *WORDS.values()], ids=[*NUMBERS, *WORDS])
def test_a_number_that_is_not_the_figure_is_refused(text: str) -> None:
    assert about_text(one(), text) != []


@pytest.mark.parametrize("text", SIGNS.values(), ids=SIGNS)
def test_a_word_that_points_the_wrong_way_is_refused(text: str) -> None:
    assert about_text(one(), text) != []


@pytest.mark.parametrize("text", CONTENT.values(), ids=CONTENT)
def test_what_the_facts_do_not_hold_is_refused(text: str) -> None:
    assert about_text(one(), text) != []


@pytest.mark.parametrize("text", [*NUMBERS.values(), *WORDS.values(), *CONTENT.values()])
def test_it_can_not_hide_in_a_headline_either(text: str) -> None:
    assert about_headline(two(), f"BTCUSDT: {text}"[:120]) != []
    assert about_headline(two(), text[:120]) != []


@pytest.mark.parametrize("text", [*NUMBERS.values(), *CONTENT.values()])
def test_nor_in_the_words_about_the_source(text: str) -> None:
    assert complaints(one(), answer(one(), said=f"Source ok. {text}")) != []


@pytest.mark.parametrize(
    "text",
    [
        "BTCUSDT down 1.98%",
        "BTCUSDT up 1.98%, ETHUSDT down 0.12%",
        "ETHUSDT at 61,990.10",
        "Up 1.98%: ETHUSDT; down 0.12%: BTCUSDT",
        "A market at 3,012.45",
        "All symbols up",
        "Market falls",
        "3 symbols",
        "BTCUSDT and ETHUSDT up",
        "ETHUSDT calm, BTCUSDT spiking",
        "Ethereum falls",
    ],
)
def test_a_headline_that_mixes_symbols_up_is_refused(text: str) -> None:
    assert about_headline(two(), text) != []


def test_figures_of_another_symbol_are_refused() -> None:
    assert about_text(two(), "Price 61,990.10.", "BTCUSDT") == []
    assert about_text(two(), "Price 61,990.10.", "ETHUSDT") != []
    assert about_text(two(), "Up 1.98% over 30m, while BTCUSDT fell.", "ETHUSDT") != []
    assert about_text(two(), "It moved with BTC.", "ETHUSDT") != []


@pytest.mark.parametrize(
    "text",
    [
        "It is calm.",
        "No spike.",
        "Spike status calm.",
        "From 61,990.10 to 61,837.63.",
        "Opened at 61,990.10.",
        "High 61,837.63.",
        "Volume 4.2x its usual.",
        "The 3rd spike in 24h.",
        "Volume 63.7 BTC in 1m.",
        "A small volume.",
        "Down 0.25% over 1m.",
        "3 spikes in 24h.",
        "A 24h high of 61,999.00.",
        "From 61,837.63 to 61,990.10 over 30m.",
    ],
)
def test_false_words_about_a_spike_are_refused(text: str) -> None:
    assert about_text(spiked(), text) != []


def test_what_is_not_known_can_not_be_denied() -> None:
    warming = {**SPIKING, "status": "warming_up", "reasons": [], "count_24h": 0}
    facts = pulse_facts(pulse(symbol(spike=warming, open_gaps=1, missing_ids=3)))
    for text in ("No spike.", "It is calm.", "No open gaps.", "Nothing is missing.", "0 gaps."):
        assert about_text(facts, text) != []
    assert about_text(facts, "3 trades are missing in 1 open gap; spike status warming up.") == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ok", "Source degraded."),
        ("ok", "Source is fine."),
        ("ok", "Source ok, but gaps are there."),
        ("ok", "Source ok, data are delayed."),
        ("degraded", "Source ok."),
        ("degraded", "Source degraded, yet complete."),
        ("degraded", "Source degraded, no gaps."),
        ("degraded", "Degraded: 2 trades are missing."),
        ("stale", "Source stale but ok."),
        ("stale", "Stale, newest minute 12:33 UTC."),
        ("stale", "Stale, yet current."),
        ("stale", "Stale. BTCUSDT is fine."),
    ],
)
def test_false_words_about_the_source_are_refused(status: str, said: str) -> None:
    counts = {"open_gaps": 1, "missing_ids": 3} if status == "degraded" else {}
    facts = pulse_facts(pulse(health=source(status, "Some reason.", **counts)))
    assert complaints(facts, answer(facts, said=said)) != []
