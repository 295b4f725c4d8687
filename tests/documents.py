"""The project's own pages, read for what they name: links, headings, commands, settings, paths."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", flags=re.MULTILINE)


def name_of(path: Path) -> str:
    """The path as people write it: docs/gold.md."""
    return str(path.relative_to(ROOT))


def prose(text: str) -> str:
    """A page without its code blocks."""
    return _FENCE.sub("", text)


def code(text: str) -> list[str]:
    """What a page sets as code: each line of a block, each `span`."""
    blocks = [line for block in _FENCE.findall(text) for line in block.splitlines()[1:-1]]
    return [*blocks, *_SPAN.findall(prose(text))]


def links(text: str) -> list[str]:
    """The targets of a page's links to places inside the project."""
    found = _LINK.findall(prose(text))
    return [target for target in found if not target.startswith(("http://", "https://", "mailto:"))]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    return {_anchor(heading) for heading in _HEADING.findall(prose(text))}


def table_cells(text: str) -> list[list[str]]:
    """The cells of every table row of a page; `code` loses its ticks."""
    rows = [line for line in prose(text).splitlines() if line.startswith("| ")]
    return [[cell.strip().strip("`") for cell in row.strip().strip("|").split("|")] for row in rows]


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")
