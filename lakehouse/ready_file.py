"""The file by which a process tells that it is ready: written whole, or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path

import orjson

from lakehouse.errors import ResourceError


def write(path: Path | None, told: Mapping[str, object]) -> None:
    """`told` as JSON in `path`, if there is one; ResourceError where it can't be written."""
    if path is None:
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(orjson.dumps(told))
        draft.replace(path)
    except OSError as error:
        raise ResourceError(
            f"The ready file {path} can't be written: {error.strerror}.",
            "Give --ready-file a path in a folder that exists.",
        ) from None
