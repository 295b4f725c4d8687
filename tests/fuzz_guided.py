"""Coverage-guided fuzzing of a frame's way through the session, by hand and for as long as wanted.

atheris is no dependency of the project, so it is put beside it:

    .venv/bin/python -m pip install --no-deps --target /tmp/atheris atheris==3.0.0
    PYTHONPATH=/tmp/atheris .venv/bin/python -m tests.fuzz_guided -max_total_time=60

Arguments are libFuzzer's; a corpus folder among them is read and added to.
"""

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests import fuzzing

INGEST_TIME = 1_723_161_255_400_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "币安人生USDT")


def main() -> None:
    """Fuzz until libFuzzer's arguments say stop; a frame that raises is written to a file."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["producer", "lakehouse"]):
        messages: Any = importlib.import_module("lakehouse.messages")
        protocol: Any = importlib.import_module("producer.protocol")
        trade: Any = importlib.import_module("lakehouse.trade")
    session = protocol.Session("wss://exchange", SYMBOLS)

    def one(raw: bytes) -> None:
        outcome = session.receive(raw, INGEST_TIME)
        if isinstance(outcome, trade.Trade):
            assert messages.decode(messages.encode(outcome)) == outcome
        elif isinstance(outcome, protocol.DeadLetter):
            assert outcome.raw == raw and outcome.reason
        else:
            assert isinstance(outcome, protocol.Control)

    with tempfile.TemporaryDirectory() as folder:
        for number, raw in enumerate(fuzzing.FRAMES):
            (Path(folder) / f"frame-{number}").write_bytes(raw)
        atheris.Setup([*sys.argv, folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
