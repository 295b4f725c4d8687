"""How fast the producer is beside other clients: the exchange's frames to acknowledged messages.

`python -m benchmarks.producer [--frames N] [--rounds N] [--rate R] [--only NAME…]`. In one run, on
one machine, with one feeder and one broker: clients that keep nothing (what the transport gives),
our producer, and clients that deliver to Kafka. Each is a process of its own and gets the same
frames, first as fast as it takes them, then at a fixed rate. The order changes every round;
figures are medians over the rounds, ratios are taken within a round.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.feeder import feeder
from benchmarks.figures import Result, Round, middle, ratio
from benchmarks.runs import CLIENTS, Bench, run
from lakehouse.errors import FirehoseError
from lakehouse.settings import load
from lakehouse.stack import Stack

BASE = "websockets"
_FIXED_SECONDS = 5
_SLOW_SHARE = 20


def compare(bench: Bench, options: argparse.Namespace) -> tuple[list[Round], list[Round]]:
    """All rounds: as fast as each can, and at the fixed rate."""
    saturated: list[Round] = []
    paced: list[Round] = []
    for name in {"confluent", "ours"} & set(options.only):
        # A broker that has just started is slow, and makes idempotent producers wait.
        run(bench, name, options.frames // 5)
    for number in range(options.rounds):
        names = options.only[::-1] if number % 2 else options.only
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"round {number + 1} of {options.rounds}, load {load}", flush=True)
        saturated.append(_round(bench, names, options.frames, 0.0, options.frames // _SLOW_SHARE))
        to_kafka = [name for name in names if CLIENTS[name].kafka]
        frames = int(options.rate * _FIXED_SECONDS)
        paced.append(_round(bench, to_kafka, frames, options.rate, frames // 2))
    return saturated, paced


def _round(bench: Bench, names: Sequence[str], frames: int, rate: float, few: int) -> Round:
    found = {}
    for name in names:
        found[name] = run(bench, name, few if CLIENTS[name].slow else frames, rate)
        print(_line(found[name], rate), flush=True)
    return found


def _line(result: Result, rate: float) -> str:
    pace = f"at {rate:,.0f}/s" if rate else "saturated"
    kept = f"{result.in_kafka:,} in Kafka" if result.in_kafka is not None else ""
    return f"  {result.client:<18}{pace:<13}{result.rate:>10,.0f}/s  {kept}"


def show(saturated: list[Round], paced: list[Round], rate: float) -> None:
    """Both tables."""
    _show_saturated([name for name in CLIENTS if name in saturated[0]], saturated)
    _show_paced([name for name in CLIENTS if name in paced[0]], paced, rate)


def _show_saturated(names: list[str], saturated: list[Round]) -> None:
    def share(figure: Callable[[Result], float]) -> Callable[[str], str]:
        return lambda name: f"{ratio(saturated, name, BASE, figure):.0%}" if BASE in names else "-"

    columns: dict[str, Callable[[str], str]] = {
        "messages/s": lambda name: _figure(saturated, name, lambda row: row.rate),
        f"of {BASE}": share(lambda row: row.rate),
        "messages/s a core": lambda name: _figure(saturated, name, lambda row: row.rate_per_core),
        f"of {BASE} ": share(lambda row: row.rate_per_core),
        "peak MiB": lambda name: _figure(saturated, name, lambda row: row.peak_mib),
        "in Kafka": lambda name: _kept(saturated, name),
    }
    _draw("As fast as each can", names, columns)


def _show_paced(names: list[str], paced: list[Round], rate: float) -> None:
    columns: dict[str, Callable[[str], str]] = {
        "messages/s": lambda name: _figure(paced, name, lambda row: row.rate),
        "p50 ms": lambda name: _figure(paced, name, lambda row: row.p50_ms, 1),
        "p99 ms": lambda name: _figure(paced, name, lambda row: row.p99_ms, 1),
        "CPU of a core": lambda name: f"{1 / middle(paced, name, _cost):.0%}",
        "peak MiB": lambda name: _figure(paced, name, lambda row: row.peak_mib),
        "in Kafka": lambda name: _kept(paced, name),
    }
    _draw(f"At {rate:,.0f}/s: receive → acknowledged", names, columns)


def _cost(result: Result) -> float:
    return result.seconds / max(result.cpu_seconds, 1e-9)


def _figure(
    rounds: list[Round], name: str, figure: Callable[[Result], float | None], digits: int = 0
) -> str:
    return f"{middle(rounds, name, figure):,.{digits}f}"


def _kept(rounds: list[Round], name: str) -> str:
    results = [row[name] for row in rounds]
    if results[0].in_kafka is None:
        return "-"
    late = sum(result.out_of_order for result in results)
    if all(result.complete for result in results) and not late:
        return f"all of {results[0].frames:,}, in order"
    kept, twice = (sum(getattr(row, name) for row in results) for name in ("in_kafka", "repeated"))
    asked = sum(result.frames for result in results)
    return f"{kept:,} of {asked:,}, {twice:,} twice, {late:,} out of order"


def _draw(title: str, names: list[str], columns: dict[str, Callable[[str], str]]) -> None:
    table = Table("client", title=title)
    for column in columns:
        table.add_column(column, justify="right")
    for name in names:
        table.add_row(CLIENTS[name].title, *(text(name) for text in columns.values()))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=10_000)
    parser.add_argument("--only", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    parser.add_argument("--kafka", help="a broker that runs; without it the embedded one")
    parser.add_argument("--json", type=Path, help="write every run's figures there")
    return parser.parse_args()


def _measure(kafka: str, folder: Path, options: argparse.Namespace) -> None:
    with feeder(max(options.frames, int(options.rate * _FIXED_SECONDS))) as fed:
        saturated, paced = compare(Bench(fed, kafka, folder), options)
    show(saturated, paced, options.rate)
    if options.json:
        runs = {"saturated": saturated, "paced": paced}
        rows = {kind: [[row._asdict() for row in each.values()] for each in rounds]
                for kind, rounds in runs.items()}  # fmt: skip
        machine = {"cores": os.cpu_count(), "platform": platform.platform()}
        options.json.write_text(json.dumps({"machine": machine, **rows}, indent=1))


def main() -> int:
    """The command line."""
    options = _options()
    try:
        with tempfile.TemporaryDirectory() as folder:
            if options.kafka:
                _measure(options.kafka, Path(folder), options)
                return 0
            with Stack(load(data_dir=Path(folder)), print) as stack:
                _measure(stack.start_kafka(), Path(folder), options)
    except FirehoseError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
