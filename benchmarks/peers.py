"""What we are measured against and don't depend on lives in a venv of its own.

`python -m benchmarks.peers install` makes it (once; the benchmarks do so by themselves): exactly
what peers.txt pins and hashes, in the user's cache folder. cryptofeed comes as source alone and
needs a C compiler.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from lakehouse.errors import MissingToolError
from lakehouse.stack.file_lock import file_lock

LOCKED: Final = Path(__file__).with_name("peers.txt")
CACHE: Final = Path("~/.cache/firehose/peers")
_WAIT_SECONDS: Final = 600.0


def python() -> Path:
    """The Python of the peers' venv, which is made where it is missing.

    MissingToolError where it can't be: no package index, no C compiler, a hash that differs.
    """
    folder = _folder()
    with file_lock(folder.with_suffix(".lock"), _WAIT_SECONDS):
        if not (folder / ".complete").exists():
            _install(folder)
    return folder / "bin" / "python"


def _folder() -> Path:
    # Another list or another Python is another venv.
    key = hashlib.sha256(LOCKED.read_bytes() + sys.version.encode()).hexdigest()[:12]
    return CACHE.expanduser() / key


def _install(folder: Path) -> None:
    print(f"Installing the peers into {folder} (about 60 MB, once) …", flush=True)
    _uv("venv", "--clear", "--python", sys.executable, str(folder))
    where = ["--python", str(folder / "bin" / "python")]
    _uv("pip", "install", *where, "--require-hashes", "-r", str(LOCKED))
    (folder / ".complete").touch()


def _uv(*words: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy"}
    try:
        subprocess.run([str(uv), *words, "--quiet"], check=True, env=environment)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingToolError(
            f"The benchmark's peers can't be installed: {error}.",
            "The lines above say why (cryptofeed needs a C compiler); --only does without them.",
        ) from None


def main() -> int:
    """The command line."""
    if sys.argv[1:] != ["install"]:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(python())
    except MissingToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
