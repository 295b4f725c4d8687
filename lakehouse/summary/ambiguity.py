"""Numbers that can be read in two ways, or as something that no figure stands for. Pure."""

from typing import Final

from lakehouse.summary.scan import Mention, Sentence
from lakehouse.summary.vocabulary import ACRONYMS, ANOTHER_THOUGHT, word_set

_SIZES: Final = word_set("k m b t g mm mn bn tn")
# `0.25% above its VWAP` is a distance, `1.37x more` another multiple: neither is given.
_COMPARING: Final = word_set(
    "above below beneath under against versus vs relative compared than premium discount of off "
    "per since until away more less greater larger bigger fewer smaller"
)
_MORE: Final = _COMPARING | word_set("higher lower")
# `5m` is a window where it is said to be one; else it might be five million.
# `0.25% a minute` is a rate.
_RATES: Final = word_set("a an each every")
_BEFORE_WINDOW: Final = word_set(
    "over in during within the last past newest for per on and or to a its this each from across "
    "but whole full"
)

_NAMING: Final = word_set("moving trading window windows move total quote")


def unclear(sentence: Sentence, mention: Mention) -> str:
    """Why a number can't be taken at its word; "" where it can."""
    after = mention.until
    if sentence.low(mention.at - 1) == "-":
        return "a dash before a number can be read as a minus"
    if sentence.joined(after) and sentence.low(after) in _SIZES:
        return "a size must be joined to its number, as in 62.0k"
    # `61 990.10`: thousands set apart by a space, or two numbers?
    if not mention.written.unit and _number_next(sentence, after):
        return "two numbers side by side can be read as one"
    if sentence.low(mention.at - 1) == "between" or _or_another(sentence, mention):
        return "is one end of a range, or one of two; say the figure"
    if mention.written.unit in ("percent", "times") and _compares(sentence, mention):
        return "compares with something else; only the given figures can be told"
    return ""


def _number_next(sentence: Sentence, at: int) -> bool:
    """Whether a number follows at once, without sign or bracket: not `61,990.10 (-0.12%)`."""
    if not sentence.joined(at) or sentence.words[at].opened:
        return False
    return any(other.at == at and not other.written.sign for other in sentence.mentions)


def _or_another(sentence: Sentence, mention: Mention) -> bool:
    """`0.25% or 0.31%`; but `41.20 BTC, or 8.24x its usual` is the same thing twice."""
    others = [each for each in sentence.mentions if each.written.unit == mention.written.unit]
    before = sentence.low(mention.at - 1) == "or" and others[0] is not mention
    return before or (sentence.low(mention.until) == "or" and others[-1] is not mention)


def _compares(sentence: Sentence, mention: Mention) -> bool:
    comparing = _MORE if mention.written.unit == "times" else _COMPARING
    if sentence.joined(mention.until) and sentence.low(mention.until) in _RATES:
        return True
    for at in range(mention.until, sentence.after(mention)):
        low = sentence.low(at)
        if not sentence.joined(at) or low in ANOTHER_THOUGHT:
            return False
        if (
            low in comparing
            or _is_asset(sentence.words[at].text)
            or (low == "from" and _names_a_mean(sentence, at))
        ):
            return True
    return False


def _is_asset(text: str) -> bool:
    """`0.25% in BTC`; a symbol's whole name is longer."""
    return 1 < len(text) < 6 and text.isupper() and text not in ACRONYMS


def _names_a_mean(sentence: Sentence, at: int) -> bool:
    """`from its VWAP`, not `from 61,837.63`."""
    labels = {sentence.label(near) for near in range(at + 1, at + 4)}
    return bool(labels & {"vwap", "average", "usual", "high", "low", "open"})


def unclear_window(sentence: Sentence, at: int, known: frozenset[int]) -> str:
    """The same for a window: no figure spans it, or it might be a number of millions."""
    word = sentence.words[at]
    if not word.has_digit:
        return ""
    if sentence.windows[at] not in known:
        return "is a window for which no figure is given"
    if word.low.endswith("m") and not _is_window(sentence, at):
        return "can be read as millions; say over which window, as in: over 5m"
    return ""


def _is_window(sentence: Sentence, at: int) -> bool:
    following = sentence.low(at + 1) if sentence.joined(at + 1) else ""
    if sentence.count_label(at + 1) and following:
        return False
    if following and sentence.words[at + 1].text.isupper() and following != "vwap":
        return False
    return bool(
        sentence.words[at].bracketed
        or sentence.low(at - 1) in _BEFORE_WINDOW
        or bool(sentence.label(at + 1))
        or following in _NAMING
        or {at - 1, at + 1} & sentence.windows.keys()
        or (following == "and" and at + 2 in sentence.windows)
        or any(m.until == at and m.written.unit in ("percent", "times") for m in sentence.mentions)
        or any(mention.at == at + 1 for mention in sentence.mentions)
    )
