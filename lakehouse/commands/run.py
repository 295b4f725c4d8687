"""`firehose run`: the main job, against the live exchange, a recording or a simulated market."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from lakehouse.commands import DataDir, console, settings_for
from lakehouse.errors import SettingsError
from lakehouse.pipeline import accounting
from lakehouse.pipeline.beside import Beside
from lakehouse.pipeline.feed import Feed
from lakehouse.pipeline.live import LiveView
from lakehouse.pipeline.main_job import MainJob, Outcome
from lakehouse.query import Lake
from lakehouse.settings import Settings

Replay = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE…", help="Play recorded frames (.jsonl, .jsonl.gz)."),
]
More = Annotated[list[Path] | None, typer.Argument(metavar="", hidden=True)]
Speed = Annotated[
    float, typer.Option(min=0, help="1: as recorded; 10: ten times; 0: as fast as possible.")
]
Simulate = Annotated[bool, typer.Option("--simulate", help="A seeded market made up here.")]
Rate = Annotated[float, typer.Option(min=0.001, help="--simulate: trades per second.")]
Trades = Annotated[int | None, typer.Option(min=1, help="--simulate: end after so many.")]
Start = Annotated[
    str | None,
    typer.Option(help="--simulate: when the market begins, ISO 8601 with offset; default: now."),
]
Seed = Annotated[int, typer.Option(help="Of the simulated market and of faults.")]
Faults = Annotated[
    list[str] | None, typer.Option("--fault", help="Of the simulated exchange: docs/simulator.md.")
]
UntilIdle = Annotated[
    bool, typer.Option("--until-idle", help="Stop when all that was fed is in Gold.")
]


def run(
    replay: Replay = None,
    more: More = None,
    speed: Speed = 1.0,
    simulate: Simulate = False,
    rate: Rate = 100.0,
    trades: Trades = None,
    start: Start = None,
    seed: Seed = 0,
    fault: Faults = None,
    until_idle: UntilIdle = False,
    data_dir: DataDir = None,
) -> None:
    """Bring trades from the exchange to Gold until Ctrl-C."""
    settings = settings_for(data_dir)
    files = _files(replay, more)
    if files and simulate:
        raise SettingsError("--replay and --simulate exclude each other.", "Leave one out.")
    feed: Feed | None = None
    if files or simulate:
        faults = tuple(fault or ())
        feed = Feed(files, speed, settings.symbols, rate, trades, seed, start, faults=faults)
    elif fault:
        raise SettingsError("--fault needs a simulated exchange.", "Add --simulate or --replay.")
    if until_idle and (feed is None or not feed.ends):
        raise SettingsError(
            "--until-idle needs a feed that ends.", "Use --replay FILE, or --simulate --trades N."
        )
    out = console(sys.stdout)
    outcome = watched(settings, feed, until_idle, out)
    if outcome is not None:
        show_accounts(outcome, out)


def watched(
    settings: Settings,
    feed: Feed | None,
    until_idle: bool,
    out: Console,
    beside: Callable[[LiveView], Beside] | None = None,
) -> Outcome | None:
    """Run the main job with its live view; None where it was stopped before its end."""
    with LiveView(settings, out) as view:
        job = MainJob(settings, feed, view, until_idle, beside(view) if beside else None)
        _stop_on_signals(job)
        outcome = job.run()
    if job.stop.is_set():
        again = "up" if beside else "run"
        out.print(f"Stopped. What was fed is kept; `firehose {again}` goes on from there.")
        return None
    return outcome


def show_accounts(outcome: Outcome, out: Console) -> None:
    """Print what was fed beside what Silver holds; IncompleteError where they differ."""
    with Lake(outcome.settings) as lake:
        found = accounting.accounts(lake, outcome.truth)
    out.print(accounting.table(found))
    if outcome.dead_letters:
        topic = outcome.settings.kafka_dlq_topic
        out.print(f"{outcome.dead_letters:,} frames could not be read: they are in {topic}.")
    accounting.raise_if_unequal(found)


def _files(replay: list[Path] | None, more: list[Path] | None) -> tuple[Path, ...]:
    # A shell turns `--replay *.gz` into one value and further words.
    if more and not replay:
        raise SettingsError(f"What is {more[0]} for?", "Recorded frames follow --replay.")
    files = (*(replay or ()), *(more or ()))
    for path in files:
        if not path.is_file():
            raise SettingsError(f"There is no file {path}.", "Check the path after --replay.")
    return files


def _stop_on_signals(job: MainJob) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        if job.stop.is_set():
            sys.exit(130)  # asked twice: don't wait for the end of the batches
        job.stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
