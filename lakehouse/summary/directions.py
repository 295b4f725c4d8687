"""Do the words of direction agree with the figures? Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lakehouse.summary.figures import Figure
from lakehouse.summary.scan import Sentence
from lakehouse.summary.signs import governing, sign_of, sign_words, signs, subject

PRICE: Final = ("", "now", "price", "close", "change", "return")
VOLUME: Final = ("volume", "usual", "turnover")
_SIGNS: Final = {"up": {1}, "down": {-1}, "flat": {0}, "unknown": set[int]()}
_REASONS: Final = {"price up": 1, "price down": -1}


@dataclass(frozen=True, slots=True)
class Course:
    """Where things have gone: the figures of one symbol (empty where several are meant), the
    directions of all that are meant, the reasons of their spikes."""

    figures: Sequence[Figure]
    directions: Sequence[str]
    reasons: Sequence[str] = ()

    @property
    def common(self) -> set[int]:
        """What is said of several symbols must be true of each."""
        found = [_SIGNS[each] for each in self.directions]
        return set.intersection(*found) if found else set()


def direction_complaints(sentence: Sentence, course: Course) -> Iterator[str]:
    """A complaint for each word that points the wrong way."""
    governs = governing(sentence)
    for at in sign_words(sentence):
        if at not in governs and sign_of(sentence, at) not in _true_signs(sentence, at, course):
            yield f'"{sentence.words[at].text}" does not agree with the figures'
    if any(word.low == "mixed" for word in sentence.words) and not _mixed(course):
        yield '"mixed" does not agree with the figures'
    yield from _ways(sentence, course)


def _true_signs(sentence: Sentence, at: int, course: Course) -> set[int]:
    """The ways that what the word speaks of has gone."""
    about = subject(sentence, at)
    if about in VOLUME:
        return ratio_signs(course.figures, _windows_of(sentence, at))
    if about not in PRICE:
        return set()
    if windows := _windows_of(sentence, at):
        return _signs_of_all(windows, course)
    reasons = {_REASONS[each] for each in course.reasons if each in _REASONS}
    return reasons if reasons and sentence.speaks_of("spikes") else course.common


def _signs_of_all(windows: set[int], course: Course) -> set[int]:
    """The one sign that the changes of all these windows have; none where they differ."""
    changes = [each for each in course.figures if each.kind == "change"]
    known = {each.window for each in changes}
    found = signs([each for each in changes if each.window in windows])
    return found if len(found) == 1 and windows <= known else set()


def _windows_of(sentence: Sentence, at: int) -> set[int]:
    """The windows from this word of direction to the next one, else from the one before."""
    others = [other for other in sign_words(sentence) if other != at]
    end = min((other for other in others if other > at), default=len(sentence.words))
    start = max((other for other in others if other < at), default=0)
    found = {size for place, size in sentence.windows.items() if at < place < end}
    return found or {size for place, size in sentence.windows.items() if start <= place < at}


def _mixed(course: Course) -> bool:
    changes = [each for each in course.figures if each.kind == "change"]
    return len(set(course.directions)) > 1 or len(signs(changes)) > 1


def _ways(sentence: Sentence, course: Course) -> Iterator[str]:
    """`from 61,837.63 to 61,990.10` is a way up."""
    for first, second in zip(sentence.mentions, sentence.mentions[1:], strict=False):
        words = sentence.low(first.at - 1), sentence.low(first.until)
        if words != ("from", "to") or second.at != first.until + 1:
            continue
        start, end = first.written.value, second.written.value
        if (end > start) - (end < start) not in course.common:
            yield '"from … to …" does not agree with the direction'


def ratio_signs(figures: Sequence[Figure], windows: set[int]) -> set[int]:
    """How the volumes stand against their usual, 1 above, -1 below: the one sign that those of
    the windows (all, where none is named) have; none where they differ."""
    ratios = [each for each in figures if each.kind == "volume_ratio"]
    meant = [each.value for each in ratios if not windows or each.window in windows]
    found = {(value > 1) - (value < 1) for value in meant}
    return found if len(found) == 1 else set()
