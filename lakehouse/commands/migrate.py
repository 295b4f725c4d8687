"""`firehose migrate`: bring the tables of an older lake to this version."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from lakehouse import child, migration_state
from lakehouse.commands import DataDir, console, progress, say, settings_for
from lakehouse.migrations import Migration
from lakehouse.settings import Settings

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be applied.")]


def migrate(dry_run: DryRun = False, data_dir: DataDir = None) -> None:
    """Apply the changes of the tables that this version has and the lake has not.

    Every start of the streams does the same by itself. Exit code 2 where the lake is of a newer
    version, or a migration can't be applied.
    """
    settings = settings_for(data_dir)
    found = migration_state.standing(settings)
    found.require_usable()
    if not found.pending:
        say("The tables are those of this version: nothing to apply.")
        return
    console(sys.stdout).print(_table(found.pending))
    if dry_run:
        say("Nothing was changed.")
        return
    applied = _apply(settings)
    say(f"Applied: {', '.join(applied) or 'none, another application was quicker'}.")
    say("Streams that run meanwhile go on with the columns they know, until they start anew.")


def _apply(settings: Settings) -> list[str]:
    written = child.run("spark_jobs", ["migrate"], settings, progress, "The migration")
    applied: list[str] = json.loads(written)["applied"]
    return applied


def _table(pending: Sequence[Migration]) -> Table:
    table = Table("migration", "statements", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for migration in pending:
        lines = (" ".join(statement.split()) for statement in migration.statements)
        table.add_row(Text(str(migration)), Text("\n".join(lines), overflow="fold"))
    return table
