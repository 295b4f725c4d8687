"""Words of direction: which way they point, and what they speak of. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from lakehouse.summary.figures import Figure
from lakehouse.summary.scan import Mention, Sentence
from lakehouse.summary.vocabulary import DOWN, FLAT, UP

_PHRASES: Final = {"up": ("to", "from"), "higher": ("than",), "lower": ("than",)}
_ADJACENT: Final = 2


def sign_of(sentence: Sentence, at: int) -> int | None:
    """1 up, -1 down, 0 flat, None: no word of direction (`up to`, `higher than` are none)."""
    low = sentence.low(at)
    if not sentence.words[at].ends and sentence.low(at + 1) in _PHRASES.get(low, ()):
        return None
    return 1 if low in UP else -1 if low in DOWN else 0 if low in FLAT else None


def sign_word(sentence: Sentence, mention: Mention) -> int | None:
    """Where the word of direction stands that governs a percentage: one that follows at once
    (`a 1.2% drop`), else the nearest before it in the sentence (`fell 1.2%`)."""
    end = min(mention.until + _ADJACENT, sentence.after(mention))
    for at in range(mention.until, end):
        if sentence.words[at - 1].breaks:
            break
        if sign_of(sentence, at) is not None:
            return at
    return next(
        (at for at in range(mention.at - 1, -1, -1) if sign_of(sentence, at) is not None), None
    )


def tells_sign(sentence: Sentence, mention: Mention, each: Figure) -> bool:
    """Whether the number's sign and its word of direction are the figure's.

    Only percentages have a direction. A fall must be told, by either; a rise may go unsaid.
    """
    if each.unit != "percent":
        return True
    true = (each.value > 0) - (each.value < 0)
    written = {"+": 1, "-": -1}.get(mention.written.sign)
    at = sign_word(sentence, mention)
    said = None if at is None else sign_of(sentence, at)
    told = [sign for sign in (written, said) if sign is not None]
    return all(sign == true for sign in told) and (bool(told) or true >= 0)


def free_words(sentence: Sentence) -> Iterator[int]:
    """Where words of direction stand that govern no percentage."""
    percents = [each for each in sentence.mentions if each.written.unit == "percent"]
    governing = {sign_word(sentence, each) for each in percents}
    for at in range(len(sentence.words)):
        if sign_of(sentence, at) is not None and at not in governing:
            yield at


def subject(sentence: Sentence, at: int) -> str:
    """What a word of direction speaks of: the label right after it (`higher volume`), else the
    nearest one before it in the sentence; "" where none is named: the price."""
    if not sentence.words[at].breaks and sentence.label(at + 1):
        return sentence.label(at + 1)
    labels = (sentence.label(back) for back in range(at - 1, -1, -1))
    return next((label for label in labels if label), "")


def signs_of(figures: Sequence[Figure]) -> set[int]:
    """The signs of some changes."""
    return {(each.value > 0) - (each.value < 0) for each in figures}
