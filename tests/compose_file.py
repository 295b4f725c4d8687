"""docker-compose.yml as the tests read it: merge keys resolved, `${…}` left as they stand."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import TESTS

ROOT: Path = TESTS.parent
TEXT: str = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {
    name
    for name, each in SERVICES.items()
    if re.match("firehose-(python|spark|notebook)", each["image"])
}
ONCE = {name for name, each in SERVICES.items() if str(each["restart"]).startswith("on-failure")}
# Started by hand for one command.
BY_HAND = {"cli"}
# They ask and never write: their key of the lake only reads.
READERS = {"notebook"}
OF_LAKE_KEY = {"S3_ACCESS_KEY", "S3_SECRET_KEY"}
LASTING = set(SERVICES) - ONCE - BY_HAND
PROFILES = sorted({name for each in SERVICES.values() for name in each.get("profiles", [])})


def environment(service: str) -> dict[str, str]:
    """A service's variables, as text."""
    found: dict[str, object] = SERVICES[service].get("environment") or {}
    return {name: str(value) for name, value in found.items()}


def variables() -> dict[str, set[str]]:
    """Each `${NAME…}` of the file → what follows the name: ``:-default``, ``:?message``."""
    found: dict[str, set[str]] = {}
    for name, rest in re.findall(r"\$\{([A-Z0-9_]+)([^}]*)\}", TEXT):
        found.setdefault(name, set()).add(rest)
    return found
