"""Is each number of a text one of the figures it may speak of? Pure.

A number must be a figure's by value and unit; the window and the label that stand with it must be
that figure's too, and the sign, told by the number or by the verb that governs it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lakehouse.summary.figures import Figure
from lakehouse.summary.scan import Mention, Sentence
from lakehouse.summary.signs import tells_sign
from lakehouse.summary.vocabulary import LABELS

_NEAR: Final = 3
_BRACKETS: Final = frozenset({"trading", "total", "moving", "average", "mean"})


@dataclass(frozen=True, slots=True)
class Context:
    """What a text may speak of: figures, and the symbols' names (for their currencies)."""

    figures: Sequence[Figure]
    names: Sequence[str]


def number_complaints(sentence: Sentence, context: Context) -> Iterator[str]:
    """A complaint for each number that no figure stands behind."""
    for mention in sentence.mentions:
        if why := _why_not(sentence, mention, context):
            shown = " ".join(word.text for word in sentence.words[mention.at : mention.until])
            yield f'"{shown}": {why}'


def _why_not(sentence: Sentence, mention: Mention, context: Context) -> str:
    if _beside_another(sentence, mention):
        return "two numbers side by side can be read as one"
    steps: tuple[tuple[Callable[[Figure], bool], str], ...] = (
        (lambda each: mention.written.could_be(each.value), "is none of the given figures"),
        (lambda each: _unit_fits(sentence, mention, each, context), "has another unit"),
        (lambda each: _label_fits(sentence, mention, each), "is not the figure that it is called"),
        (lambda each: _window_fits(sentence, mention, each), "is not the figure of that window"),
        (lambda each: tells_sign(sentence, mention, each), "goes the other way, or tells no way"),
    )
    left = list(context.figures)
    for fits, why in steps:
        left = [each for each in left if fits(each)]
        if not left:
            return why
    return ""


def _beside_another(sentence: Sentence, mention: Mention) -> bool:
    """`61 990.10`: thousands set apart by a space, or two numbers?"""
    after = mention.until
    if mention.written.unit or after >= len(sentence.words):
        return False
    return sentence.words[after].has_digit and not sentence.words[after - 1].breaks


def _unit_fits(sentence: Sentence, mention: Mention, each: Figure, context: Context) -> bool:
    written = mention.written
    if written.money and not _dollars(each, context):
        return False
    match each.unit:
        case "percent":
            return written.unit == "percent"
        case "times":
            return written.unit == "times"
        case "count":
            whole = written.unit in ("", "ordinal") and not written.sign and not written.money
            return whole and each.kind in _counted(sentence, mention)
    if written.unit or written.sign or _counted_next(sentence, mention):
        return False
    return _currency_fits(sentence, mention, each, context)


def _dollars(each: Figure, context: Context) -> bool:
    """`$` is right before a price in a currency that is worth one."""
    return each.unit == "quote" and any(
        name.endswith(("USDT", "USDC", "USD", "BUSD", "TUSD")) for name in context.names
    )


def _currency_fits(sentence: Sentence, mention: Mention, each: Figure, context: Context) -> bool:
    """The asset named right after a number is the base or the quote currency, as its unit is."""
    if mention.until >= len(sentence.words) or sentence.words[mention.until - 1].breaks:
        return True
    asset = sentence.words[mention.until].text
    if asset == "USD" or sentence.low(mention.until) in ("dollar", "dollars"):
        return _dollars(each, context)
    if len(asset) < 2 or not asset.isupper() or asset in context.names:
        return True
    base = any(name.startswith(asset) for name in context.names)
    quote = any(name.endswith(asset) for name in context.names)
    if not base and not quote:
        return True
    return base if each.unit == "base" else quote


def _counted_next(sentence: Sentence, mention: Mention) -> set[str]:
    """What a number counts, by the next words: `3 missing trades`, `1 open gap`."""
    found: set[str] = set()
    for at in range(mention.until, mention.until + _NEAR):
        if at >= len(sentence.words) or sentence.words[at - 1].breaks or at in sentence.taken:
            break
        if label := sentence.count_label(at):
            found.add(label)
    return found


def _counted(sentence: Sentence, mention: Mention) -> set[str]:
    """The same, or by the words before: `open gaps: 1`, `spikes (24h): 2`."""
    if found := _counted_next(sentence, mention):
        # `3 missing trades` are missing, not trades that were made.
        return {"missing"} if "missing" in found else found
    start = max(sentence.before(mention), mention.at - _NEAR - 1)
    before = {sentence.count_label(at) for at in range(start, mention.at)}
    return {"missing"} if "missing" in before else before


def _label_fits(sentence: Sentence, mention: Mention, each: Figure) -> bool:
    if each.unit == "count":
        return True
    label = _next_label(sentence, mention) or _last_label(sentence, mention, each)
    return label <= each.labels


def _next_label(sentence: Sentence, mention: Mention) -> frozenset[str]:
    """`61,933 VWAP`, `7.10 BTC volume`: a label that follows at once."""
    for at in (mention.until, mention.until + 1):
        if at >= len(sentence.words) or sentence.words[at - 1].breaks or at in sentence.taken:
            break
        if label := sentence.label(at):
            return frozenset({label})
        if not sentence.words[at].text.isupper():
            break
    return frozenset()


def _last_label(sentence: Sentence, mention: Mention, each: Figure) -> frozenset[str]:
    """The nearest label before the number, with those right before it: `average volume`.

    A label belongs to the first number after it; a percentage inherits the one before.
    """
    start = 0 if each.unit == "percent" else sentence.before(mention)
    found: set[str] = set()
    for at in range(mention.at - 1, start - 1, -1):
        if label := sentence.label(at):
            found.add(label)
        elif found and sentence.low(at) not in _BRACKETS:
            break
    return frozenset(found)


def _window_fits(sentence: Sentence, mention: Mention, each: Figure) -> bool:
    if each.window is None:
        return True
    following = set(_following_windows(sentence, mention))
    preceding = set(_preceding_windows(sentence, mention))
    return not (following or preceding) or each.window in following | preceding


def _following_windows(sentence: Sentence, mention: Mention) -> Iterator[int]:
    """Windows up to the next number or comma; `5m volume` is the volume's window."""
    for at in range(mention.until, sentence.after(mention)):
        if sentence.words[at - 1].breaks:
            break
        if at in sentence.windows and not _labels_next(sentence, at):
            yield sentence.windows[at]


def _preceding_windows(sentence: Sentence, mention: Mention) -> Iterator[int]:
    """Windows since the number before, but for those that belong to it."""
    start = sentence.before(mention)
    earlier = [each for each in sentence.mentions if each.until == start]
    theirs = start
    if earlier:
        while theirs < mention.at and not sentence.words[theirs - 1].breaks:
            theirs += 1
    for at in range(start, mention.at):
        if at in sentence.windows and (at >= theirs or _labels_next(sentence, at)):
            yield sentence.windows[at]


def _labels_next(sentence: Sentence, at: int) -> bool:
    """Whether a label follows the window at this word at once: `5m volume`, `24-hour VWAP`."""
    end = at + 1
    while end in sentence.taken and end not in sentence.windows:
        end += 1
    nearby = (sentence.low(end), sentence.low(end + 1) if sentence.low(end) in _BRACKETS else "")
    return not sentence.words[end - 1].breaks and any(word in LABELS for word in nearby)
