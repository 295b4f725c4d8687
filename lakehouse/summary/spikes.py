"""Do the words about spikes agree with the facts? Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lakehouse.summary.facts import figures_of
from lakehouse.summary.scan import Sentence
from lakehouse.summary.vocabulary import DENIALS, word_set

_QUIET: Final = word_set("calm quiet uneventful")
_SPIKES: Final = word_set("spike spikes spiked spiking")
_STATUSES: Final = {"spike": "spike", "calm": "calm", "warming": "warming_up"}
_DAY: Final = 1440
_NEAR: Final = 3


@dataclass(frozen=True, slots=True)
class _Known:
    """`now`: the statuses of the symbols meant; `of_day`: whether one had a spike in 24 hours."""

    now: frozenset[str]
    of_day: bool


def spike_complaints(sentence: Sentence, symbols: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A spike may be named where there is one, and a calm where there is none."""
    known = _Known(frozenset(each["spike"] for each in symbols), any(map(_of_day, symbols)))
    for at, word in enumerate(sentence.words):
        wrong = word.low in _QUIET and known.now != {"calm"}
        if word.low in _SPIKES and not _is_count(sentence, at):
            wrong = not _is_so(sentence, at, known)
        if wrong:
            yield f'"{word.low}" does not agree with the spike status'


def _is_so(sentence: Sentence, at: int, known: _Known) -> bool:
    if sentence.low(at + 1) == "status":
        named = at + 3 if sentence.low(at + 2) in ("is", "was") else at + 2
        return known.now == {_STATUSES.get(sentence.low(named), "")}
    of_day = _DAY in sentence.windows.values()
    if any(sentence.low(at - back) in DENIALS for back in range(1, _NEAR + 1)):
        # `no spikes` denies the whole day's, `no spike` only the one now.
        whole_day = of_day or sentence.low(at) == "spikes"
        return known.now == {"calm"} and not (whole_day and known.of_day)
    return "spike" in known.now or (of_day and known.of_day)


def _is_count(sentence: Sentence, at: int) -> bool:
    """`2 spikes`, `spikes: 0`, `1 spike`: checked as numbers."""
    if sentence.low(at) == "spikes":
        return any(abs(mention.at - at) <= _NEAR for mention in sentence.mentions)
    return any(m.until == at and m.written.value == 1 for m in sentence.mentions)


def _of_day(symbol: Mapping[str, Any]) -> bool:
    return any(each.kind == "spikes" and each.value for each in figures_of(symbol))
