"""The pulse against a slow, plain recomputation from docs/api.md, on generated minutes."""

from dataclasses import asdict
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.api.pulse import KEPT_MINUTES, pulse_of
from lakehouse.api.series import Bar, Series, Totals
from lakehouse.api.units import quotient, text
from tests import reference

NOW = 30_000_000
WARM_UP = 20
UNIT = 10**8
# Amounts of every size that Gold can hold, so that nothing fits a float or 64 bits by luck.
AMOUNTS = st.integers(1, 10**23)


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    close, volume = draw(AMOUNTS), draw(AMOUNTS)
    flags = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    return Bar(close, volume, draw(st.integers(1, 10**36)), draw(st.integers(1, 10**9)), *flags)


@st.composite
def markets(draw: st.DrawFn) -> dict[int, Bar]:
    """Some minutes of 25 hours: near the newest one nearly all, or few of them anywhere."""
    near = draw(st.sets(st.integers(NOW - 100, NOW), max_size=90))
    windows = [NOW - 1440 - 70, NOW - 1440 + 2, NOW - 1410, NOW - 60, NOW - 30, NOW - 1, NOW]
    edges = draw(st.sets(st.sampled_from([w + d for w in windows for d in (-1, 0, 1)])))
    far = draw(st.sets(st.integers(NOW - KEPT_MINUTES, NOW), max_size=40))
    minutes = {minute for minute in near | edges | far if NOW - KEPT_MINUTES <= minute <= NOW}
    minutes = minutes or {NOW}
    return {minute: draw(bars()) for minute in sorted(minutes)}


def series_of(market: dict[int, Bar]) -> Series:
    return Series().with_changes(market)


def plain(market: dict[int, Bar], now: int) -> dict[str, Any]:
    """The same figures by the words of docs/api.md: loops over rows, fractions, no windows kept."""
    rows = sorted(market.items())
    newest = rows[-1][0]

    def over(first: int, last: int) -> list[Bar]:
        return [bar for minute, bar in rows if first <= minute <= last]

    def price(at: int) -> Fraction | None:
        found = [bar.close for minute, bar in rows if at - 60 < minute <= at]
        return Fraction(found[-1]) if found else None

    def change(minutes: int) -> str | None:
        here, there = price(now), price(now - minutes)
        return None if here is None or there is None else exact(here / there - 1, 12)

    def vwap(minutes: int) -> str | None:
        if rows[0][0] > now - minutes + 1:
            return None
        found = over(now - minutes + 1, now)
        base = sum(Fraction(bar.volume, UNIT) for bar in found)
        quote = sum(Fraction(bar.quote_volume, UNIT**2) for bar in found)
        return exact(quote / base, 12) if base else None

    def volume(minutes: int, count: int) -> dict[str, str | None]:
        if rows[0][0] > now - minutes:
            return {"total": None, "usual": None, "ratio": None}
        total = Fraction(sum(bar.volume for bar in over(now - minutes, now - 1)), UNIT)
        usual = usually(minutes, count)
        ratio = exact(total / usual, 6) if usual else None
        told = None if usual is None else exact(usual, 8)
        return {"total": exact(total, 8), "usual": told, "ratio": ratio}

    def usually(minutes: int, count: int) -> Fraction | None:
        ends = [now - minutes - n * minutes for n in range(count)]
        if not ends or rows[0][0] > ends[-1] - minutes:
            return None
        sums = [sum(bar.volume for bar in over(end - minutes, end - 1)) for end in ends]
        traded = [Fraction(one, UNIT) for one in sums if one]
        return reference.low_median(traded) if 3 * len(traded) >= count else None

    whole = rows[0][0] <= now - 1440
    day = over(now - 1440, now - 1)
    spikes = [minute for minute, bar in rows if bar.spikes and now - 1439 <= minute]
    judged = sum(bar.returns for bar in over(newest - 60, newest - 1))
    calm = "calm" if judged >= WARM_UP else "warming_up"
    return {
        "minutes_behind": now - newest,
        "changes": {"1m": change(1), "5m": change(5), "30m": change(30), "24h": change(1440)},
        "vwaps": {"30m": vwap(30), "24h": vwap(1440)},
        "volumes": {
            "1m": volume(1, 60),
            "5m": volume(5, 12),
            "30m": volume(30, 46),
            "24h": volume(1440, 0),
        },
        "quote_volume_24h": exact(Fraction(sum(b.quote_volume for b in day), UNIT**2), 16)
        if whole
        else None,
        "trades_24h": sum(bar.trades for bar in day) if whole else None,
        "spike_status": "spike" if market[newest].spikes else calm,
        "spikes_24h": len(spikes),
        "newest_spike": max(spikes, default=None),
    }


