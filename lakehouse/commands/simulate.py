"""`firehose simulate`: the exchange simulator as a tool of its own."""

import os
import sys

import typer


def simulate(context: typer.Context) -> None:
    """Serve the exchange's websocket and REST protocols from a recording or a seeded market.

    All arguments go to the simulator: `firehose simulate --help`, docs/simulator.md.
    """
    words = [sys.executable, "-m", "producer.simulator", *context.args]
    os.execv(sys.executable, words)
