"""`firehose quarantine`: look at what broke a rule, and put it back through the rules."""

import json
import sys
from typing import Annotated

import typer

from lakehouse import child
from lakehouse.commands import DataDir, Format, progress, say, settings_for
from lakehouse.commands import quarantine_options as options
from lakehouse.commands import quarantine_view as view
from lakehouse.commands.sql import PRINTERS, write_table
from lakehouse.errors import SettingsError
from lakehouse.quarantine import DUCKDB_MARK, Released, Selection
from lakehouse.query import Lake
from lakehouse.settings import Settings
from lakehouse.tables import QUARANTINE, full_name

app = typer.Typer(
    help="Records that broke a rule: list them, show them, put them back through the checks.",
    no_args_is_help=True,
)
HowPrinted = Annotated[Format, typer.Option("--format", help="How it is printed.")]
Whole = Annotated[bool, typer.Option("--whole", help="Show long values to their end.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, it is only told what would be.")]


@app.command("list")
def summary(
    reason: options.Reasons = None,
    symbol: options.Symbols = None,
    since: options.Since = None,
    until: options.Until = None,
    topic: options.Topic = None,
    partition: options.Partition = None,
    offset: options.Offsets = None,
    released: options.Freed = False,
    everything: options.All = False,
    limit: options.Limit = 50,
    skip: options.Skip = 0,
    fmt: HowPrinted = Format.table,
    data_dir: DataDir = None,
) -> None:
    """Count records by rule, symbol and hour (of being set aside), the newest hours first.

    A record that broke two rules counts at both.
    """
    kind = options.released_or_not(released, everything)
    chosen = options.selection(
        reason, symbol, since, until, topic, partition, offset, released=kind
    ).condition(DUCKDB_MARK)
    with Lake(settings_for(data_dir)) as lake:
        page = {"limit": limit or view.ALL_ROWS, "skip": skip, "rules": list(reason or [])}
        found = lake.stream(view.GROUPS.format(where=chosen.text), {**chosen.values, **page})
        if fmt is not Format.table:
            PRINTERS[fmt](found, sys.stdout)
            return
        write_table(found, sys.stdout, limit or view.ALL_ROWS)
        [total] = lake.rows(
            view.TOTALS.format(where=chosen.text), {**chosen.values, "rules": page["rules"]}
        )
        say(view.page_in_words(total, limit, skip))


@app.command()
def show(
    reason: options.Reasons = None,
    symbol: options.Symbols = None,
    since: options.Since = None,
    until: options.Until = None,
    topic: options.Topic = None,
    partition: options.Partition = None,
    offset: options.Offsets = None,
    released: options.Freed = False,
    everything: options.All = False,
    limit: options.Limit = 10,
    skip: options.Skip = 0,
    whole: Whole = False,
    fmt: HowPrinted = Format.table,
    data_dir: DataDir = None,
) -> None:
    """Show single records, the newest first: the rules they broke, what could be read, the bytes.

    In JSON and CSV `raw` is base64, and `raw_text` the same as text where it is UTF-8.
    """
    kind = options.released_or_not(released, everything)
    chosen = options.selection(
        reason, symbol, since, until, topic, partition, offset, released=kind
    ).condition(DUCKDB_MARK)
    with Lake(settings_for(data_dir)) as lake:
        page = {"limit": limit or view.ALL_ROWS, "skip": skip}
        found = lake.stream(view.RECORDS.format(where=chosen.text), {**chosen.values, **page})
        if fmt is not Format.table:
            PRINTERS[fmt](found, sys.stdout)
            return
        shown = 0
        for row in (row for batch in found for row in batch.to_pylist()):
            say(view.record_in_words(row, whole))
            shown += 1
        say(view.records_in_words(shown, limit, skip))


@app.command()
def release(
    reason: options.Reasons = None,
    symbol: options.Symbols = None,
    since: options.Since = None,
    until: options.Until = None,
    topic: options.Topic = None,
    partition: options.Partition = None,
    offset: options.Offsets = None,
    yes: Yes = False,
    fmt: HowPrinted = Format.table,
    data_dir: DataDir = None,
) -> None:
    """Put records back through today's rules; without options, all that are not released yet.

    What keeps every rule now goes to Silver, unless it is there already, and counts as released.
    What still breaks one stays. It is safe beside running streams, and to repeat. Without --yes
    nothing is changed.
    """
    if fmt is Format.csv:
        raise SettingsError("The outcome is no list of rows.", "Use --format json.")
    chosen = options.selection(reason, symbol, since, until, topic, partition, offset)
    settings = settings_for(data_dir)
    if _matches(chosen, settings) or yes:
        words = ["release", chosen.model_dump_json(), *(["--yes"] if yes else [])]
        outcome = _run(words, settings)
    else:
        outcome = Released(done=False)
    if fmt is Format.json:
        print(json.dumps(outcome.model_dump(), ensure_ascii=False))
    else:
        say(view.outcome_in_words(outcome))


def _matches(chosen: Selection, settings: Settings) -> bool:
    """Whether there is a record to release. A lake that is not there is told, not made."""
    text, values = chosen.condition(DUCKDB_MARK)
    with Lake(settings) as lake:
        found = lake.rows(f"SELECT 1 FROM {full_name(QUARANTINE)} WHERE {text} LIMIT 1", values)
    return bool(found)


def _run(words: list[str], settings: Settings) -> Released:
    found = child.run("spark_jobs", words, settings, progress, "The release")
    return Released.model_validate_json(found)
