"""Tables of docs/checks.md, made from sql/<table>/checks.sql: `python -m tests.check_docs`."""

from pathlib import Path

from lakehouse import tables
from lakehouse.checks.catalogue import Check, all_checks

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "checks.md"
_BEGIN = "<!-- made by python -m tests.check_docs -->\n"
_END = "<!-- end -->\n"


def render() -> str:
    """The page with its tables as the files have them."""
    page = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return head + _BEGIN + "".join(_section(table) for table in tables.ALL) + _END + tail


def _section(table: str) -> str:
    rows = "".join(_row(check) for check in all_checks() if check.table == table)
    head = "| check | level | what holds where it passes | what to do when it does not |\n"
    return f"\n### {table}\n{head}|---|---|---|---|\n{rows}\n"


def _row(check: Check) -> str:
    meaning = f"{check.meaning} (`--full`)" if check.full_only else check.meaning
    return f"| `{check.name}` | {check.level} | {meaning} | {check.do} |\n"


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
