"""`above its VWAP`, `heavy volume`: is it so? Pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from lakehouse.summary.directions import PRICE, VOLUME, against_one
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
_LITTLE: Final = word_set("low light thin weak small muted subdued sluggish tiny scarce")
_IS: Final = word_set("is was remains stays at very unusually exceptionally relatively")
_REACH: Final = 8


def relation_complaints(sentence: Sentence, figures: Sequence[Figure]) -> Iterator[str]:
    """A complaint for each comparison that no figures bear out."""
    for at in range(len(sentence.words)):
        sign, near = _sign(sentence, at), range(at + 1, at + _REACH)
        target = next(filter(None, map(sentence.label, near)), "")
        meant = _meant(sentence, near, figures)
        if sign and target and sign not in _signs(subject(sentence, at), target, figures, meant):
            yield f'"{sentence.words[at].text} … {target}" does not agree with the figures'
        if sentence.label(at) == "volume" and _wrong_size(sentence, at, figures):
            yield "the size of the volume does not agree with the figures"


def _sign(sentence: Sentence, at: int) -> int:
    low = sentence.low(at)
    if low in ("higher", "lower") and sentence.low(at + 1) != "than":
        return 0
    return _ABOVE.get(low, 0)


def _meant(sentence: Sentence, near: range, figures: Sequence[Figure]) -> list[Figure]:
    """The figures that may stand on the other side: of the window and the number named near."""
    windows = {size for at, size in sentence.windows.items() if at in near}
    found = [each for each in figures if not windows or each.window in windows]
    number = next((each for each in sentence.mentions if each.at in near), None)
    return found if number is None else [f for f in found if number.written.could_be(f.value)]


def _signs(about: str, target: str, figures: Sequence[Figure], meant: Sequence[Figure]) -> set[int]:
    """The ways in which the one stands to the other, of all figures that may be meant."""
    if about in VOLUME or target == "usual":
        return {against_one(each) for each in figures if each.kind == "volume_ratio"}
    left = _values(figures, "price", "close") if about in PRICE else _values(figures, about)
    right = _values(meant, target)
    return {(a > b) - (a < b) for a in left for b in right}


def _wrong_size(sentence: Sentence, at: int, figures: Sequence[Figure]) -> bool:
    """`thin volume`, `volume is very high`: against the usual one."""
    end = at + 1
    while sentence.joined(end) and sentence.low(end) in _IS:
        end += 1
    nearby = {sentence.low(at - 1), sentence.low(end) if sentence.joined(end) else ""}
    told = {1} if nearby & _MUCH else {-1} if nearby & _LITTLE else set()
    signs = {against_one(each) for each in figures if each.kind == "volume_ratio"}
    return not told <= signs


def _values(figures: Sequence[Figure], *kinds: str) -> list[Decimal]:
    return [each.value for each in figures if each.kind in kinds]
