"""A model's text → words. Only characters that can be read in one way are let in. Pure.

Digits of other scripts, full-width signs, superscripts, fractions, invisible characters and
letters that look like Latin ones are not let in at all, so nothing has to be guessed about them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_LET_IN: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;!?'\"()+-%$/×−–—’‘“”…"
    # Spaces and a hyphen that don't break: good typography.
    "\u00a0\u202f\u2009\u2011"
)
_PLAIN: Final = str.maketrans(
    {
        "−": "-",
        "\u2011": "-",
        "–": "-",
        "—": " ; ",
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "…": ". ",
        "×": "x",
    }
)
_OPENING: Final = "\"'("
_CLOSING: Final = "\"'.,:;!?)"
# `BTC/USDT`; a slash beside a digit stays, and can't be read.
_BETWEEN_LETTERS: Final = re.compile(r"(?<=[A-Za-z])/(?=[A-Za-z])")
_DIGIT: Final = re.compile(r"\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Word:
    """`text` without the punctuation around it. `ends` a sentence here; `breaks`: a clause.
    `bracketed`: it stands in round brackets by itself; `opened`: one opens before it."""

    text: str
    ends: bool
    breaks: bool
    bracketed: bool = False
    opened: bool = False

    @property
    def low(self) -> str:
        return self.text.lower()

    @property
    def has_digit(self) -> bool:
        return _DIGIT.search(self.text) is not None


def strangers(text: str, names: Iterable[str]) -> list[str]:
    """The characters that are not let in, each once; those of the symbols' names are."""
    known = _LET_IN.union(*names)
    return sorted({char for char in text if char not in known})


def words_of(text: str) -> list[Word]:
    """The words in their order. A compound without digits (`volume-weighted`) is several."""
    plain = _BETWEEN_LETTERS.sub(" ", text.translate(_PLAIN))
    return [word for raw in plain.split() for word in _split(raw)]


def _split(raw: str) -> list[Word]:
    core = raw.lstrip(_OPENING).rstrip(_CLOSING)
    tail = raw[len(raw.rstrip(_CLOSING)) :]
    ends, breaks = any(char in ".!?;" for char in tail), any(char in ",:" for char in tail)
    if core.endswith("'s"):
        core = core[:-2]
    parts = [core] if _DIGIT.search(core) else [part for part in core.split("-") if part]
    if not parts:
        # A dash or other punctuation by itself.
        return [Word(core[:1], ends, True)]
    *first, last = parts
    opened = raw.startswith("(")
    whole = Word(last, ends, breaks or ends, opened and ")" in tail, opened)
    return [*(Word(part, False, False) for part in first), whole]
