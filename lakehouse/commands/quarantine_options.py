"""The options that the commands of `firehose quarantine` share: which records are meant."""

import difflib
from collections.abc import Sequence
from typing import Annotated

import typer

from lakehouse import quarantine
from lakehouse.errors import SettingsError
from lakehouse.quarantine import Selection
from lakehouse.rules import MEANING

Reasons = Annotated[
    list[str] | None, typer.Option("--reason", metavar="RULE", help="Broke this rule; repeatable.")
]
Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", metavar="SYMBOL", help="Of this symbol; repeatable.")
]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Set aside then or later; ISO 8601, UTC.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Set aside before that.")]
Topic = Annotated[str | None, typer.Option(metavar="NAME", help="From this Kafka topic.")]
Partition = Annotated[int | None, typer.Option(metavar="N", help="From this partition.")]
Offsets = Annotated[
    list[str] | None,
    typer.Option("--offset", metavar="N[-M]", help="At this offset, or these; repeatable."),
]
Freed = Annotated[bool, typer.Option("--released", help="Only those that were released.")]
All = Annotated[bool, typer.Option("--all", help="Released or not.")]
Limit = Annotated[int, typer.Option(min=0, help="The most that are printed; 0: all.")]
Skip = Annotated[int, typer.Option(min=0, help="Pass over so many first: the pages before.")]


def selection(
    reasons: Sequence[str] | None,
    symbols: Sequence[str] | None,
    since: str | None,
    until: str | None,
    topic: str | None,
    partition: int | None,
    offsets: Sequence[str] | None,
    released: bool | None = False,
) -> Selection:
    """What the options mean; SettingsError where one means nothing."""
    for name in reasons or ():
        _check_rule(name)
    return Selection(
        reasons=tuple(dict.fromkeys(reasons or ())),
        symbols=tuple(dict.fromkeys(symbols or ())),
        since=quarantine.instant(since, "--since"),
        until=quarantine.instant(until, "--until"),
        topic=topic,
        partition=partition,
        offsets=tuple(dict.fromkeys(map(quarantine.offsets, offsets or ()))),
        released=released,
    )


def released_or_not(released: bool, everything: bool) -> bool | None:
    """What --released and --all mean for a Selection."""
    if released and everything:
        raise SettingsError("--released and --all exclude each other.", "Leave one out.")
    return None if everything else released


def _check_rule(name: str) -> None:
    if name not in MEANING:
        near = difflib.get_close_matches(name, MEANING, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise SettingsError(
            f"There is no rule {name}.", f"{meant}docs/quality.md lists the rules by name."
        )
