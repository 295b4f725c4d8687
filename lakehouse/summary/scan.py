"""A text's words → its sentences, and the numbers, windows and labels in each. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lakehouse.summary.numbers import Written, read
from lakehouse.summary.vocabulary import BARE_SPANS, COUNTS, LABELS, MINUTES, SMALL_NUMBERS
from lakehouse.summary.words import Word


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

    def label(self, at: int) -> str:
        """What the word names (`price`, `vwap`, …); "" where it names nothing."""
        low = self.low(at)
        found = LABELS.get(low, "")
        if found == "close" and self.low(at + 1) == "to":
            return ""
        if found == "open" and self.count_label(at + 1):
            return ""
        if found in ("high", "low") and self.low(at + 1) not in ("of", "at", "was"):
            return ""
        return found

    def count_label(self, at: int) -> str:
        """What the word counts (`trades`, `spikes`, …); "" where nothing."""
        return COUNTS.get(self.low(at), "")

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
    return found


def _step(found: Sentence, at: int, names: frozenset[str]) -> int:
    """Read what begins at this word; how many words that is."""
    word = found.words[at]
    if word.text in names:
        return 1
    if word.has_digit:
        return _number(found, at)
    if (size := _window_in_words(found, at)) is not None:
        found.windows[at] = size
        found.taken |= {at, at + 1}
        return 2
    if word.low in BARE_SPANS:
        found.windows[at] = BARE_SPANS[word.low]
    return 1


def _number(found: Sentence, at: int) -> int:
    written = read(found.words, at)
    if written is None:
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
