"""The workflows of n8n/ as data: nodes, connections, what they read."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import TESTS

N8N = TESTS.parent / "n8n"
Node = dict[str, Any]
_TRIGGERS = ("webhook", "scheduleTrigger", "manualTrigger", "errorTrigger")


@dataclass(frozen=True)
class Workflow:
    """One file of n8n/workflows."""

    path: Path
    json: dict[str, Any]

    @property
    def nodes(self) -> list[Node]:
        """The nodes that do something: notes are left out."""
        return [node for node in self.json["nodes"] if kind(node) != "stickyNote"]

    @property
    def triggers(self) -> list[str]:
        return [node["name"] for node in self.nodes if kind(node) in _TRIGGERS]

    def after(self, name: str) -> list[str]:
        """The nodes that a node leads to, by any output."""
        outputs = self.json["connections"].get(name, {}).get("main", [])
        return [link["node"] for output in outputs for link in output]

    def reachable(self) -> set[str]:
        """The nodes that some trigger leads to, itself included."""
        found: set[str] = set()
        waiting = list(self.triggers)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.after(name)
        return found

    def of_kind(self, *kinds: str) -> list[Node]:
        return [node for node in self.nodes if kind(node) in kinds]


def kind(node: Node) -> str:
    """The node's type without n8n's prefix."""
    return str(node["type"]).removeprefix("n8n-nodes-base.")


def workflows() -> list[Workflow]:
    return [Workflow(path, json.loads(path.read_text())) for path in files("workflows")]


def credentials() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in files("credentials")]


def files(folder: str) -> list[Path]:
    return sorted((N8N / folder).glob("*.json"))


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def variables(value: Any) -> set[str]:
    """The names behind `$env` in any text."""
    found: set[str] = set()
    for text in texts(value):
        found |= set(re.findall(r"\$env\.([A-Za-z0-9_]+)", text))
        if re.search(r"\$env\s*\[", text):
            found |= set(re.findall(r"'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'", text))
    return found
