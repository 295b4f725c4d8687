"""The completeness proof on a terminal: tables of hours, gaps, and the verdict in one line."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lakehouse.completeness import BRONZE_LAYER, SILVER_LAYER, Proof
from lakehouse.kafka_audit import KafkaAudit
from lakehouse.layers import Gap, Hour, Layer, Symbol

HOURS_SHOWN = 48
GAPS_SHOWN = 20

_COLUMNS = ("exchange", "symbol", "hour (UTC)", "first id", "last id", "trades", "missing", "twice")
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def show(proof: Proof, out: Console) -> None:
    """Print the proof for people: Silver's hours and gaps, Bronze, and the verdict in one line."""
    if SILVER_LAYER in proof.layers:
        _show_layer("Silver", proof.silver, out, proof.strict)
    _show_open_gaps(proof, out)
    if BRONZE_LAYER in proof.layers:
        _show_bronze(proof, out)
    if proof.complete:
        ids = f"{proof.trades:,} trades, every id {_how_often(proof)}"
        out.print(Text(f"complete: {ids}{_but(proof)}", style="bold green"))
    else:
        why = "; ".join(proof.faults) or "no trades yet"
        out.print(Text(f"not complete: {why}", style="bold red"))


def show_layers(proof: Proof, out: Console) -> None:
    """Print the layers before Silver: Kafka and Bronze, as far as they were looked at."""
    if proof.kafka is not None:
        _show_layer("Kafka", proof.kafka.layer, out, proof.strict)
        _show_kafka(proof.kafka, out)
    if proof.bronze_layer is not None:
        _show_layer("Bronze", proof.bronze_layer, out, proof.strict)


def _how_often(proof: Proof) -> str:
    return "exactly once" if SILVER_LAYER in proof.layers else "there"


def _but(proof: Proof) -> str:
    layer = proof.silver if SILVER_LAYER in proof.layers else proof.bronze_layer
    layer = layer or (proof.kafka.layer if proof.kafka else Layer())
    if not layer.unrepairable:
        return ""
    return f", but for {layer.unrepairable:,} that the exchange itself has not"


def _show_layer(name: str, layer: Layer, out: Console, strict: bool) -> None:
    hours = _worth_showing(layer.hours)
    out.print(_table(name, layer.symbols, hours, strict))
    if len(hours) < len(layer.hours):
        left_out = len(layer.hours) - len(hours)
        out.print(f"… and {left_out:,} more hours; --format json lists them all.")
    for gap in layer.gaps[:GAPS_SHOWN]:
        out.print(_gap(gap, name))
    more = sum(symbol.gaps for symbol in layer.symbols) - len(layer.gaps[:GAPS_SHOWN])
    if more > 0:
        out.print(f"… and {more:,} more gaps.")


def _worth_showing(hours: Sequence[Hour]) -> list[Hour]:
    """Hours with a fault first come in, then the newest; printed in the layer's order."""
    ranked = sorted(hours, key=lambda h: (h.missing + h.duplicates > 0, h.hour or _NO_TIME))
    chosen = set(ranked[-HOURS_SHOWN:])
    return [hour for hour in hours if hour in chosen]


def _table(name: str, symbols: Sequence[Symbol], hours: Sequence[Hour], strict: bool) -> Table:
    table = Table(title=f"Completeness of {name}")
    for number, column in enumerate(_COLUMNS):
        table.add_column(column, justify="left" if number < 3 else "right", overflow="fold")
    # Only in Silver must an id stand once; before it, a record may come again.
    once = name == "Silver"
    for symbol in symbols:
        for hour in hours:
            if (hour.exchange, hour.symbol) == (symbol.exchange, symbol.symbol):
                when = f"{hour.hour:%Y-%m-%d %H}h" if hour.hour else "time unreadable"
                _add(table, hour, when, strict, once)
        _add(table, symbol, "all", strict, once)
        table.add_section()
    return table


def _add(table: Table, line: Hour | Symbol, when: str, strict: bool, once: bool) -> None:
    unexplained = line.missing if strict else line.missing - line.unrepairable
    fault = unexplained + (line.duplicates if once else 0) > 0
    missing = f"{line.missing:,}"
    if line.unrepairable:
        missing += f" ({line.unrepairable:,} unrepairable)"
    cells = [line.exchange, line.symbol, when, str(line.first_id), str(line.last_id)]
    cells += [f"{line.trades:,}", missing, f"{line.duplicates:,}"]
    style = "red" if fault else "bold" if isinstance(line, Symbol) else ""
    table.add_row(*(Text(cell) for cell in cells), style=style)


def _gap(gap: Gap, layer: str) -> Text:
    after = f"{gap.hour:%Y-%m-%d %H}h" if gap.hour else "an unreadable hour"
    where = f"{gap.exchange} {gap.symbol}, after the trades of {after}"
    where += "" if layer == "Silver" else f", {layer}"
    line = f"gap of {gap.ids:,}: {gap.from_id}..{gap.to_id} ({where})"
    if not gap.unrepairable:
        return Text(line, style="red")
    part = "" if gap.unrepairable == gap.ids else f"{gap.unrepairable:,} of them "
    colour = "red" if part else "yellow"
    return Text(f"{line}: {part}unrepairable, {gap.reason}", style=colour)


def _show_open_gaps(proof: Proof, out: Console) -> None:
    gaps = dict.fromkeys((*(proof.kafka.open_gaps if proof.kafka else ()), *proof.open_gaps))
    for gap in list(gaps)[:GAPS_SHOWN]:
        since = f"{gap.detected_at:%Y-%m-%d %H:%M:%S} UTC" if gap.detected_at else "an unknown time"
        line = f"open gap: {gap.exchange} {gap.symbol} {gap.from_id}..{gap.to_id}, since {since}"
        out.print(Text(f"{line} {gap.reason and f'({gap.reason})'}".rstrip(), style="yellow"))
    if (more := len(gaps) - GAPS_SHOWN) > 0:
        out.print(f"… and {more:,} more open gaps.")


def _show_kafka(kafka: KafkaAudit, out: Console) -> None:
    line = (
        f"Kafka: {kafka.records:,} records of {kafka.topic}, {kafka.out_of_order:,} out of order, "
    )
    line += f"{kafka.late_repairs:,} repaired late, {kafka.unreadable:,} unreadable"
    sources = ", ".join(f"{count:,} {name}" for name, count in kafka.sources.items())
    out.print(Text(f"{line}; {sources}", style="red" if kafka.out_of_order else ""))


def _show_bronze(proof: Proof, out: Console) -> None:
    if proof.bronze is None:
        out.print("Bronze is not there to compare with.")
        return
    bronze = proof.bronze
    line = f"Bronze: {bronze.records:,} records, {bronze.keys:,} distinct trades; "
    line += f"{bronze.lost:,} lost, {bronze.waiting:,} on their way to Silver"
    out.print(Text(line, style="red" if bronze.lost or bronze.repeated else ""))
    if bronze.removed_before is not None:
        gone = f"Retention took {bronze.removed:,} more, of days before"
        out.print(f"{gone} {bronze.removed_before:%Y-%m-%d}: Silver and quarantine stand for them.")
