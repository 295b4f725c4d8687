"""A text's words → its sentences, and the numbers, windows and labels in each. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from lakehouse.summary.numbers import Written, read
from lakehouse.summary.vocabulary import (
    BARE_SPANS,
    COUNTS,
    LABELS,
    MINUTES,
    SMALL_NUMBERS,
    word_set,
)
from lakehouse.summary.words import Word

# Verbs that say where the price is: `trades at 61,990.10`.
PLACED: Final = word_set("trades trading traded stands sits quoted hands")
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")


@dataclass(frozen=True, slots=True)
class Mention:
    """A number at word `at`; the words from `until` on are no longer part of it."""

    at: int
    until: int
    written: Written


@dataclass(slots=True)
class Sentence:
    """`mentions`: numbers that claim a figure. `windows`: minutes by word. `taken`: words that
    are part of a number or a window. `unreadable`: words with digits that are no number."""

    words: Sequence[Word]
    mentions: list[Mention] = field(default_factory=list)
    windows: dict[int, int] = field(default_factory=dict)
    clocks: list[str] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)

    def low(self, at: int) -> str:
        """The word in small letters; "" beyond the ends."""
        return self.words[at].low if 0 <= at < len(self.words) else ""

    def joined(self, at: int) -> bool:
        """Whether there is such a word, and no comma or full stop before it."""
        return 0 < at < len(self.words) and not self.words[at - 1].breaks

    def label(self, at: int) -> str:
        """What the word names (`price`, `vwap`, …); "" where it names nothing."""
        low = self.low(at)
        found = LABELS.get(low, "")
        if found == "close" and self.low(at + 1) == "to":
            return ""
        if found == "open" and self.count_label(at + 1):
            return ""
        if found == "change" and self.low(at + 1) == "hands":
            return ""
        if found in ("high", "low") and not self._names_a_price(at + 1):
            return ""
        return "price" if self._places(at) else found

    def _names_a_price(self, at: int) -> bool:
        """`high of 61,999`, `low 61,837.63`; not `high volume`."""
        if self.low(at) in ("of", "at", "near", "around", "was", "price", "close"):
            return True
        return 0 <= at < len(self.words) and self.words[at].has_digit

    def count_label(self, at: int) -> str:
        """What the word counts (`trades`, `spikes`, …); "" where nothing."""
        return "" if self._places(at) else COUNTS.get(self.low(at), "")

    def _places(self, at: int) -> bool:
        """`trades at 61,990.10` says where the price is, and counts nothing."""
        return self.low(at) in PLACED and self.low(at + 1) in ("at", "near", "around")

    def speaks_of(self, counted: str) -> bool:
        """Whether anything that is counted is named: `spikes`, `gaps`."""
        return any(self.count_label(at) == counted for at in range(len(self.words)))

    def before(self, mention: Mention) -> int:
        """Where the words begin that stand between the number before this one and it."""
        ends = [each.until for each in self.mentions if each.until <= mention.at]
        return max(ends, default=0)

    def after(self, mention: Mention) -> int:
        """Where the next number begins, or the sentence ends."""
        return min((m.at for m in self.mentions if m.at > mention.at), default=len(self.words))


def sentences(words: Sequence[Word], names: frozenset[str]) -> Iterator[Sentence]:
    """Each sentence read; `names` are symbols, whose digits are no numbers."""
    start = 0
    for at, word in enumerate(words):
        if word.ends or at == len(words) - 1:
            yield _read(words[start : at + 1], names)
            start = at + 1


def _read(words: Sequence[Word], names: frozenset[str]) -> Sentence:
    found = Sentence(words)
    at = 0
    while at < len(words):
        at += _step(found, at, names)
    odd = (at for at in range(len(words)) if at not in found.taken and _is_odd(words[at], names))
    found.unreadable += [words[at].text for at in odd]
    return found


def _is_odd(word: Word, names: frozenset[str]) -> bool:
    """Whether it is neither a word nor a number: `up.Buy`, `$`. A dash alone is punctuation."""
    if word.has_digit or word.text in names or word.text in ("", "-"):
        return False
    return _WORD.fullmatch(word.text) is None


def _step(found: Sentence, at: int, names: frozenset[str]) -> int:
    """Read what begins at this word; how many words that is."""
    word = found.words[at]
    if word.text in names:
        return 1
    if word.has_digit:
        return _number(found, at, names)
    if (size := _window_in_words(found, at)) is not None:
        found.windows[at] = size
        found.taken |= {at, at + 1}
        return 2
    if word.low in BARE_SPANS:
        found.windows[at] = BARE_SPANS[word.low]
    return 1


def _is_asset(text: str, names: frozenset[str]) -> bool:
    """`1000SATS` of 1000SATSUSDT."""
    return len(text) > 3 and text.isupper() and any(name.startswith(text) for name in names)


def _number(found: Sentence, at: int, names: frozenset[str]) -> int:
    written = read(found.words, at)
    if written is None:
        if _is_asset(found.words[at].text, names):
            return 1
        found.unreadable.append(found.words[at].text)
        return 1
    until = at + written.length
    found.taken |= set(range(at, until))
    match written.unit:
        case "window":
            found.windows[at] = int(written.value)
        case "clock":
            found.clocks.append(written.clock)
        case _:
            found.mentions.append(Mention(at, until, written))
    return written.length


def _window_in_words(found: Sentence, at: int) -> int | None:
    """`one minute`, `five-minute`, `an hour`."""
    number, unit = SMALL_NUMBERS.get(found.low(at)), MINUTES.get(found.low(at + 1))
    if number is None or unit is None or len(found.low(at + 1)) < 3 or found.words[at].breaks:
        return None
    return number * unit
