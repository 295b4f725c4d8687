"""The three sorts of text in an answer, and what each may speak of. Pure.

A symbol's text speaks of that symbol alone. In a headline, words belong to the symbol named last
before them (before the first one: to that). The source's text speaks of the source.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lakehouse.summary.claims import Context, number_complaints
from lakehouse.summary.directions import Course, direction_complaints
from lakehouse.summary.facts import Facts, figures_of, source_figures
from lakehouse.summary.figures import Figure, figure
from lakehouse.summary.relations import relation_complaints
from lakehouse.summary.scan import Sentence, sentences
from lakehouse.summary.spikes import spike_complaints
from lakehouse.summary.states import denial_complaints, source_word_complaints
from lakehouse.summary.times import instant
from lakehouse.summary.wording import character_complaints, name_complaints, word_complaints
from lakehouse.summary.words import Word, words_of

Symbol = Mapping[str, Any]

_JOINING: Final = frozenset({"and", "or", "plus", "with", "like", "as", "well", "both", "", "-"})


def text_complaints(facts: Facts, symbol: Symbol, text: str) -> Iterator[str]:
    """What is wrong with a symbol's own text."""
    yield from character_complaints(text, _names(facts))
    yield from _part_complaints(facts, [symbol], words_of(text))


def headline_complaints(facts: Facts, text: str) -> Iterator[str]:
    """What is wrong with the headline."""
    yield from character_complaints(text, _names(facts))
    for symbols, words in _segments(facts, words_of(text)):
        yield from _part_complaints(facts, symbols, words)


def source_complaints(facts: Facts, text: str) -> Iterator[str]:
    """What is wrong with the words about the source."""
    yield from character_complaints(text, _names(facts))
    words = words_of(text)
    yield from source_word_complaints(facts, words)
    yield from name_complaints(words, (), _names(facts))
    context = Context(_counts(facts), _names(facts), frozenset())
    for sentence in sentences(words, frozenset(_names(facts))):
        yield from word_complaints(sentence)
        yield from number_complaints(sentence, context)
        yield from denial_complaints(sentence, context.figures)
        yield from spike_complaints(sentence, ())
        yield from _clock_complaints(sentence, _clocks(facts, ()) | _clocks_of_reasons(facts))


def _part_complaints(
    facts: Facts, symbols: Sequence[Symbol], words: Sequence[Word]
) -> Iterator[str]:
    names = [symbol["symbol"] for symbol in symbols]
    others = [name for name in _names(facts) if name not in names]
    yield from name_complaints(words, names, others)
    # Without a symbol named, numbers of one of several symbols can't be told from another's.
    own = figures_of(symbols[0]) if len(symbols) == 1 else []
    figures = [each for symbol in symbols for each in figures_of(symbol)]
    windows = frozenset(each.window for each in figures if each.window is not None)
    context = Context(own or _counts(facts), names, windows)
    reasons = [reason for symbol in symbols for reason in symbol["spike_reasons"]]
    course = Course(own, [symbol["direction"] for symbol in symbols], reasons)
    for sentence in sentences(words, frozenset(_names(facts))):
        yield from word_complaints(sentence)
        yield from number_complaints(sentence, context)
        yield from direction_complaints(sentence, course)
        yield from relation_complaints(sentence, course)
        yield from denial_complaints(sentence, context.figures)
        yield from spike_complaints(sentence, symbols)
        yield from _clock_complaints(sentence, _clocks(facts, symbols))


def _segments(
    facts: Facts, words: Sequence[Word]
) -> Iterator[tuple[Sequence[Symbol], Sequence[Word]]]:
    """The headline's words by the symbol that they speak of."""
    given = {symbol["symbol"]: symbol for symbol in facts.symbols}
    starts = [at for at, word in enumerate(words) if word.text in given]
    if not starts:
        yield facts.symbols, words
        return
    own = [at for at in starts if at == starts[0] or not _is_joined(words, at, given)]
    first = own[0]
    if first and words[first - 1].breaks:
        # `Mixed: BTCUSDT down, …` begins with all of them.
        yield facts.symbols, words[:first]
    else:
        first = 0
    for start, end in zip([first, *own[1:]], [*own[1:], len(words)], strict=True):
        names = dict.fromkeys(word.text for word in words[start:end] if word.text in given)
        yield [given[name] for name in names], words[start:end]


def _is_joined(words: Sequence[Word], at: int, given: Mapping[str, Symbol]) -> bool:
    """`BTCUSDT and ETHUSDT`, `BTCUSDT, ETHUSDT`: what follows is said of both."""
    back = at - 1
    while back >= 0 and words[back].low in _JOINING:
        back -= 1
    return back >= 0 and words[back].text in given


def _names(facts: Facts) -> list[str]:
    return [symbol["symbol"] for symbol in facts.symbols]


def _counts(facts: Facts) -> list[Figure]:
    """Counts of the whole: of the source, and how many symbols there are."""
    shown = len(facts.symbols)
    found = [figure("symbols", shown), figure("symbols", shown + facts.data.get("left_out", 0))]
    return [*source_figures(facts), *(each for each in found if each is not None)]


def _clocks(facts: Facts, symbols: Sequence[Symbol]) -> set[str]:
    """The instants that may be named, in the forms that people write."""
    minutes = {symbol["minute"] for symbol in symbols} | {facts.source["newest_minute"]}
    found: set[str] = set()
    for minute in map(instant, filter(None, minutes)):
        for form in _FORMS:
            found.add(f"{minute:{form}}")
    return found


def _clocks_of_reasons(facts: Facts) -> set[str]:
    """The instants that the reasons name."""
    words = [word.text for reason in facts.source["reasons"] for word in words_of(reason["text"])]
    return {word for word in words if word.endswith("Z")}


_FORMS: Final = (
    "%Y-%m-%d",
    "%H:%M",
    "%H:%MZ",
    "%H:%M:%S",
    "%H:%M:%SZ",
    "%Y-%m-%dT%H:%MZ",
    "%Y-%m-%dT%H:%M:%SZ",
)


def _clock_complaints(sentence: Sentence, known: set[str]) -> Iterator[str]:
    for clock in sentence.clocks:
        if clock not in known:
            yield f'"{clock}" is no time or date of the facts'
