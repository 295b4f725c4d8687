"""A spike as a Jira issue: a summary line and a description in Atlassian Document Format. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from lakehouse.summary.cutting import cut
from lakehouse.summary.pieces import Pieces
from lakehouse.summary.tables import Row

_MOST_SUMMARY: Final = 255
Node = dict[str, Any]


def issue(pieces: Pieces) -> dict[str, Any]:
    """`{"summary", "description"}`; project and issue type are the sender's."""
    lines = [pieces.warning] if pieces.warning else []
    texts = [f"{mark} {text}" for mark, text in pieces.texts]
    content = [
        *(_paragraph(line) for line in [*lines, *texts]),
        _table(pieces.rows),
        *(_paragraph(line) for line in pieces.footer),
    ]
    description = {"type": "doc", "version": 1, "content": content}
    summary = f"{pieces.flag} {pieces.title}".strip()
    return {"summary": cut(summary, _MOST_SUMMARY), "description": description}


def _paragraph(text: str) -> Node:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}


def _table(rows: Sequence[Row]) -> Node:
    head, *body = rows
    made = [_row(head, "tableHeader"), *(_row(row, "tableCell") for row in body)]
    return {"type": "table", "content": made}


def _row(cells: Row, kind: str) -> Node:
    return {
        "type": "tableRow",
        "content": [{"type": kind, "content": [_paragraph(cell)]} for cell in cells],
    }
