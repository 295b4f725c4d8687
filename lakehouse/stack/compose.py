"""`docker compose` of this project: is there an engine, and what does the stack publish?"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakehouse.errors import MissingToolError, SettingsError, StackError
from lakehouse.stack.address import Address

FILE: Final = Path(__file__).resolve().parents[2] / "docker-compose.yml"
_ENGINE_SECONDS: Final = 20.0
_HINT: Final = (
    "Install Docker with its Compose plugin (https://docs.docker.com/engine/install), or run the "
    "same parts as processes: `firehose up`."
)


@dataclass(frozen=True)
class Compose:
    """The stack of `file` with these profiles; `env_file` holds its passwords."""

    file: Path
    env_file: Path
    profiles: tuple[str, ...] = ()

    def require_engine(self) -> None:
        """MissingToolError, in one sentence, where containers can't be run here."""
        if shutil.which("docker") is None:
            raise MissingToolError("Docker is not installed here.", _HINT)
        if _fails(["docker", "info"]):
            raise MissingToolError("No Docker engine answers here.", _HINT)
        if _fails(["docker", "compose", "version"]):
            raise MissingToolError("Docker has no Compose plugin here.", _HINT)
        if not self.file.is_file():
            raise SettingsError(f"There is no {self.file}.", "Run it from a clone of the project.")

    def run(self, *words: str) -> None:
        """`docker compose WORDS`, shown as it goes; StackError where it fails."""
        code = subprocess.run(self.command(*words), check=False).returncode
        if code:
            raise StackError(
                f"docker compose {words[0]} ended with code {code}.",
                "`make logs` shows what the parts say; docs/compose.md has more.",
            )

    def addresses(self) -> list[Address]:
        """What the stack publishes, as its labels say."""
        words = self.command("config", "--format", "json")
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        if done.returncode:
            raise StackError("docker-compose.yml can't be used.", done.stderr.strip())
        return list(labelled(json.loads(done.stdout)))

    def command(self, *words: str) -> list[str]:
        """The whole command line."""
        given = ["--env-file", str(self.env_file), "--file", str(self.file)]
        chosen = [word for name in self.profiles for word in ("--profile", name)]
        return ["docker", "compose", *given, *chosen, *words]


def labelled(config: dict[str, Any]) -> Iterator[Address]:
    """The addresses in what `docker compose config --format json` gives, in the file's order."""
    for name, service in config["services"].items():
        labels = service.get("labels") or {}
        if "firehose.url" in labels:
            yield Address(name, labels["firehose.url"], labels["firehose.what"])


def _fails(words: Sequence[str]) -> bool:
    try:
        done = subprocess.run(words, check=False, capture_output=True, timeout=_ENGINE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return True
    return done.returncode != 0
