"""`firehose check`: the checks of sql/<table>/checks.sql, run now; exit code 1 where one failed."""

import json
import re
import sys
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakehouse.alerts import News, Subject, message
from lakehouse.checks import catalogue, record
from lakehouse.checks.catalogue import Check
from lakehouse.checks.runner import FAILED, OK, Bounds, Look, Result, in_words, look
from lakehouse.commands import DataDir, Format, console, settings_for
from lakehouse.errors import IncompleteError, SettingsError, UnreachableError
from lakehouse.settings import Settings
from lakehouse.values import Json, plain
from lakehouse.webhook import send_test

_DEFAULT_SINCE = "24h"
_TRIES = 3
_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_STYLES = {OK: "green", FAILED: "bold red"}

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TABLE|CHECK]…", help="Only these tables, or checks by name."),
]
Full = Annotated[bool, typer.Option("--full", help="All rows, not only those of --since.")]
Since = Annotated[
    str,
    typer.Option(
        metavar="TIME", help="Rows that came since: 90m, 24h, 7d, or ISO 8601 with offset."
    ),
]
HowPrinted = Annotated[Format, typer.Option("--format", help="table, or json for scripts.")]
Recorded = Annotated[
    bool, typer.Option("--record/--no-record", help="Put the results into ops_audit.")
]
TestAlert = Annotated[
    bool, typer.Option("--test-alert", help="Only send a test message to ALERT_WEBHOOK_URL.")
]


def check(
    names: Names = None,
    full: Full = False,
    since: Since = _DEFAULT_SINCE,
    fmt: HowPrinted = Format.table,
    recorded: Recorded = True,
    test_alert: TestAlert = False,
    data_dir: DataDir = None,
) -> None:
    """Check the tables: which promises hold, and the rows that break one.

    Exit code 1 where a check of level fail did not pass; a warning leaves it at 0. What the
    checks mean: docs/checks.md.
    """
    if fmt is Format.csv:
        raise SettingsError("Checks are no list of rows.", "Use --format json.")
    settings = settings_for(data_dir)
    if test_alert:
        _send_test(settings)
        return
    chosen = catalogue.chosen(names or ())
    now = datetime.now(UTC)
    found = _look(
        settings, chosen, Bounds.of(settings, now, None if full else _instant(since, now))
    )
    _show(found, fmt)
    if recorded:
        record.record(settings, f"{record.ON_DEMAND}{uuid.uuid4().hex}", 0, found.results)
    _raise_if_failed(found)


def _look(settings: Settings, checks: Sequence[Check], bounds: Bounds) -> Look:
    """A look; anew where a file of the lake went meanwhile, as each commit lets old ones go."""
    for _ in range(_TRIES - 1):
        with suppress(UnreachableError):
            return look(settings, checks, bounds)
    return look(settings, checks, bounds)


def show(found: Look, out: Console) -> None:
    """The results for people: a row for each check, then what did not pass with examples."""
    table = Table("table", "check", "level", "result", box=None, header_style="dim")
    for name in ("rows", "ms"):
        table.add_column(name, justify="right")
    for result in found.results:
        table.add_row(*_cells(result), style=_STYLES.get(result.status, "yellow"))
    out.print(table)
    for result in (*found.failed, *found.warned):
        _explain(result, out)
    for check, why in found.left_out:
        out.print(Text(f"Not run: {check.name}: {why}.", style="dim"))
    _sum_up(found, out)


def _show(found: Look, fmt: Format) -> None:
    if fmt is Format.json:
        print(json.dumps(as_json(found), ensure_ascii=False, indent=1))
    else:
        show(found, console(sys.stdout))


def as_json(found: Look) -> Json:
    """The results for scripts."""
    results = [
        {
            "table": result.check.table,
            "check": result.check.name,
            "level": result.check.level,
            "status": result.status,
            "rows": result.rows,
            "reason": result.reason,
            "do": "" if result.passed else result.check.do,
            "examples": list(result.examples),
            "ms": result.milliseconds,
        }
        for result in found.results
    ]
    left_out = [{"check": check.name, "reason": why} for check, why in found.left_out]
    return plain({"passed": not found.failed, "checks": results, "not_run": left_out})


def _cells(result: Result) -> list[str]:
    check = result.check
    count = f"{result.rows:,}" if result.rows else ""
    said = {OK: "passed", FAILED: "failed"}.get(result.status, "warning")
    return [check.table, check.name, check.level, said, count, f"{result.milliseconds:,}"]


def _explain(result: Result, out: Console) -> None:
    style = _STYLES.get(result.status, "yellow")
    count = "one row" if result.rows == 1 else f"{result.rows:,} rows"
    head = f"{result.check.name}: expected: {result.check.meaning} {count} told otherwise:"
    out.print(Text(f"\n{head}", style=style), highlight=False)
    for example in result.examples:
        out.print(Text(f"  {in_words(example)}"), highlight=False)
    out.print(Text(f"  What to do: {result.check.do}"), highlight=False)


def _sum_up(found: Look, out: Console) -> None:
    passed = len(found.results) - len(found.failed) - len(found.warned)
    told = f"{passed} checks passed, {len(found.warned)} warnings, {len(found.failed)} failed"
    style = "bold red" if found.failed else "yellow" if found.warned else "bold green"
    out.print(Text(f"\n{told}; {len(found.left_out)} not run.", style=style))


def _raise_if_failed(found: Look) -> None:
    if found.failed:
        names = ", ".join(result.check.name for result in found.failed)
        raise IncompleteError(
            f"{len(found.failed)} checks failed: {names}.",
            "docs/checks.md says what each means; `--format json` has examples.",
        )


def _instant(since: str, now: datetime) -> datetime:
    """90m, 24h, 7d before `now`, or a time of its own."""
    if span := _SPAN.fullmatch(since):
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(since)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise SettingsError(
            f"--since {since} is no time.", "Write 90m, 24h, 7d, or 2026-01-31T12:00:00Z."
        )
    return found.astimezone(UTC)


def _send_test(settings: Settings) -> None:
    url = settings.alert_webhook_url.get_secret_value()
    if not url:
        raise SettingsError("ALERT_WEBHOOK_URL is empty.", "Set it to a webhook that takes alerts.")
    now = datetime.now(UTC)
    subject = Subject(
        "test", "warn", "A test", "This is only a test; nothing is wrong.", passing=True
    )
    send_test(url, message([News(subject, "new", now)], str(settings.data_path), now))
    print("The test message was delivered.")
