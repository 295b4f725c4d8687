"""Find a Java that runs Spark and Kafka.

Spark 4.1 is made for 17 and 21. All tests ran on OpenJDK 17; on 25 Spark starts and counts, but
complains of its own use of Java's internals, so newer ones come last. Spark also needs the module
jdk.incubator.vector, which some cut-down JREs lack.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lakehouse.errors import MissingToolError

OLDEST = 17
_PREFERRED = (17, 21)
_FOLDERS = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*",
    "/usr/local/opt/openjdk*",
)
_VERSION = re.compile(r'version "((\d+)[^"]*)"')
_HINT = (
    "Install OpenJDK 17: `apt-get install openjdk-17-jre-headless`, `dnf install "
    "java-17-openjdk-headless` or `brew install openjdk@17`; or point JAVA_HOME at one."
)


@dataclass(frozen=True)
class Java:
    """A Java installation: `home` for JAVA_HOME, `version` as it tells it, `major` of that."""

    home: Path
    version: str
    major: int

    @property
    def binary(self) -> Path:
        """The `java` command."""
        return self.home / "bin" / "java"


def find(environ: Mapping[str, str] | None = None, folders: tuple[str, ...] = _FOLDERS) -> Java:
    """The best Java there is: 17 or 21, JAVA_HOME's first; MissingToolError if there is none.

    A newer one is taken only where nothing else is found, even if JAVA_HOME names it. `folders`
    are glob patterns of Java homes to look into besides JAVA_HOME and PATH.
    """
    environ = os.environ if environ is None else environ
    found = [java for home in _homes(environ, folders) if (java := _examine(home))]
    fit = [java for java in found if java.major >= OLDEST]
    if not fit:
        raise MissingToolError(_complaint(found), _HINT)
    chosen = environ.get("JAVA_HOME")
    return min(fit, key=lambda java: _rank(java, Path(chosen).resolve() if chosen else None))


def _rank(java: Java, chosen: Path | None) -> tuple[bool, bool, int]:
    return (java.major not in _PREFERRED, java.home != chosen, java.major)


def _complaint(found: list[Java]) -> str:
    if not found:
        return f"There is no Java {OLDEST} or newer on this machine that can run Spark."
    newest = max(found, key=lambda java: java.major)
    return f"The newest Java here is {newest.version}, but {OLDEST} or newer is needed."


def _homes(environ: Mapping[str, str], folders: tuple[str, ...]) -> list[Path]:
    candidates = list(_candidates(environ, folders))
    return list(dict.fromkeys(home.resolve() for home in candidates if home.is_dir()))


def _candidates(environ: Mapping[str, str], folders: tuple[str, ...]) -> Iterator[Path]:
    if chosen := environ.get("JAVA_HOME"):
        yield Path(chosen)
    if on_path := shutil.which("java", path=environ.get("PATH", "")):
        yield Path(on_path).resolve().parent.parent
    for pattern in folders:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")))


@cache
def _examine(home: Path) -> Java | None:
    # Asking for the module makes a JRE without it fail here, not later inside Spark.
    command = [str(home / "bin" / "java"), "--add-modules", "jdk.incubator.vector", "-version"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(told.stderr + told.stdout)
    if match is None:
        return None
    major = int(match[2])
    return Java(home, match[1], major) if told.returncode == 0 or major < OLDEST else None
