"""`make bench`: every benchmark, one after another, each on a stack of its own.

`make bench ARGS="NAME… [OPTIONS]"` runs those named, with these options. The soak takes half an
hour and runs when it is named.
"""

import os
import platform
import subprocess
import sys
from itertools import takewhile

import psutil

BENCHMARKS = ("producer", "layers", "freshness", "api")


def main() -> int:
    """Run them all, or those named; the machine is told first."""
    memory = psutil.virtual_memory().total / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.platform()}", flush=True)
    names = list(takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
    options = sys.argv[1 + len(names) :]
    for name in names or BENCHMARKS:
        print(f"\n== {name}", flush=True)
        argv = [sys.executable, "-m", f"benchmarks.{name}", *options]
        if code := subprocess.run(argv, check=False).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
