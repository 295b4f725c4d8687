"""Which window a number is said to be of, and whether a figure is of that window. Pure."""

from collections.abc import Iterator, Sequence

from lakehouse.summary.figures import Figure
from lakehouse.summary.labels import INSIDE
from lakehouse.summary.scan import Mention, Sentence
from lakehouse.summary.vocabulary import LABELS

# A span for which nothing is given: today, this week.
NO_WINDOW = -1


def window_fits(
    sentence: Sentence, mention: Mention, each: Figure, figures: Sequence[Figure]
) -> bool:
    """Whether a window that stands with the number is the figure's.

    A window may follow (`0.25% over 5m`) or stand before (`5m volume 22.50`). A number without
    one is of the window told last in the sentence, if `figures` has several of its kind.
    """
    found = {*_following(sentence, mention), *_preceding(sentence, mention)}
    if each.window is None:
        return NO_WINDOW not in found
    if not found and not sentence.joined(mention.until):
        found = _after_comma(sentence, mention.until)
    if not found and sum(other.kind == each.kind for other in figures) > 1:
        earlier = [at for at in sentence.windows if at < mention.at]
        found = {sentence.windows[max(earlier)]} if earlier else set()
    return not found or each.window in found


def goes_with_volume(
    sentence: Sentence, mention: Mention, each: Figure, figures: Sequence[Figure]
) -> bool:
    """`22.50 BTC, 0.87x its usual`: a multiple is of the volume told right before it."""
    before = [other for other in sentence.mentions if other.until <= mention.at]
    if each.unit != "times" or not before:
        return True
    volumes = [other for other in figures if other.kind == "volume"]
    told = {other.window for other in volumes if before[-1].written.could_be(other.value)}
    return not told or each.window in told or before[-1].written.unit != ""


def _following(sentence: Sentence, mention: Mention) -> Iterator[int]:
    """Windows up to the next number or comma; `5m volume` is the volume's window."""
    for at in range(mention.until, sentence.after(mention)):
        if not sentence.joined(at):
            break
        if at in sentence.windows and not _named_next(sentence, at):
            yield sentence.windows[at]


def _after_comma(sentence: Sentence, at: int) -> set[int]:
    """`up 0.25%, 1m`; not `up 0.25%, 5m volume 22.50`."""
    named = at in sentence.windows and _named_next(sentence, at)
    return {sentence.windows[at]} if at in sentence.windows and not named else set()


def _preceding(sentence: Sentence, mention: Mention) -> Iterator[int]:
    """Windows since the number before, but for those that belong to it."""
    start = theirs = sentence.before(mention)
    while start and theirs < mention.at and sentence.joined(theirs):
        theirs += 1
    for at in range(start, mention.at):
        if at in sentence.windows and (at >= theirs or _named_next(sentence, at)):
            yield sentence.windows[at]


def _named_next(sentence: Sentence, at: int) -> bool:
    """Whether a name follows the window at this word at once: `5m volume`, `24h moving average`."""
    end = at + 1
    while end in sentence.taken and end not in sentence.windows:
        end += 1
    while sentence.joined(end) and sentence.low(end) in INSIDE:
        end += 1
    return sentence.joined(end) and sentence.low(end) in LABELS
