"""Do the words about the source, and about what is not there, agree with the facts? Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from lakehouse.summary.facts import Facts
from lakehouse.summary.figures import Figure
from lakehouse.summary.scan import Sentence
from lakehouse.summary.vocabulary import DENIALS, DOWN, FLAT, UP, word_set
from lakehouse.summary.words import Word

_STATUSES: Final = ("ok", "degraded", "stale")
_GOOD: Final = word_set(
    "fresh healthy complete reliable live current timely trustworthy accurate good fine full "
    "intact sound whole realtime uninterrupted consistent perfect normal everything all "
    "none nothing without no real"
)
_BAD: Final = word_set(
    "old outdated delayed late missing broken incomplete behind lagging outage unreliable "
    "unreachable gap gaps stopped"
)
_NEAR: Final = 3


def source_word_complaints(facts: Facts, words: Sequence[Word]) -> Iterator[str]:
    """The status must be named, no other one, and nothing said that belongs to another."""
    status = facts.source["status"]
    lows = [word.low for word in words]
    if status not in lows:
        yield f'the status "{status}" must be named'
    for other in _STATUSES:
        if other != status and other in lows:
            yield f'"{other}" is not the status'
    for at, low in enumerate(lows):
        unfit = _GOOD if status != "ok" else _BAD
        if low in unfit and not (status == "ok" and DENIALS & set(lows[max(0, at - _NEAR) : at])):
            yield f'"{low}" does not fit the status "{status}"'
        if low in UP | DOWN | FLAT and lows[at : at + 3] != ["up", "to", "date"]:
            yield f'"{low}" says nothing about the source'


def denial_complaints(sentence: Sentence, figures: Sequence[Figure]) -> Iterator[str]:
    """`no open gaps` is checked as a number is; what else is denied can't be."""
    for at, word in enumerate(sentence.words):
        if word.low not in DENIALS:
            continue
        near = range(at + 1, min(at + 1 + _NEAR, len(sentence.words)))
        denied = {sentence.count_label(back) for back in near} - {""}
        counts = [each.value for each in figures if each.unit == "count" and each.kind in denied]
        if not denied:
            yield f'"{word.low}" turns a statement round: say what is so'
        elif "spikes" not in denied and (not counts or any(counts)):
            yield f'"{word.low} {min(denied)}" does not agree with the facts'
