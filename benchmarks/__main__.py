"""`make bench`: every benchmark, one after another, each on a stack of its own."""

import os
import platform
import subprocess
import sys

import psutil

BENCHMARKS = ("producer", "layers", "freshness")


def main() -> None:
    """Run them all, or those named; the machine is told first."""
    memory = psutil.virtual_memory().total / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.platform()}", flush=True)
    for name in sys.argv[1:] or BENCHMARKS:
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)


if __name__ == "__main__":
    main()
