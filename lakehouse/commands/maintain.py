"""`firehose maintain`: small files become few, old snapshots go; beside the running streams."""

import json
import sys
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from lakehouse import child
from lakehouse.commands import DataDir, Format, console, progress, settings_for
from lakehouse.errors import SettingsError, StackError
from lakehouse.maintenance import STEPS, refuse_unknown
from lakehouse.settings import Settings

_FIGURES: Final = (
    "files",
    "bytes",
    "average",
    "snapshots",
    "manifests",
    "metadata_bytes",
    "query_ms",
)
_HEADS: Final = ("files", "bytes", "bytes a file", "snapshots", "manifests", "metadata", "query ms")

Which = Annotated[
    list[str] | None, typer.Argument(metavar="[TABLE]...", help="Only these; all by default.")
]
Only = Annotated[
    str | None, typer.Option("--only", metavar="STEP,…", help=f"Only these of {', '.join(STEPS)}.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]
HowPrinted = Annotated[Format, typer.Option("--format", help="table, or json for scripts.")]


def maintain(
    tables: Which = None,
    dry_run: DryRun = False,
    only: Only = None,
    fmt: HowPrinted = Format.table,
    data_dir: DataDir = None,
) -> None:
    """Compact tables, let old snapshots go and remove orphans; safe beside running streams.

    The streams' application does the same every MAINTAIN_SECONDS. Exit code 6 where a step failed.
    """
    names = list(tables or ())
    steps = [each.strip() for each in only.split(",")] if only else list(STEPS)
    refuse_unknown(names, steps)
    if fmt is Format.csv:
        raise SettingsError("What maintenance did is no list of rows.", "Use --format json.")
    found = _run(settings_for(data_dir), names, steps, dry_run)
    if fmt is Format.json:
        print(json.dumps(found, indent=1))
    else:
        show(found["steps"], dry_run)
    failed = [each for each in found["steps"] if "error" in each]
    if failed:
        raise StackError(
            f"{len(failed)} of {len(found['steps'])} steps failed, first {failed[0]['step']} of "
            f"{failed[0]['table']}: {failed[0]['error']}",
            "What the others did is done. Run it again; ops_audit has each error.",
        )


def _run(settings: Settings, names: list[str], steps: list[str], dry_run: bool) -> Any:
    words = ["maintain", *names, "--only", ",".join(steps)]
    words += ["--dry-run"] if dry_run else []
    return json.loads(child.run("spark_jobs", words, settings, progress, "Maintenance"))


def show(steps: list[dict[str, Any]], dry_run: bool) -> None:
    """A line for each table, before and after, and what each step did."""
    out = console(sys.stdout)
    by_table: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        by_table.setdefault(step["table"], []).append(step)
    if not by_table:
        out.print("No table has a commit yet: there is nothing to maintain.")
        return
    out.print(_figures(by_table, dry_run))
    for name, done in by_table.items():
        out.print(f"{name}: {'; '.join(map(in_words, done))}", highlight=False, soft_wrap=True)
    if dry_run:
        out.print("Nothing was changed.")


def _figures(by_table: dict[str, list[dict[str, Any]]], dry_run: bool) -> Table:
    table = Table("table")
    for head in _HEADS:
        table.add_column(head, justify="right")
    for name, done in by_table.items():
        before, after = done[0]["before"], done[-1]["after"]
        # The one step that timed the query.
        timed = next((each for each in done if each["before"]["query_ms"] is not None), None)
        if timed is not None:
            before = {**before, "query_ms": timed["before"]["query_ms"]}
            after = {**after, "query_ms": timed["after"]["query_ms"]}
        told = [_figure(before, each) for each in _FIGURES]
        if not dry_run:
            now = [_figure(after, each) for each in _FIGURES]
            told = [
                one if one == other else f"{one} → {other}"
                for one, other in zip(told, now, strict=True)
            ]
        table.add_row(name, *told)
    return table


def _figure(figures: dict[str, Any], name: str) -> str:
    if name == "average":
        return f"{figures['bytes'] // max(1, figures['files']):,}"
    return "" if figures[name] is None else f"{figures[name]:,}"


def in_words(step: dict[str, Any]) -> str:
    """What a step did; of its figures those that are not zero."""
    if "error" in step:
        return f"{step['step']} failed"
    told = {name.replace("_", " "): value for name, value in step["did"].items() if value}
    words = [f"{value} {name}" for name, value in told.items() if isinstance(value, int)]
    words += [str(told["held"])] if "held" in told else []
    return f"{step['step']} {', '.join(words) or 'nothing'}"
