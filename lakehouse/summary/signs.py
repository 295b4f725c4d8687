"""Words of direction: which way they point, and which number they govern. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from lakehouse.summary.figures import Figure
from lakehouse.summary.scan import Mention, Sentence
from lakehouse.summary.vocabulary import ANOTHER_THOUGHT, DOWN, FLAT, UP

_ADJACENT: Final = 3


def sign_of(sentence: Sentence, at: int) -> int | None:
    """1 up, -1 down, 0 flat, None: no word of direction (`up to date`, `warming up` are none)."""
    low = sentence.low(at)
    if low in ("higher", "lower") and sentence.low(at + 1) == "than":
        return None
    if low == "up" and (_is_to_date(sentence, at + 1) or sentence.low(at - 1) == "warming"):
        return None
    if low == "little" and sentence.low(at + 1) in ("changed", "change", "moved", "movement"):
        return 0
    return 1 if low in UP else -1 if low in DOWN else 0 if low in FLAT else None


def _is_to_date(sentence: Sentence, at: int) -> bool:
    return (sentence.low(at), sentence.low(at + 1)) == ("to", "date")


def sign_word(sentence: Sentence, mention: Mention) -> int | None:
    """Where the word of direction stands that governs a percentage: one that follows at once
    (`a 1.2% drop`), else the nearest before it in the sentence (`fell 1.2%`)."""
    for at in range(mention.until, min(mention.until + _ADJACENT, sentence.after(mention))):
        if not sentence.joined(at) or sentence.low(at) in ANOTHER_THOUGHT:
            break
        if sign_of(sentence, at) is not None:
            return at
    back = range(mention.at - 1, -1, -1)
    return next((at for at in back if sign_of(sentence, at) is not None), None)


def tells_sign(sentence: Sentence, mention: Mention, each: Figure) -> bool:
    """Whether the number's sign and its word of direction are the figure's.

    Only percentages have a direction. A fall must be told, by either; a rise may go unsaid.
    """
    if each.unit != "percent":
        return True
    written = {"+": 1, "-": -1}.get(mention.written.sign)
    at = sign_word(sentence, mention)
    said = None if at is None else sign_of(sentence, at)
    told = [way for way in (written, said) if way is not None]
    true = sign(each)
    return set(told) <= {true} and (bool(told) or true >= 0)


def governing(sentence: Sentence) -> set[int]:
    """Where the words of direction stand that govern a percentage: they are judged with it."""
    percents = [each for each in sentence.mentions if each.written.unit == "percent"]
    found = {sign_word(sentence, each) for each in percents}
    return {at for at in found if at is not None}


def sign_words(sentence: Sentence) -> Iterator[int]:
    """Where words of direction stand."""
    return (at for at in range(len(sentence.words)) if sign_of(sentence, at) is not None)


def subject(sentence: Sentence, at: int) -> str:
    """What a word of direction speaks of: the name right after it (`higher volume`), else the
    nearest one before it in the sentence; "" where none is: the price."""
    if sentence.joined(at + 1) and sentence.label(at + 1):
        return sentence.label(at + 1)
    labels = (sentence.label(back) for back in range(at - 1, -1, -1))
    return next((label for label in labels if label), "")


def sign(each: Figure) -> int:
    """1, 0 or -1."""
    return (each.value > 0) - (each.value < 0)


def signs(figures: Sequence[Figure]) -> set[int]:
    """The signs of some changes."""
    return {sign(each) for each in figures}
