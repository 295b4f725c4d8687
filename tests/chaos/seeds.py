"""What a chaos run is set to: its seed and its length, from the environment."""

import os

SEED = int(os.environ.get("CHAOS_SEED", "1"))
# `make test` runs a bounded one; `make chaos-producer` sets these.
INJECTIONS = int(os.environ.get("CHAOS_INJECTIONS", "12"))
SECONDS = float(os.environ.get("CHAOS_SECONDS", "1800"))
# How long an injection waits, in s, until the lake works again after the one before.
PATIENCE = float(os.environ.get("CHAOS_PATIENCE", "60"))
FUZZ_FRAMES = int(os.environ.get("FUZZ_FRAMES", "1000000"))
_LONG = 50


def long_run() -> bool:
    """Whether this is the long run, in which a minute is really a minute."""
    return INJECTIONS >= _LONG
