"""`firehose rebuild`: a layer computed anew from the one below, swapped in beside the streams."""

import json
import sys
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from lakehouse import child, spans
from lakehouse.commands import DataDir, Format, console, progress, settings_for
from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.spans import Span

LAYERS: Final = ("silver", "gold")
COLUMNS: Final = ("read", "added", "changed", "removed", "after")
# Told where there are any.
_NOTES: Final = {
    "kept": "rows of Silver that no valid record of Bronze gives stay",
    "quarantined": "records that today's rules reject go to quarantine",
    "released": "records of quarantine keep today's rules and are released",
}
_TIMES = "A date, or an ISO 8601 time with its offset; rounded outwards to the hour."

Which = Annotated[str, typer.Argument(metavar="|".join(LAYERS), help="The layer to rebuild.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help=_TIMES, show_default="the oldest hour"),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="TIME",
        help="Where the span ends, as above.",
        show_default="the hour that the watermark is in",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")]
HowPrinted = Annotated[Format, typer.Option("--format", help="table, or json for scripts.")]


def rebuild(
    layer: Which,
    start: From = None,
    end: To = None,
    dry_run: DryRun = False,
    fmt: HowPrinted = Format.table,
    data_dir: DataDir = None,
) -> None:
    """Compute Silver from Bronze, or Gold from Silver, anew; safe beside running streams.

    Readers see the old rows of a piece (up to a day) or the new ones. What is as it should be is
    not written. After Silver, Gold of the same hours is rebuilt.
    """
    if layer not in LAYERS:
        raise SettingsError(f"There is no layer {layer} to rebuild.", "Choose silver or gold.")
    if fmt is Format.csv:
        raise SettingsError("A rebuild's result is no list of rows.", "Use --format json.")
    read = spans.read(start, end)
    if read.rounded:
        progress(f"Whole hours are rebuilt: {_span_in_words(read.span)}.")
    found = _run(settings_for(data_dir), layer, read.span, dry_run)
    if fmt is Format.json:
        print(json.dumps(found, indent=1))
    else:
        _show(found["pieces"], dry_run)


def _run(settings: Settings, layer: str, span: Span, dry_run: bool) -> Any:
    words = ["rebuild", layer]
    words += [] if span.first is None else ["--first-hour", str(span.first)]
    words += [] if span.end is None else ["--end-hour", str(span.end)]
    words += ["--dry-run"] if dry_run else []
    return json.loads(child.run("spark_jobs", words, settings, progress, "The rebuild"))


def _span_in_words(span: Span) -> str:
    first = "the oldest" if span.first is None else spans.in_words(span.first)
    end = "the watermark" if span.end is None else spans.in_words(span.end)
    return f"{first} to {end}"


def _show(pieces: list[dict[str, Any]], dry_run: bool) -> None:
    out = console(sys.stdout)
    if not pieces:
        out.print("There is nothing in these hours to rebuild.")
        return
    table = Table("layer", "from", "to")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for piece in pieces:
        table.add_row(
            piece["layer"], piece["from"], piece["to"], *(f"{piece[name]:,}" for name in COLUMNS)
        )
    out.print(table)
    for line in _conclusions(pieces, dry_run):
        out.print(line)


def _conclusions(pieces: list[dict[str, Any]], dry_run: bool) -> list[str]:
    """What the table does not say."""
    sums = {name: sum(piece[name] for piece in pieces) for name in (*COLUMNS, *_NOTES)}
    lines = [f"{sums[name]:,} {note}." for name, note in _NOTES.items() if sums[name]]
    if not any(sums[name] for name in COLUMNS[1:]):
        return [*lines, "All was equal already."]
    if dry_run:
        after = " After Silver, Gold is rebuilt too." if pieces[0]["layer"] == "silver" else ""
        return [*lines, f"Nothing was written.{after}"]
    return [*lines, "Swapped in."]
