"""What every jar must be: the committed SHA-256 digests, and the check against them."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import MissingToolError

LOCK_FILE = Path(__file__).resolve().parent / "jars.lock"
_MARKER = "verified.json"
_HEX_DIGITS = frozenset("0123456789abcdef")


def parse(text: str) -> dict[str, str]:
    """{"conf/file.jar": SHA-256} from lines `sha256  conf/file.jar`; MissingToolError if broken."""
    digests = {}
    for line in text.splitlines():
        digest, separator, name = line.partition("  ")
        if not separator or len(digest) != 64 or not set(digest) <= _HEX_DIGITS:
            raise MissingToolError(
                f"The lock file {LOCK_FILE} has a line that is no digest: {line!r}.",
                "Restore it: `git checkout lakehouse/stack/jars.lock`.",
            )
        digests[name] = digest
    return digests


def render(digests: Mapping[str, str]) -> str:
    """The text that `parse` reads, sorted by name."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


@dataclass(frozen=True)
class Stamp:
    """A verified file: as long as size and time stay, it needs no new hash."""

    size: int
    mtime_ns: int
    sha256: str


def scan(folder: Path) -> dict[str, str]:
    """Digests of all jars in `folder`; those whose size and time stand in the marker are believed.

    Writes the marker anew when anything had to be hashed and the folder allows it.
    """
    known = _read_marker(folder)
    stamps = {
        path.relative_to(folder).as_posix(): _stamp(folder, path, known)
        for path in sorted(folder.glob("*/*.jar"))
    }
    if stamps != known:
        _write_marker(folder, stamps)
    return {name: stamp.sha256 for name, stamp in stamps.items()}


def differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """What is wrong with `found`, a clause for each jar: missing, changed or unknown."""
    missing = [f"{name} is missing" for name in wanted.keys() - found.keys()]
    unknown = [f"{name} is not in the lock file" for name in found.keys() - wanted.keys()]
    changed = [
        f"{name} is damaged or not the pinned one"
        for name in found.keys() & wanted.keys()
        if found[name] != wanted[name]
    ]
    return sorted(missing) + sorted(changed) + sorted(unknown)


def _stamp(folder: Path, path: Path, known: Mapping[str, Stamp]) -> Stamp:
    status = path.stat()
    stamp = known.get(path.relative_to(folder).as_posix())
    if stamp and (stamp.size, stamp.mtime_ns) == (status.st_size, status.st_mtime_ns):
        return stamp
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Stamp(status.st_size, status.st_mtime_ns, digest)


def _read_marker(folder: Path) -> dict[str, Stamp]:
    try:
        read = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
        return {str(name): Stamp(*fields) for name, fields in read.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_marker(folder: Path, stamps: Mapping[str, Stamp]) -> None:
    rows = {name: (s.size, s.mtime_ns, s.sha256) for name, s in stamps.items()}
    # A cache that is only read (a container image) works too, each start paying for the hashes.
    with suppress(OSError):
        (folder / _MARKER).write_text(json.dumps(rows, indent=0), encoding="utf-8")
