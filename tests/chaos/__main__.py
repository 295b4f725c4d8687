"""`python -m tests.chaos`: all chaos tests, in lanes beside each other, as most of it is waiting.

Each lane is a pytest of its own with a broker of its own. Further words go to every one of them.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.chaos.lanes import LANES, VARIABLE

_FOLDER = Path(__file__).parent
_NOTHING_COLLECTED = 5


def main() -> int:
    """Run all lanes to their end; 0 where each of them went well."""
    began = time.monotonic()
    running = {lane: _start(lane) for lane in LANES}
    tellers = [threading.Thread(target=_tell, args=each) for each in running.items()]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join()
    codes = {lane: process.wait() for lane, process in running.items()}
    failed = [lane for lane, code in codes.items() if code not in (0, _NOTHING_COLLECTED)]
    ended = f"failed: {', '.join(failed)}" if failed else "all passed"
    print(f"chaos: {len(codes)} lanes in {time.monotonic() - began:.0f} s, {ended}")
    return 1 if failed else 0


def _start(lane: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "pytest", "-q", str(_FOLDER), "-s", *sys.argv[1:]]
    environment = {**os.environ, VARIABLE: lane, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _tell(lane: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        print(f"[{lane}] {line}", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
