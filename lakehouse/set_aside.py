"""Which Kafka records the lake holds in quarantine, told to whoever reads the topic."""

import json
from collections.abc import Mapping
from pathlib import Path

# partition → offset → whether its id lies outside what Silver holds of its symbol (a stray).
SetAside = Mapping[int, Mapping[int, bool]]


def write(found: SetAside, path: Path) -> None:
    """For another program of ours."""
    path.write_text(json.dumps(found), encoding="utf-8")


def read(path: Path) -> SetAside:
    """What `write` wrote; JSON's names are texts."""
    found: dict[str, dict[str, bool]] = json.loads(path.read_text(encoding="utf-8"))
    return {
        int(partition): {int(offset): stray for offset, stray in offsets.items()}
        for partition, offsets in found.items()
    }
