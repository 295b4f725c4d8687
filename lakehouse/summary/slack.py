"""A message as Slack blocks. Pure.

Words stand in `plain_text`, where Slack knows no mention, link or markup; only the table is
mrkdwn, for its fixed-width font. `text`, which notifications show, is mrkdwn and escaped.
"""

from typing import Any, Final

from lakehouse.mrkdwn import escaped
from lakehouse.summary.cutting import MORE, chunks, cut
from lakehouse.summary.pieces import Pieces

_MOST_HEADER: Final = 150
_MOST_TEXT: Final = 3000
_MOST_BLOCKS: Final = 50
_MOST_NOTIFICATION: Final = 3000
_FENCE: Final = "```"


def message(pieces: Pieces) -> dict[str, Any]:
    """`{"text", "blocks"}` for an incoming webhook."""
    words = [f"{mark} {text}" for mark, text in pieces.texts]
    blocks = [
        *([_section(_plain(pieces.warning, _MOST_TEXT))] if pieces.warning else []),
        {"type": "header", "text": _plain(pieces.title, _MOST_HEADER)},
        *(_section(_mrkdwn(lines)) for lines in chunks(_safe(pieces), _MOST_TEXT - 8)),
        *(_section(_plain("\n".join(each), _MOST_TEXT)) for each in chunks(words, _MOST_TEXT)),
    ]
    kept = blocks[: _MOST_BLOCKS - 1]
    footer = [_plain(line, _MOST_TEXT) for line in pieces.footer][:10]
    shown = "\n".join(part for part in (pieces.warning, pieces.title) if part)
    text = cut(escaped(shown), _MOST_NOTIFICATION)
    return {"text": text, "blocks": [*kept, {"type": "context", "elements": footer}]}


def _safe(pieces: Pieces) -> list[str]:
    """Lines that can't end the fence that they stand in."""
    return [escaped(line).replace("`", "'") for line in pieces.table_lines]


def _section(text: dict[str, Any]) -> dict[str, Any]:
    return {"type": "section", "text": text}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, most) or MORE, "emoji": False}


def _mrkdwn(lines: list[str]) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": "\n".join([_FENCE, *lines, _FENCE])}
