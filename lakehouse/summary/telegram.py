"""A message as Telegram's HTML, 4,096 characters at most. Pure."""

import html
from typing import Any, Final

from lakehouse.summary.cutting import cut
from lakehouse.summary.pieces import Pieces

_MOST: Final = 4096
_MOST_WARNING: Final = 1000


def message(pieces: Pieces) -> dict[str, Any]:
    """`{"text", "parse_mode"}`. What doesn't fit is left out by whole lines, and counted."""
    rows, texts = pieces.table_lines, [_text(*each) for each in pieces.texts]
    kept_rows, kept_texts = len(rows), len(texts)
    while len(found := _joined(pieces, rows[:kept_rows], texts[:kept_texts])) > _MOST:
        # Words go first: the table holds all figures.
        if kept_texts:
            kept_texts -= 1
        else:
            kept_rows -= 1
    return {"text": found, "parse_mode": "HTML"}


def _joined(pieces: Pieces, rows: list[str], texts: list[str]) -> str:
    table = "<pre>" + "\n".join(_escaped(row) for row in rows) + "</pre>"
    warning = [f"<b>{_cut(pieces.warning)}</b>", ""] if pieces.warning else []
    lost = max(len(pieces.texts) - len(texts), len(pieces.table_lines) - len(rows))
    more = [f"{lost} more do not fit into this message."] if lost else []
    title = f"<b>{_cut(pieces.title)}</b>"
    footer = [f"<i>{_cut(line)}</i>" for line in pieces.footer]
    return "\n".join([*warning, title, table, *texts, *more, "", *footer])


def _text(mark: str, text: str) -> str:
    return f"<b>{_escaped(mark)}</b> {_escaped(text)}"


def _cut(text: str) -> str:
    """Cut before it is escaped, so that no entity is cut through."""
    return _escaped(cut(text, _MOST_WARNING // 2))


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
