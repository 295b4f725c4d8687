"""What is told to people, when, and in which words. Pure.

A `Subject` is a check, or a part of the run. It is told once when it turns bad, again after an
hour as long as it stays so, and once when it is well again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lakehouse.mrkdwn import escaped
from lakehouse.values import Json

REMIND_AFTER: Final = timedelta(hours=1)
DOCS: Final = "docs/checks.md#alerts"

# Slack takes 50 blocks of 3,000 characters; nobody reads so many.
_MOST_TOLD: Final = 20
_MOST_TEXT: Final = 400
_ICONS: Final = {
    "fail": ":red_circle:",
    "warn": ":large_yellow_circle:",
    "well": ":large_green_circle:",
}


@dataclass(frozen=True)
class Subject:
    """How one thing is. `level` is fail or warn, or well where nothing is wrong with it.

    `passing` is an event rather than a state (a restart): it is told, and nothing is to pass.
    """

    key: str
    level: str
    title: str
    reason: str = ""
    do: str = ""
    passing: bool = False


@dataclass(frozen=True)
class News:
    """Something to tell of a subject, and why now: new, still, well."""

    subject: Subject
    kind: str
    since: datetime


@dataclass
class _Told:
    since: datetime
    told_at: datetime


class Ledger:
    """What has been told. Feed it each round; it says what there is to tell."""

    def __init__(self) -> None:
        self._bad: dict[str, _Told] = {}

    def remember(self, key: str, since: datetime, told_at: datetime) -> None:
        """A subject that was told before this process began."""
        self._bad[key] = _Told(since, told_at)

    def bad(self, key: str) -> bool:
        """Whether the subject was bad when it was last seen."""
        return key in self._bad

    def see(self, subjects: Iterable[Subject], now: datetime) -> list[News]:
        """What is new about these subjects; others stay as they are."""
        found = (self._news(subject, now) for subject in subjects)
        return [news for news in found if news is not None]

    def _news(self, subject: Subject, now: datetime) -> News | None:
        told = self._bad.get(subject.key)
        if subject.passing:
            return News(subject, "new", now)
        if subject.level == "well":
            self._bad.pop(subject.key, None)
            return News(subject, "well", told.since) if told else None
        if told is None:
            self._bad[subject.key] = _Told(now, now)
            return News(subject, "new", now)
        if now - told.told_at < REMIND_AFTER:
            return None
        told.told_at = now
        return News(subject, "still", told.since)


def message(news: Sequence[News], lake: str, now: datetime) -> Json:
    """One message for all of it, as Slack's incoming webhooks take it: `text` and `blocks`."""
    lines = [_section(each) for each in news[:_MOST_TOLD]]
    if (more := len(news) - _MOST_TOLD) > 0:
        lines.append(f"… and {more} more: `firehose check` lists them.")
    about = f"Lake {_escaped(lake)} · {now:%Y-%m-%d %H:%M:%S} UTC · {DOCS}"
    blocks: list[Json] = [_block(line) for line in lines]
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": about}]})
    return {"text": f"{_headline(news)} ({_escaped(lake)})", "blocks": blocks}


def _headline(news: Sequence[News]) -> str:
    """The one line that a notification shows."""
    counts = {
        "failed": sum(each.kind != "well" and each.subject.level == "fail" for each in news),
        "warned": sum(each.kind != "well" and each.subject.level == "warn" for each in news),
        "well again": sum(each.kind == "well" for each in news),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"Firehose: {told}: {_escaped(news[0].subject.title)}"


def _section(news: News) -> str:
    subject = news.subject
    if news.kind == "well":
        well = f"*{_escaped(subject.title)}* is well again; it was not since {_at(news)}."
        return f"{_ICONS['well']} {well}"
    still = f", still so since {_at(news)}" if news.kind == "still" else ""
    what = {"fail": "failed", "warn": "warning"}[subject.level]
    lines = [f"{_ICONS[subject.level]} *{_escaped(subject.title)}*: {what}{still}"]
    do = f"What to do: {subject.do}" if subject.do else ""
    return "\n".join([*lines, *(_escaped(line) for line in (subject.reason, do) if line)])


def _at(news: News) -> str:
    return f"{news.since:%Y-%m-%d %H:%M:%S} UTC"


def _block(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _escaped(text: str) -> str:
    """Cut, and without the three characters that Slack reads as its own."""
    cut = text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
    return escaped(cut)
