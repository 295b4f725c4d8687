"""`python -m producer`: bring the exchange's trades into Kafka until stopped."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from lakehouse import ready_file
from lakehouse.errors import FirehoseError, SettingsError, UnreachableError
from lakehouse.settings import Settings, load
from producer.app import Producer
from producer.logs import Log, begin
from producer.metrics import Counters


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; the exit code. A FirehoseError is told in one sentence."""
    options = _options(arguments)
    try:
        settings = load()
        asyncio.run(_run(settings, options, begin(settings)))
    except FirehoseError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m producer", description=__doc__)
    parser.add_argument(
        "--ready-file",
        type=Path,
        metavar="PATH",
        help='written once Kafka is there: {"metrics_port": …, "pid": …}',
    )
    parser.add_argument(
        "--symbols-file",
        type=Path,
        metavar="PATH",
        help="keeps what `firehose symbols` changes over restarts",
    )
    return parser.parse_args(arguments)


async def _run(settings: Settings, options: argparse.Namespace, log: Log) -> None:
    if not settings.kafka_bootstrap_servers:
        raise SettingsError(
            "KAFKA_BOOTSTRAP_SERVERS is empty, so there is no Kafka to write to.",
            "Set it, or use `firehose run`, which starts a broker of its own.",
        )
    stop = _stop_on_signals()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload
    producer = Producer(settings, options.symbols_file, log)
    try:
        port = await producer.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, producer.hang_up)
        ready_file.write(options.ready_file, {"metrics_port": port, "pid": os.getpid()})
        _calm_collector()
        log.info("ready", metrics_port=port, symbols=len(producer.symbols))
        try:
            await producer.run(stop)
        finally:
            _account(producer.counters, log)
    finally:
        await producer.close()
    _demand_all(producer.counters)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _calm_collector() -> None:
    # Tens of thousands of small objects wait for acknowledgements and hold no cycles: looking
    # through them at the default pace costs 7 % of the throughput.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _account(counters: Counters, log: Log) -> None:
    log.info(
        "stopped",
        frames=counters.frames_received,
        rest_trades=counters.rest_trades,
        delivered=counters.delivered,
        dlq_delivered=counters.dlq_delivered,
        control=counters.control_frames,
        duplicates=counters.duplicates,
        open_gaps=counters.open_gaps,
        unaccounted=counters.unaccounted,
    )


def _demand_all(counters: Counters) -> None:
    if counters.unaccounted:
        raise UnreachableError(
            f"{counters.unaccounted} of {counters.frames_received} frames were not acknowledged "
            "by Kafka in time.",
            "Look at the broker; the next start fetches them from the exchange again.",
        )


if __name__ == "__main__":
    sys.exit(main())
