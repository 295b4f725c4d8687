"""`firehose verify`: the completeness proof, printed; exit code 1 where it does not hold."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakehouse.commands import DataDir, Format, console, settings_for
from lakehouse.completeness import Proof, prove
from lakehouse.errors import IncompleteError, SettingsError
from lakehouse.layers import Hour, Symbol
from lakehouse.query import Lake

HOURS_SHOWN = 48
GAPS_SHOWN = 20

_COLUMNS = ("exchange", "symbol", "hour (UTC)", "first id", "last id", "trades", "missing", "twice")

HowPrinted = Annotated[Format, typer.Option("--format", help="table, or json for scripts.")]


def verify(fmt: HowPrinted = Format.table, data_dir: DataDir = None) -> None:
    """Prove the lake complete per exchange, symbol and hour.

    Every id from a symbol's first to its last trade must stand in Silver exactly once, and every
    record of Bronze in Silver or in quarantine. Exit code 1 where one does not, or where there
    are no trades at all.
    """
    if fmt is Format.csv:
        raise SettingsError("The proof is no list of rows.", "Use --format json.")
    with Lake(settings_for(data_dir)) as lake:
        proof = prove(lake, datetime.now(UTC))
    if fmt is Format.json:
        print(json.dumps(proof.as_json(), ensure_ascii=False, indent=1))
    else:
        show(proof, console(sys.stdout))
    raise_if_incomplete(proof)


def raise_if_incomplete(proof: Proof) -> None:
    """IncompleteError that says what is wrong, unless the proof holds."""
    if proof.faults:
        raise IncompleteError(
            f"The lake is not complete: {'; '.join(proof.faults)}.",
            "`firehose verify --format json` lists them.",
        )
    if not proof.trades:
        raise IncompleteError(
            "The lake holds no trades yet, so there is nothing to prove.",
            "Fill it with `firehose run` or `make demo`.",
        )


def show(proof: Proof, out: Console) -> None:
    """Print the proof for people: hours, gaps, Bronze, and the verdict in one line."""
    hours = _worth_showing(proof.hours)
    out.print(_table(proof.symbols, hours))
    if len(hours) < len(proof.hours):
        left_out = len(proof.hours) - len(hours)
        out.print(f"… and {left_out:,} more hours; --format json lists them all.")
    _show_gaps(proof, out)
    _show_bronze(proof, out)
    if proof.complete:
        ids = f"{proof.trades:,} trades, every id exactly once"
        out.print(Text(f"complete: {ids}", style="bold green"))
    else:
        why = "; ".join(proof.faults) or "no trades yet"
        out.print(Text(f"not complete: {why}", style="bold red"))


def _worth_showing(hours: Sequence[Hour]) -> list[Hour]:
    """Hours with a fault first come in, then the newest; printed in the proof's order."""
    ranked = sorted(hours, key=lambda hour: (hour.missing + hour.duplicates > 0, hour.hour))
    chosen = set(ranked[-HOURS_SHOWN:])
    return [hour for hour in hours if hour in chosen]


def _table(symbols: Sequence[Symbol], hours: Sequence[Hour]) -> Table:
    table = Table(title="Completeness of Silver")
    for number, name in enumerate(_COLUMNS):
        table.add_column(name, justify="left" if number < 3 else "right", overflow="fold")
    for symbol in symbols:
        for hour in hours:
            if (hour.exchange, hour.symbol) == (symbol.exchange, symbol.symbol):
                _add(table, hour, f"{hour.hour:%Y-%m-%d %H}h")
        _add(table, symbol, "all")
        table.add_section()
    return table


def _add(table: Table, line: Hour | Symbol, when: str) -> None:
    fault = line.missing + line.duplicates > 0
    numbers = (line.trades, line.missing, line.duplicates)
    cells = [line.exchange, line.symbol, when, str(line.first_id), str(line.last_id)]
    cells += [f"{number:,}" for number in numbers]
    style = "red" if fault else "bold" if isinstance(line, Symbol) else ""
    table.add_row(*(Text(cell) for cell in cells), style=style)


def _show_gaps(proof: Proof, out: Console) -> None:
    for gap in proof.gaps[:GAPS_SHOWN]:
        where = f"{gap.exchange} {gap.symbol}, after the trades of {gap.hour:%Y-%m-%d %H}h"
        count = gap.to_id - gap.from_id + 1
        out.print(Text(f"gap of {count:,}: {gap.from_id}..{gap.to_id} ({where})", style="red"))
    more = sum(symbol.gaps for symbol in proof.symbols) - len(proof.gaps[:GAPS_SHOWN])
    if more > 0:
        out.print(f"… and {more:,} more gaps.")


def _show_bronze(proof: Proof, out: Console) -> None:
    if proof.bronze is None:
        out.print("Bronze is not there to compare with.")
        return
    bronze = proof.bronze
    line = f"Bronze: {bronze.records:,} records, {bronze.keys:,} distinct trades; "
    line += f"{bronze.lost:,} lost, {bronze.waiting:,} on their way to Silver"
    out.print(Text(line, style="red" if bronze.lost or bronze.repeated else ""))
