"""Words that a summary may not use, whatever its figures. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from lakehouse.summary.scan import Sentence
from lakehouse.summary.vocabulary import (
    ACRONYMS,
    ADVICE,
    ALLOWED_PHRASES,
    COINS,
    FORECAST,
    HEARSAY,
    NEGATIONS,
    NUMBER_WORDS,
)
from lakehouse.summary.words import Word, strangers

_LINKS: Final = ("http", "www", "://")
_QUOTES: Final = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD")
_BANNED: Final = (
    (ADVICE, "is advice, or reads like it"),
    (FORECAST, "speaks of the future"),
    (HEARSAY, "is not in the facts"),
    (NEGATIONS, "turns a statement round: say what is so"),
    (NUMBER_WORDS, "is a number in words: write figures in digits, with % or x"),
    (frozenset({"am", "pm", "a.m", "p.m"}), "is not needed: times are UTC, of 24 hours"),
)


def character_complaints(text: str, names: Sequence[str]) -> Iterator[str]:
    """Characters that are not let in, mentions, markup and links."""
    if found := strangers(text, names):
        shown = " ".join(ascii(char) for char in found[:5])
        yield f"these characters are not allowed: {shown}"
    low = text.lower()
    if any(link in low for link in _LINKS) or ".com" in low or ".io" in low:
        yield "links are not allowed"


def word_complaints(sentence: Sentence) -> Iterator[str]:
    """Advice, forecasts, hearsay, numbers in words."""
    lows = [word.low for word in sentence.words]
    for at, low in enumerate(lows):
        if at in sentence.taken or _in_phrase(lows, at):
            continue
        for banned, why in _BANNED:
            if low in banned:
                yield f'"{low}" {why}'
                break
    for word in sentence.unreadable:
        yield f'"{word[:40]}" can\'t be read as a number'


def name_complaints(
    words: Sequence[Word], names: Sequence[str], others: Sequence[str]
) -> Iterator[str]:
    """Symbols, assets and coins that are not those which the text is about."""
    for word in words:
        if word.text in names:
            continue
        if word.text in others:
            yield f'"{word.text}" belongs into its own text'
        elif _is_stranger(word.text, names):
            yield f'"{word.text[:40]}" is not what the facts are about'
        elif (coin := COINS.get(word.low)) and not any(name.startswith(coin) for name in names):
            yield f'"{word.text}" is not what this text is about'


def _in_phrase(lows: Sequence[str], at: int) -> bool:
    return any(
        tuple(lows[at - back : at - back + len(phrase)]) == phrase
        for phrase in ALLOWED_PHRASES
        for back in range(min(at, len(phrase) - 1) + 1)
    )


def _is_stranger(text: str, names: Sequence[str]) -> bool:
    return _is_pair(text, names) or (_is_asset(text) and not _part_of(text, names))


def _is_pair(text: str, names: Sequence[str]) -> bool:
    """A symbol in any letters, `dogeusdt`, that is not one of these."""
    upper = text.upper()
    return len(text) > 5 and upper.endswith(_QUOTES) and upper not in names


def _is_asset(text: str) -> bool:
    return len(text) > 1 and text.isupper() and text.isalpha() and text not in ACRONYMS


def _part_of(text: str, names: Sequence[str]) -> bool:
    return any(name.startswith(text) or name.endswith(text) for name in names)
