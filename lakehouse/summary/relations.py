"""`above its VWAP`, `heavy volume`: is it so? Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from lakehouse.summary.directions import PRICE, VOLUME, Course, ratio_signs
from lakehouse.summary.figures import Figure
from lakehouse.summary.scan import Sentence
from lakehouse.summary.signs import subject
from lakehouse.summary.vocabulary import word_set

_ABOVE: Final = {
    **dict.fromkeys(("above", "exceeds", "exceeded", "exceeding"), 1),
    **dict.fromkeys(("below", "under", "beneath"), -1),
    "higher": 1,
    "lower": -1,
}
_MUCH: Final = word_set("high heavy strong large elevated unusual brisk huge big massive intense")
_LITTLE: Final = word_set("low light thin weak small muted subdued sluggish tiny scarce quiet calm")
_IS: Final = word_set("is was remains stays at very unusually exceptionally relatively")
_REACH: Final = 8


def relation_complaints(sentence: Sentence, course: Course) -> Iterator[str]:
    """A complaint for each comparison that no figures bear out."""
    for at in range(len(sentence.words)):
        if target := _wrong_relation(sentence, at, course.figures):
            yield f'"{sentence.words[at].text} … {target}" does not agree with the figures'
        if sentence.label(at) == "volume" and _wrong_size(sentence, at, course):
            yield "the size of the volume does not agree with the figures; say over which window"


def _wrong_relation(sentence: Sentence, at: int, figures: Sequence[Figure]) -> str:
    """What the word at `at` compares with, where that is wrong; else ""."""
    sign, near = _sign(sentence, at), range(at + 1, at + _REACH)
    target = next(filter(None, map(sentence.label, near)), "")
    if not sign or not target:
        return ""
    about = subject(sentence, at)
    if about in VOLUME or target == "usual":
        true = ratio_signs(figures, _windows_in(sentence, near) or _window_before(sentence, at))
        return "" if sign in true else target
    left = _named(figures, about, _window_before(sentence, at))
    right = _told(sentence, near, _named(figures, target, _windows_in(sentence, near)))
    true = {(a.value > b.value) - (a.value < b.value) for a in left for b in right}
    return "" if sign in true else target


def _sign(sentence: Sentence, at: int) -> int:
    low = sentence.low(at)
    if low in ("higher", "lower") and sentence.low(at + 1) != "than":
        return 0
    return _ABOVE.get(low, 0)


def _windows_in(sentence: Sentence, words: range) -> set[int]:
    return {size for at, size in sentence.windows.items() if at in words}


def _window_before(sentence: Sentence, at: int) -> set[int]:
    """The window named last before a word."""
    earlier = [place for place in sentence.windows if place < at]
    return {sentence.windows[max(earlier)]} if earlier else set()


def _named(figures: Sequence[Figure], name: str, windows: set[int]) -> list[Figure]:
    """The figures of a name; a price has no window."""
    if name in PRICE:
        return [each for each in figures if each.kind in ("price", "close")]
    meant = [each for each in figures if each.kind == name]
    return [each for each in meant if not windows or each.window in windows]


def _told(sentence: Sentence, near: range, figures: Sequence[Figure]) -> list[Figure]:
    """Those that the number is of which stands near, if one does."""
    number = next((each.written for each in sentence.mentions if each.at in near), None)
    return [each for each in figures if number is None or number.could_be(each.value)]


def _wrong_size(sentence: Sentence, at: int, course: Course) -> bool:
    """`thin volume`, `5m volume is very high`: against the usual one."""
    end = at + 1
    while sentence.joined(end) and sentence.low(end) in _IS:
        end += 1
    nearby = {sentence.low(at - 1), sentence.low(end) if sentence.joined(end) else ""}
    told = {1} if nearby & _MUCH else {-1} if nearby & _LITTLE else set()
    windows = _windows_in(sentence, range(at, at + _REACH)) or _window_before(sentence, at)
    # Where a spike is spoken of, its own volume is meant.
    of_spike = {1} if sentence.speaks_of("spikes") and "volume high" in course.reasons else set()
    return not told <= ratio_signs(course.figures, windows) | of_spike
