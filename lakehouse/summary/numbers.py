"""What a number in a text says: value, last digit shown, sign, unit. Pure.

A word with a digit in it is read in one of the forms below or not at all: what can't be read is
refused, never skipped. Every pattern is matched against one whole word, in linear time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from lakehouse.summary.figures import EXACT
from lakehouse.summary.vocabulary import MAGNITUDES, MINUTES, OTHER_SPANS
from lakehouse.summary.words import Word

NumberUnit = Literal["", "percent", "times", "window", "clock", "ordinal", "points", "span"]

_MOST_CHARACTERS: Final = 40
_NUMBER: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<money>\$?)(?P<whole>[1-9]\d{0,2}(?:,\d{3})+|0|[1-9]\d*)"
    r"(?:\.(?P<part>\d+))?(?P<size>k|K|M|B|mn|bn)?(?P<unit>%|x|X|bps|bp)?",
    re.ASCII,
)
_WINDOW: Final = re.compile(r"([1-9]\d{0,3})-?([a-z]+)", re.ASCII)
_ORDINAL: Final = re.compile(r"([1-9]\d{0,5})(?:st|nd|rd|th)", re.ASCII)
_CLOCK: Final = re.compile(r"(?:\d{4}-\d\d-\d\d)?T?(?:\d\d:\d\d(?::\d\d)?)?Z?|\d:\d\d", re.ASCII)
_UNITS: Final = {"%": "percent", "x": "times", "X": "times"}
_BASIS_POINTS: Final = ("bps", "bp")


@dataclass(frozen=True, slots=True)
class Written:
    """A number as written. `step`: the size of its last digit; `digits`: how many count;
    `length`: words it takes. `clock`: the word itself where the unit is `clock`."""

    value: Decimal
    step: Decimal
    digits: int
    decimals: int
    sign: str
    unit: NumberUnit
    money: bool
    length: int
    clock: str = ""

    def could_be(self, figure: Decimal) -> bool:
        """Whether this is the figure, rounded by half of the last digit shown at most.

        A rounding must leave something of it: two digits that count, or one decimal of a
        percentage or a multiple. So 61,990 is not `0.1M`, and 0.4 % not `0%`.
        """
        magnitude = figure.copy_abs()
        if self.value == magnitude:
            return True
        distance = EXACT.abs(EXACT.subtract(self.value, magnitude))
        if EXACT.multiply(distance, Decimal(2)) > self.step or not self.value:
            return False
        return self.digits >= 2 or (self.unit in ("percent", "times") and self.decimals > 0)


def read(words: Sequence[Word], at: int) -> Written | None:
    """The number that begins with the word at `at`, which has a digit. None: it can't be read."""
    text = words[at].text
    if len(text) > _MOST_CHARACTERS:
        return None
    if (found := _WINDOW.fullmatch(text)) and found[2] in MINUTES:
        return _plain(int(found[1]) * MINUTES[found[2]], "window")
    if found := _ORDINAL.fullmatch(text):
        return _plain(int(found[1]), "ordinal")
    if found := _NUMBER.fullmatch(text):
        return _number(found, words, at)
    if _CLOCK.fullmatch(text):
        return _plain(0, "clock", text)
    return None


def _plain(value: int, unit: NumberUnit, clock: str = "") -> Written:
    return Written(Decimal(value), Decimal(1), len(str(value)), 0, "", unit, False, 1, clock)


def _number(found: re.Match[str], words: Sequence[Word], at: int) -> Written | None:
    following = _Following(words, at + 1)
    part, size, unit_text = found["part"] or "", found["size"], found["unit"]
    if not size and not unit_text:
        size = following.take(*(name for name in MAGNITUDES if len(name) > 2))
    exponent = MAGNITUDES[size] if size else 0
    unit = _UNITS.get(unit_text or "", "") or following.unit()
    if unit_text in _BASIS_POINTS or unit == "bps":
        exponent, unit = exponent - 2, "percent"
    digits = found["whole"].replace(",", "") + part
    if unit == "window":
        return None if part or size or found["sign"] else _window(digits, following)
    scale = exponent - len(part)
    return Written(
        value=Decimal(digits).scaleb(scale, context=EXACT),
        step=Decimal(1).scaleb(scale, context=EXACT),
        digits=len(digits.lstrip("0")),
        decimals=len(part),
        sign=found["sign"],
        unit=unit,  # type: ignore[arg-type]
        money=bool(found["money"]),
        length=following.at - at,
    )


def _window(digits: str, following: "_Following") -> Written:
    minutes = int(digits[:9]) * MINUTES[following.taken]
    return Written(
        Decimal(minutes), Decimal(1), len(digits), 0, "", "window", False, following.count + 1
    )


class _Following:
    """The words after a number that belong to it. None does after the end of a clause."""

    def __init__(self, words: Sequence[Word], at: int) -> None:
        self._words, self._start, self.at, self.taken = words, at, at, ""

    @property
    def count(self) -> int:
        return self.at - self._start

    def take(self, *names: str) -> str:
        """The next word, if it is one of these."""
        before = self._words[self.at - 1]
        if before.breaks or self.at >= len(self._words):
            return ""
        if (low := self._words[self.at].low) not in names:
            return ""
        self.at, self.taken = self.at + 1, low
        return low

    def unit(self) -> str:
        """`percent`, `bps`, `times`, `window`, `span` or `points`; "" where no unit follows."""
        if self.take("percent", "pct", "%"):
            return "points" if self.take("points", "point") else "percent"
        if self.take("percentage", "points", "point", "pips", "ticks", "cents", "cent", "fold"):
            return "points"
        if self.take("basis"):
            return "bps" if self.take("points", "point") else "points"
        if self.take("bps", "bp"):
            return "bps"
        if self.take("times", "x"):
            return "times"
        if self.take(*(name for name in MINUTES if len(name) > 1)):
            return "window"
        return "span" if self.take(*OTHER_SPANS) else ""
