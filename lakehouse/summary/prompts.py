"""The prompts: files under `n8n/prompts`, one a kind, each with its version in its front matter.

    ---
    kind: pulse
    version: 1
    ---
    # System … # User … # Retry …

The version travels with the brief and the record, so that a message can be traced to its words.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from lakehouse.errors import SettingsError

# Beside the package, in a checkout as in a wheel (pyproject.toml puts it there).
PROMPTS: Final = Path(__file__).resolve().parents[2] / "n8n" / "prompts"
_FRONT: Final = re.compile(r"---\nkind: (\w+)\nversion: (\d+)\n---\n")
_SECTION: Final = re.compile(r"^# (\w+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """`version` is `pulse-1`. `user` holds `{facts}` and `retry` `{complaints}`, once each."""

    version: str
    system: str
    user: str
    retry: str


@cache
def prompt(kind: str) -> Prompt:
    """The prompt of a kind of summary, read once. SettingsError where its file is not as above."""
    path = PROMPTS / f"{kind}.md"
    try:
        return parse(kind, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"There is no prompt {path}.", "Reinstall the project.") from None
    except ValueError as error:
        raise SettingsError(f"The prompt {path} can't be used: {error}.", "Mend it.") from None


def parse(kind: str, text: str) -> Prompt:
    """A prompt file's text; ValueError says what is wrong with it."""
    front = _FRONT.match(text)
    if front is None or front[1] != kind:
        raise ValueError(f"it must begin with ---, kind: {kind}, version: a number, ---")
    _, *parts = _SECTION.split(text[front.end() :])
    sections = {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}
    if list(sections) != ["System", "User", "Retry"]:
        raise ValueError("it must have the sections # System, # User and # Retry")
    if sections["User"].count("{facts}") != 1 or sections["Retry"].count("{complaints}") != 1:
        raise ValueError("{facts} must stand in # User and {complaints} in # Retry, once each")
    version = f"{kind}-{front[2]}"
    return Prompt(version, sections["System"], sections["User"], sections["Retry"])
