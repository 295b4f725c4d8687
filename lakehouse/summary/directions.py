"""Do the words of direction agree with the figures? Pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from lakehouse.summary.figures import Figure
from lakehouse.summary.scan import Sentence
from lakehouse.summary.signs import free_words, sign_of, signs_of, subject

_PRICE: Final = ("", "price", "close", "change", "return")
_VOLUME: Final = ("volume", "usual", "turnover")
_ABOVE: Final = {"above": 1, "below": -1, "higher": 1, "lower": -1, "under": -1, "beneath": -1}
_SIGNS: Final = {"up": {1}, "down": {-1}, "flat": {0}, "unknown": set[int]()}
_REACH: Final = 6


def direction_complaints(
    sentence: Sentence, figures: Sequence[Figure], directions: Sequence[str]
) -> Iterator[str]:
    """A complaint for each word that points the wrong way; `directions`: of the symbols meant."""
    for at in free_words(sentence):
        sign = sign_of(sentence, at)
        if sign is not None and sign not in _true_signs(sentence, at, figures, directions):
            yield f'"{sentence.words[at].text}" does not agree with the figures'
    yield from _relations(sentence, figures)


def _true_signs(
    sentence: Sentence, at: int, figures: Sequence[Figure], directions: Sequence[str]
) -> set[int]:
    """The ways that what the word speaks of has gone."""
    about = subject(sentence, at)
    if about in _VOLUME:
        return {_against_one(each) for each in figures if each.kind == "volume_ratio"}
    if about not in _PRICE:
        return set()
    windows = set(sentence.windows.values())
    changes = [each for each in figures if each.kind == "change" and each.window in windows]
    if windows:
        return signs_of(changes)
    # Of several symbols, what is said must be true of each.
    return set.intersection(*(_SIGNS[each] for each in directions)) if directions else set()


def _against_one(each: Figure) -> int:
    return (each.value > 1) - (each.value < 1)


def _relations(sentence: Sentence, figures: Sequence[Figure]) -> Iterator[str]:
    """`above its VWAP`, `below the usual`: is it so of any figure that may be meant?"""
    for at in range(len(sentence.words)):
        sign = _ABOVE.get(sentence.low(at))
        if sign is None or (sentence.low(at) in ("higher", "lower") and _not_than(sentence, at)):
            continue
        target = next(filter(None, (sentence.label(at + n) for n in range(1, _REACH))), "")
        if target and sign not in _relation(subject(sentence, at), target, figures):
            yield f'"{sentence.words[at].text} … {target}" does not agree with the figures'


def _not_than(sentence: Sentence, at: int) -> bool:
    return sentence.low(at + 1) != "than"


def _relation(about: str, target: str, figures: Sequence[Figure]) -> set[int]:
    if about in _VOLUME or target == "usual":
        return {_against_one(each) for each in figures if each.kind == "volume_ratio"}
    left = _values(figures, "price", "close") if about in _PRICE else _values(figures, about)
    right = _values(figures, target)
    return {(a > b) - (a < b) for a in left for b in right}


def _values(figures: Sequence[Figure], *kinds: str) -> list[Decimal]:
    return [each.value for each in figures if each.kind in kinds]