def exact(value: Fraction, places: int) -> str:
    return format(reference.rounded(value, places), "f")


@given(markets(), st.integers(0, 3))
def test_the_pulse_is_what_its_definition_says(market: dict[int, Bar], later: int) -> None:
    found = asdict(pulse_of(series_of(market), NOW + later, WARM_UP))
    assert found == plain(market, NOW + later)


@given(markets(), markets(), st.sets(st.integers(NOW - KEPT_MINUTES, NOW)), st.integers(0, 1500))
def test_a_series_that_was_changed_is_the_one_made_anew(
    before: dict[int, Bar], changed: dict[int, Bar], gone: set[int], cut: int
) -> None:
    followed = series_of(before).since(NOW - cut).with_changes(changed, gone - changed.keys())
    kept = {m: bar for m, bar in before.items() if m >= NOW - cut and m not in gone}
    wanted = dict(sorted((kept | changed).items()))
    assert followed.minutes == tuple(wanted)
    for first, last in [(NOW - KEPT_MINUTES, NOW), (NOW - 60, NOW - 1), (NOW - 7, NOW - 7)]:
        inside = [bar[1:] for minute, bar in wanted.items() if first <= minute <= last]
        sums = [sum(column) for column in zip(*inside, strict=True)] or [0] * 5
        assert followed.totals(first, last) == Totals(*sums)
    for minute, bar in wanted.items():
        assert followed.close_at(minute, 1) == bar.close


def test_a_series_is_not_changed_by_its_successor() -> None:
    first = series_of({NOW: Bar(1, 2, 3, 4, 0, 0)})
    second = first.with_changes({NOW: Bar(9, 9, 9, 9, 1, 1), NOW + 1: Bar(1, 1, 1, 1, 1, 1)})
    assert first.totals(NOW, NOW + 1) == Totals(2, 3, 4, 0, 0)
    assert second.totals(NOW, NOW + 1) == Totals(10, 10, 10, 2, 2)
    assert first.with_changes({}) is first and first.since(NOW) is first


def test_the_first_minute_of_a_lake_gives_no_figure_that_it_can_not_know() -> None:
    found = pulse_of(series_of({NOW: Bar(UNIT, UNIT, UNIT**2, 1, 0, 0)}), NOW, WARM_UP)
    assert set(found.changes.values()) == {None}
    assert set(found.vwaps.values()) == {None}
    assert {volume.total for volume in found.volumes.values()} == {None}
    assert (found.trades_24h, found.spike_status) == (None, "warming_up")


def test_a_price_older_than_an_hour_is_no_price_for_a_change() -> None:
    bar = Bar(UNIT, UNIT, UNIT**2, 1, 0, 0)
    known = series_of({NOW - 59: bar, NOW - 60: bar})
    assert pulse_of(known, NOW, WARM_UP).changes["1m"] is not None
    unknown = series_of({NOW - 60: bar, NOW - 61: bar})
    assert pulse_of(unknown, NOW, WARM_UP).changes["1m"] is None


@given(st.integers(-(10**40), 10**40), st.integers(-(10**20), 10**20), st.integers(0, 16))
def test_a_quotient_is_rounded_half_up_once(dividend: int, divisor: int, scale: int) -> None:
    if not divisor:
        assert quotient(dividend, divisor, scale) is None
        return
    wanted = reference.rounded(Fraction(dividend, divisor), scale)
    found = text(quotient(dividend, divisor, scale), scale)
    # Zero has no sign here.
    assert found == format(wanted, "f").replace("-", "" if not wanted else "-")


def test_units_are_told_in_plain_notation() -> None:
    assert [text(n, 8) for n in (0, 1, -1, 12 * UNIT)] == [
        "0.00000000", "0.00000001", "-0.00000001", "12.00000000",
    ]  # fmt: skip
    assert (text(-5, 0), text(None, 8)) == ("-5", None)


def test_the_warm_up_is_a_setting() -> None:
    quiet = {NOW - back: Bar(UNIT, UNIT, UNIT**2, 1, 1, 0) for back in range(1, 31)}
    series = series_of({**quiet, NOW: Bar(UNIT, UNIT, UNIT**2, 1, 1, 0)})
    told = {warm_up: pulse_of(series, NOW, warm_up).spike_status for warm_up in (30, 31)}
    assert told == {30: "calm", 31: "warming_up"}
