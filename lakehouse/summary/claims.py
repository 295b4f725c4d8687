"""Is each number of a text one of the figures it may speak of? Pure.

A number must be a figure's by value and unit; the name and the window that stand with it must be
that figure's too, and the sign, told by the number or by the verb that governs it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lakehouse.summary.ambiguity import unclear, unclear_window
from lakehouse.summary.figures import Figure
from lakehouse.summary.labels import counted, counted_next, label_fits
from lakehouse.summary.scan import Mention, Sentence
from lakehouse.summary.signs import tells_sign
from lakehouse.summary.windows import goes_with_volume, window_fits

_DOLLARS: Final = ("USDT", "USDC", "USD", "BUSD", "TUSD")


@dataclass(frozen=True, slots=True)
class Context:
    """What a text may speak of: figures, the symbols' names (for their currencies), windows."""

    figures: Sequence[Figure]
    names: Sequence[str]
    windows: frozenset[int]


def number_complaints(sentence: Sentence, context: Context) -> Iterator[str]:
    """A complaint for each number that no figure stands behind."""
    for mention in sentence.mentions:
        if why := unclear(sentence, mention) or _why_not(sentence, mention, context):
            shown = " ".join(word.text for word in sentence.words[mention.at : mention.until])
            yield f'"{shown}": {why}'
    for at in sentence.windows:
        if why := unclear_window(sentence, at, context.windows):
            yield f'"{sentence.words[at].text}" {why}'


def _why_not(sentence: Sentence, mention: Mention, context: Context) -> str:
    """Which test no figure passes that passed those before; "" where one passes all."""
    in_base = _asset_of(sentence, mention, context) == "base"
    steps: tuple[tuple[Callable[[Figure], bool], str], ...] = (
        (lambda each: mention.written.could_be(each.value), "is none of the given figures"),
        (lambda each: _unit_fits(sentence, mention, each, context), "has another unit"),
        (
            lambda each: label_fits(sentence, mention, each, in_base),
            "is not what it is called; name each figure as it is given, right before its number",
        ),
        (
            lambda each: window_fits(sentence, mention, each, context.figures),
            "is not the figure of that window",
        ),
        (
            lambda each: goes_with_volume(sentence, mention, each, context.figures),
            "is not that of the volume before it",
        ),
        (lambda each: tells_sign(sentence, mention, each), "goes the other way, or tells no way"),
    )
    left = list(context.figures)
    for fits, why in steps:
        left = [each for each in left if fits(each)]
        if not left:
            return why
    return ""


def _unit_fits(sentence: Sentence, mention: Mention, each: Figure, context: Context) -> bool:
    written = mention.written
    if written.money and not _is_dollars(each, context):
        return False
    if each.unit in ("percent", "times"):
        return written.unit == each.unit and not (written.sign and each.unit == "times")
    if each.unit == "count":
        plain = written.unit in ("", "ordinal") and not written.sign and not written.money
        return plain and bool(counted(sentence, mention) & each.labels)
    if written.unit or written.sign or counted_next(sentence, mention):
        return False
    return _asset_of(sentence, mention, context) in ("", each.unit)


def _asset_of(sentence: Sentence, mention: Mention, context: Context) -> str:
    """The asset named right after a number: `base`, `quote`, `other`, or "" where none is."""
    at = mention.until
    if not sentence.joined(at):
        return ""
    asset = sentence.words[at].text
    if asset == "USD" or sentence.low(at) in ("dollar", "dollars"):
        return "quote" if _in_dollars(context) else "other"
    if len(asset) < 2 or not asset.isupper() or asset in context.names:
        return ""
    if any(name.startswith(asset) for name in context.names):
        return "base"
    return "quote" if any(name.endswith(asset) for name in context.names) else ""


def _is_dollars(each: Figure, context: Context) -> bool:
    """`$` is right before a price in a currency that is worth one."""
    return each.unit == "quote" and _in_dollars(context)


def _in_dollars(context: Context) -> bool:
    return bool(context.names) and all(name.endswith(_DOLLARS) for name in context.names)
