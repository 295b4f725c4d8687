"""What SYMBOLS may hold: names, `ALL:QUOTE` and `-NAME`. What they come to is asked elsewhere.

`BTCEUR,ALL:USDT,-LUNAUSDT` is BTCEUR and every pair quoted in USDT but LUNAUSDT.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_ALL: Final = "ALL:"
_WITHOUT: Final = "-"
# What the exchange allows (symbols are not always ASCII), less the small letters.
_NAME: Final = re.compile(r"\w[\w.-]{0,49}")
_FORMS: Final = (
    "a comma list in upper case is wanted, for example BTCUSDT,ETHUSDT or ALL:USDT,-LUNAUSDT"
)
_SHOWN: Final = 10


class SymbolSpec(NamedTuple):
    """Symbols named, quote assets of which every pair is meant, symbols left out whatever else."""

    named: tuple[str, ...]
    quotes: tuple[str, ...]
    left_out: frozenset[str]


def parse(terms: Iterable[str]) -> SymbolSpec:
    """The terms of SYMBOLS, sorted by their kind; ValueError with a sentence where one is none."""
    named, quotes, left_out = [], [], set()
    for term in terms:
        if term.startswith(_ALL):
            quotes.append(_name(term.removeprefix(_ALL)))
        elif term.startswith(_WITHOUT):
            left_out.add(_name(term.removeprefix(_WITHOUT)))
        else:
            named.append(_name(term))
    kept = tuple(name for name in dict.fromkeys(named) if name not in left_out)
    if not kept and not quotes:
        raise ValueError(f"nothing is left to follow: {_FORMS}")
    return SymbolSpec(kept, tuple(dict.fromkeys(quotes)), frozenset(left_out))


def is_name(text: str) -> bool:
    """Whether this can be the name of a symbol: what the exchange allows, in upper case."""
    return _NAME.fullmatch(text) is not None and text == text.upper()


def in_words(terms: Sequence[str]) -> str:
    """For people: `BTCEUR, every USDT pair, without LUNAUSDT`; long lists are cut and counted."""
    found = parse(terms)
    parts = [*found.named[:_SHOWN]]
    if len(found.named) > _SHOWN:
        parts.append(f"{len(found.named) - _SHOWN} more")
    parts += [f"every {quote} pair" for quote in found.quotes]
    if found.quotes and found.left_out:
        parts.append(f"without {', '.join(sorted(found.left_out))}")
    return ", ".join(parts)


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(_FORMS)
    return text
