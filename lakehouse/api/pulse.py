"""The pulse of one symbol: what its newest minutes say about price, volume and spikes. Pure.

docs/api.md defines every figure; a slow, plain recomputation in the tests holds them. `now` is the
newest minute in Gold of any symbol: figures depend on the table alone, not on a clock.
"""

from dataclasses import dataclass
from typing import Final, Literal

from lakehouse.api.series import QUOTE_SCALE, VOLUME_SCALE, Series
from lakehouse.api.units import quotient, text

SpikeStatus = Literal["spike", "calm", "warming_up"]

HOUR: Final = 60
DAY: Final = 1440
# A day, and the hour before it in which the close of a day ago may lie.
KEPT_MINUTES: Final = DAY + HOUR
CHANGES: Final = {"1m": 1, "5m": 5, "30m": 30, "24h": DAY}
VWAPS: Final = {"30m": 30, "24h": DAY}
VOLUMES: Final = {"1m": 1, "5m": 5, "30m": 30, "24h": DAY}
# Window → how many windows of that length before it say what is usual.
USUALS: Final = {"1m": 60, "5m": 12, "30m": 46}
CHANGE_SCALE: Final = 12
VWAP_SCALE: Final = 12
RATIO_SCALE: Final = 6


@dataclass(frozen=True, slots=True)
class Volume:
    """A window's volume against the usual one, base currency; null where history is too short."""

    total: str | None
    usual: str | None
    ratio: str | None


@dataclass(frozen=True, slots=True)
class Pulse:
    """Decimals as exact text. `changes`, `vwaps`, `volumes` by the length of the window."""

    minutes_behind: int
    changes: dict[str, str | None]
    vwaps: dict[str, str | None]
    volumes: dict[str, Volume]
    quote_volume_24h: str | None
    trades_24h: int | None
    spike_status: SpikeStatus
    spikes_24h: int
    newest_spike: int | None


def pulse_of(series: Series, now: int, warm_up_minutes: int) -> Pulse:
    """The pulse of a series that is not empty; `now` is no earlier than its newest minute.

    `warm_up_minutes`: the least returns in the hour before a minute that its spike is judged with.
    """
    newest = series.minutes[-1]
    whole_day = series.reaches(now - DAY)
    day = series.totals(now - DAY, now - 1)
    spikes = series.totals(now - DAY + 1, now).spikes
    return Pulse(
        minutes_behind=now - newest,
        changes={name: _change(series, now, minutes) for name, minutes in CHANGES.items()},
        vwaps={name: _vwap(series, now, minutes) for name, minutes in VWAPS.items()},
        volumes={name: _volume(series, now, name) for name in VOLUMES},
        quote_volume_24h=text(day.quote_volume, QUOTE_SCALE) if whole_day else None,
        trades_24h=day.trades if whole_day else None,
        spike_status=_spike_status(series, warm_up_minutes),
        spikes_24h=spikes,
        newest_spike=series.newest_spike(now - DAY + 1, now) if spikes else None,
    )


def _change(series: Series, now: int, minutes: int) -> str | None:
    """Price now / price so many minutes ago - 1; a price is the newest close of an hour."""
    price, before = series.close_at(now, HOUR), series.close_at(now - minutes, HOUR)
    if price is None or before is None:
        return None
    return text(quotient(price - before, before, CHANGE_SCALE), CHANGE_SCALE)


def _vwap(series: Series, now: int, minutes: int) -> str | None:
    """Quote volume / volume of the last `minutes` minutes, the running one included."""
    first = now - minutes + 1
    if not series.reaches(first):
        return None
    found = series.totals(first, now)
    divisor = found.volume * 10 ** (QUOTE_SCALE - VOLUME_SCALE)
    return text(quotient(found.quote_volume, divisor, VWAP_SCALE), VWAP_SCALE)


def _volume(series: Series, now: int, name: str) -> Volume:
    """The volume of the last full minutes: the running one would look small beside full ones."""
    minutes = VOLUMES[name]
    if not series.reaches(now - minutes):
        return Volume(None, None, None)
    (total,) = series.volumes(now - minutes, minutes, 1)
    usual = _usual(series, now - minutes, minutes, USUALS.get(name, 0))
    ratio = None if usual is None else quotient(total, usual, RATIO_SCALE)
    return Volume(text(total, VOLUME_SCALE), text(usual, VOLUME_SCALE), text(ratio, RATIO_SCALE))


def _usual(series: Series, end: int, minutes: int, count: int) -> int | None:
    """The low median of the windows with volume among the `count` ones before `end`.

    Null unless a third of them have any, and where the series does not reach back to them all.
    """
    first = end - count * minutes
    if not count or not series.reaches(first):
        return None
    found = sorted(volume for volume in series.volumes(first, minutes, count) if volume)
    if 3 * len(found) < count:
        return None
    return found[(len(found) - 1) // 2]


def _spike_status(series: Series, warm_up_minutes: int) -> SpikeStatus:
    """What Gold says of the newest minute, and whether it could judge it."""
    newest = series.minutes[-1]
    if series.totals(newest, newest).spikes:
        return "spike"
    judged = series.totals(newest - HOUR, newest - 1).returns
    return "calm" if judged >= warm_up_minutes else "warming_up"
