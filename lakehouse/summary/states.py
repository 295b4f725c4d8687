"""Do the words about the source's health and about spikes agree with the facts? Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lakehouse.summary.facts import Facts, figures_of
from lakehouse.summary.scan import Sentence
from lakehouse.summary.vocabulary import word_set
from lakehouse.summary.words import Word

_STATUSES: Final = ("ok", "degraded", "stale")
_GOOD: Final = word_set(
    "fresh healthy complete reliable live current timely trustworthy accurate good fine full "
    "intact sound whole real-time realtime uninterrupted consistent perfect normal everything all "
    "none nothing without no"
)
_BAD: Final = word_set(
    "old outdated delayed late missing broken incomplete behind lagging outage unreliable failed "
    "failing unreachable gap gaps stopped"
)
_QUIET: Final = word_set("calm quiet uneventful")
_NONE: Final = word_set("no without zero")
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
    for low in lows:
        if (status != "ok" and low in _GOOD) or (status == "ok" and low in _BAD):
            yield f'"{low}" does not fit the status "{status}"'


def spike_complaints(sentence: Sentence, symbols: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A spike may be named where there is one, and a calm where there is none."""
    spiking = [symbol["symbol"] for symbol in symbols if symbol["spike"] == "spike"]
    known = bool(spiking) or any(_spikes(symbol) for symbol in symbols)
    for at, word in enumerate(sentence.words):
        named = sentence.count_label(at) == "spikes" or word.low in ("spiked", "spiking")
        denied = any(sentence.low(at - back) in _NONE for back in range(1, _NEAR + 1))
        if named and denied and known:
            yield f'"no {word.low}" does not agree with the facts'
        if named and not denied and not known and not _counted(sentence, at):
            yield f'"{word.low}": the facts know of none'
        if word.low in _QUIET and spiking:
            yield f'"{word.low}" does not agree with the spike'


def _counted(sentence: Sentence, at: int) -> bool:
    """`0 spikes`, `spikes: 0`, `spike status calm` are checked as numbers, or claim none."""
    numbered = any(abs(mention.at - at) <= _NEAR for mention in sentence.mentions)
    return numbered or sentence.low(at + 1) in ("status", "count")


def _spikes(symbol: Mapping[str, Any]) -> bool:
    return any(each.kind == "spikes" and each.value for each in figures_of(symbol))
