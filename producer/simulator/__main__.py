"""`python -m producer.simulator`: the simulated exchange as a process of its own."""

import asyncio
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from lakehouse.errors import FirehoseError, SettingsError
from lakehouse.setting_values import names
from producer.simulator import fault_specs
from producer.simulator.exchange import Exchange
from producer.simulator.faults import FaultSet
from producer.simulator.instruments import listed
from producer.simulator.market import MarketSpec
from producer.simulator.market_source import MarketSource
from producer.simulator.options import Limits
from producer.simulator.server import Running, serving
from producer.simulator.sources import RecordedSource, Source

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_MARKET = "Seeded market"
_LIMITS = "Limits of the exchange"


@app.command()
def simulate(
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Further files to replay.")
    ] = None,
    replay: Annotated[
        list[Path] | None, typer.Option(help="Recorded frames; without it, a seeded market.")
    ] = None,
    speed: Annotated[
        float, typer.Option(help="1: as recorded or live; 10: ten times; 0: as fast as taken.")
    ] = 1.0,
    fault: Annotated[
        list[str] | None, typer.Option(help="A fault, for example duplicate:0.1; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the market and of the faults.")] = 0,
    symbols: Annotated[
        str, typer.Option(help="As SYMBOLS: docs/producer.md.", rich_help_panel=_MARKET)
    ] = "BTCUSDT,ETHUSDT",
    rate: Annotated[
        float, typer.Option(help="Trades per second over all symbols.", rich_help_panel=_MARKET)
    ] = 100.0,
    trades: Annotated[
        int | None, typer.Option(help="Trades in all, then quiet.", rich_help_panel=_MARKET)
    ] = None,
    first_id: Annotated[
        int, typer.Option(help="First aggregate trade id.", rich_help_panel=_MARKET)
    ] = 1_000_000,
    start: Annotated[
        str | None,
        typer.Option(help="ISO 8601 with offset; default: now.", rich_help_panel=_MARKET),
    ] = None,
    spike_every: Annotated[
        float, typer.Option(help="Seconds between price spikes; 0: none.", rich_help_panel=_MARKET)
    ] = 0.0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 0,
    ready_file: Annotated[
        Path | None, typer.Option(help="Where to write host, port, pid and symbols when listening.")
    ] = None,
    ping_interval: Annotated[
        float, typer.Option(min=0.01, help="Seconds.", rich_help_panel=_LIMITS)
    ] = 20.0,
    pong_timeout: Annotated[
        float, typer.Option(min=0.01, help="Seconds.", rich_help_panel=_LIMITS)
    ] = 60.0,
    max_age: Annotated[
        float, typer.Option(min=0.01, help="Seconds a connection lives.", rich_help_panel=_LIMITS)
    ] = 86_400.0,
    messages_per_second: Annotated[
        int, typer.Option(min=1, help="Incoming, per connection.", rich_help_panel=_LIMITS)
    ] = 5,
    connects_per_5_minutes: Annotated[int, typer.Option(min=1, rich_help_panel=_LIMITS)] = 300,
    weight_limit: Annotated[
        int, typer.Option(min=1, help="REST weight per minute.", rich_help_panel=_LIMITS)
    ] = 6000,
    ban_seconds: Annotated[
        int, typer.Option(min=1, help="How long a 418 lasts.", rich_help_panel=_LIMITS)
    ] = 120,
) -> None:
    """Speak the exchange's websocket and REST protocols, with faults on request."""
    limits = Limits(
        ping_interval, pong_timeout, max_age, messages_per_second, connects_per_5_minutes,
        weight_limit, ban_seconds,
    )  # fmt: skip
    if speed < 0:
        raise SettingsError("--speed must not be negative.", "0 means as fast as it is taken.")
    faults = FaultSet(seed, [fault_specs.parse(text) for text in fault or []])
    files = [*(replay or []), *(more or [])]
    source: Source
    if files:
        source = RecordedSource(files)
    else:
        followed = listed(names(symbols))
        spec = MarketSpec(followed, seed, rate, first_id, 0, trades, spike_every)
        source = MarketSource(spec, _micros(start), in_past=speed == 0)
    asyncio.run(_run(source, faults, speed, limits, host, port, ready_file))


async def _run(
    source: Source,
    faults: FaultSet,
    speed: float,
    limits: Limits,
    host: str,
    port: int,
    ready_file: Path | None,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    exchange = Exchange(source, faults, speed)
    async with serving(exchange, limits, host, port) as running:
        _announce(running, source, ready_file)
        await _until(stop, exchange, running.feed)


async def _until(stop: asyncio.Event, exchange: Exchange, feed: asyncio.Task[None]) -> None:
    """Wait for the signal. A feed that ends well leaves a quiet exchange; a bug ends all."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({stopped, feed}, return_when=asyncio.FIRST_COMPLETED)
    if feed.done():
        feed.result()
    if exchange.failure:
        raise exchange.failure
    await stopped


def _announce(running: Running, source: Source, ready_file: Path | None) -> None:
    ready = {
        "host": running.host,
        "port": running.port,
        "pid": os.getpid(),
        "symbols": list(source.history.symbols()),
    }
    if ready_file is None:
        print(orjson.dumps(ready).decode(), flush=True)
        return
    try:
        # Who waits for the file must never read half of it.
        half = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
        half.write_bytes(orjson.dumps(ready))
        half.replace(ready_file)
    except OSError as error:
        raise SettingsError(f"{ready_file} can't be written: {error.strerror}.") from None


def _micros(start: str | None) -> int | None:
    if start is None:
        return None
    try:
        time = datetime.fromisoformat(start)
    except ValueError:
        raise SettingsError(f"--start {start!r} is no ISO 8601 time.", _START_HINT) from None
    if time.tzinfo is None:
        raise SettingsError(f"--start {start!r} has no offset from UTC.", _START_HINT)
    return round(time.timestamp() * 1000) * 1000


_START_HINT = "For example 2024-08-09T00:00:00Z."


def main() -> None:
    """Run the command; an error a user can meet becomes one sentence and its exit code."""
    try:
        app()
    except FirehoseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
