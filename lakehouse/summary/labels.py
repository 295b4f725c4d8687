"""What a number is called in its sentence, and whether a figure goes by that name. Pure."""

from typing import Final

from lakehouse.summary.figures import KINDS, Figure
from lakehouse.summary.scan import Mention, Sentence

_NEAR: Final = 3
# Words that may stand inside a name: `24h trading volume`, `volume weighted average price`.
INSIDE: Final = frozenset({"trading", "total", "moving", "quote", "base"})
_COUNTED: Final = frozenset({"trades", "gaps", "missing"})
_ARTICLES: Final = frozenset({"its", "the", "their"})


def label_fits(sentence: Sentence, mention: Mention, each: Figure, in_base: bool) -> bool:
    """Whether the figure goes by the name that stands with the number.

    Without a name a number can only be a price, a change, or an amount of the base currency
    (`in_base`): a mean must be called one. What a price comes from is the open.
    """
    if each.unit == "count":
        return True
    if each.unit == "quote" and sentence.low(mention.at - 1) == "from":
        return each.kind == "open"
    kind = KINDS[each.kind]
    if names := _names(sentence, mention):
        needed = not kind.needs or any(need <= names for need in kind.needs)
        return needed and names <= kind.labels
    return not kind.needs or (each.unit == "base" and in_base)


def _names(sentence: Sentence, mention: Mention) -> frozenset[str]:
    return _next_name(sentence, mention) or _last_name(sentence, mention)


def _next_name(sentence: Sentence, mention: Mention) -> frozenset[str]:
    """`61,933 VWAP`, `7.10 BTC volume`, `1.37x its usual`: a name that follows at once."""
    if _is_traded(sentence, mention.until):
        return frozenset({"volume"})
    start = mention.until
    if mention.written.unit == "times" and sentence.low(start) in _ARTICLES:
        start += 1
    for at in (start, start + 1):
        if not sentence.joined(at) or at in sentence.taken:
            break
        if label := sentence.label(at):
            return frozenset({label})
        on_average = (sentence.low(at), sentence.low(at + 1)) == ("on", "average")
        if not sentence.words[at].text.isupper() and not on_average:
            break
    return frozenset()


def _is_traded(sentence: Sentence, at: int) -> bool:
    """`160 BTC changed hands`, `160 BTC were traded`: an amount."""
    if sentence.joined(at) and sentence.words[at].text.isupper():
        at += 1
    if sentence.joined(at) and sentence.low(at) in ("was", "were"):
        at += 1
    low = sentence.low(at) if sentence.joined(at) else ""
    return low in ("traded", "exchanged") or (low == "changed" and sentence.low(at + 1) == "hands")


def _last_name(sentence: Sentence, mention: Mention) -> frozenset[str]:
    """The nearest name before the number in its sentence: `average price`. It goes on over other
    numbers: `VWAP 61,933.02 over 1m and 61,721.90 over 30m`."""
    found: set[str] = set()
    for at in range(mention.at - 1, -1, -1):
        if label := sentence.label(at):
            found.add(label)
        elif not found and not mention.written.unit and sentence.count_label(at) in _COUNTED:
            return frozenset({sentence.count_label(at)})
        elif found and sentence.low(at) not in INSIDE:
            break
    return frozenset(found)


def counted_next(sentence: Sentence, mention: Mention) -> set[str]:
    """What a number counts, by the next words: `3 missing trades`, `1 open gap`."""
    found: set[str] = set()
    for at in range(mention.until, mention.until + _NEAR):
        if not sentence.joined(at) or at in sentence.taken:
            break
        if label := sentence.count_label(at):
            found.add(label)
    return _told(found)


def counted(sentence: Sentence, mention: Mention) -> set[str]:
    """The same, or by the words before: `open gaps: 1`, `spikes (24h): 2`."""
    if found := counted_next(sentence, mention):
        return found
    start = max(sentence.before(mention), mention.at - _NEAR - 1)
    return _told({sentence.count_label(at) for at in range(start, mention.at)})


def _told(found: set[str]) -> set[str]:
    """`3 missing trades` are missing, not trades that were made."""
    return {"missing"} if "missing" in found else found - {""}
