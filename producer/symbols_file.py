"""The file that changes of the symbols are kept in over restarts: `--symbols-file PATH`.

JSON: `add` and `remove` are the changes to SYMBOLS; `followed` is what `spec` (SYMBOLS then) came
to when the exchange was last asked, for a start at which it does not answer.
"""

import os
from pathlib import Path
from typing import NamedTuple

import orjson

from lakehouse.errors import ResourceError, SettingsError
from producer.symbols import Changes, checked_names


class Kept(NamedTuple):
    """What the file holds."""

    changes: Changes = Changes()
    spec: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()


class SymbolsFile:
    """Reads and writes the file; without a path it keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def read(self) -> Kept:
        """What was kept; SettingsError where the file holds something else."""
        if self.path is None:
            return Kept()
        try:
            return _kept(orjson.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return Kept()
        except (OSError, ValueError, KeyError, TypeError, SettingsError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SettingsError(
                f"The symbols file {self.path} can't be read: {reason}.",
                "Mend it, or remove it: then SYMBOLS alone counts.",
            ) from None

    def write(self, kept: Kept) -> None:
        """Replace the file in one step; ResourceError where that can't be done."""
        if self.path is None:
            return
        body = orjson.dumps(
            {**kept.changes._asdict(), "spec": kept.spec, "followed": kept.followed},
            option=orjson.OPT_INDENT_2,
        )
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            draft.write_bytes(body)
            draft.replace(self.path)
        except OSError as error:
            raise ResourceError(
                f"The symbols file {self.path} can't be written: {error.strerror or error}.",
                "Free space or mend the rights; nothing was changed.",
            ) from None


def _kept(found: dict[str, object]) -> Kept:
    changes = Changes(checked_names(found["add"]), checked_names(found["remove"]))
    spec = found["spec"]
    if not isinstance(spec, list) or not all(isinstance(term, str) for term in spec):
        raise ValueError("spec is no list of words")
    return Kept(changes, tuple(spec), checked_names(found["followed"]))
