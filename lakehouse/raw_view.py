"""Bytes of unknown origin as text that a terminal can show without coming to harm. Pure."""

from typing import Final

_LINE_BYTES: Final = 32
_KEPT: Final = "\n\t"


def printable(text: str) -> str:
    """`text` with whatever a terminal might obey written out: `\\x1b`, `\\u202e`."""
    return "".join(
        char if char.isprintable() or char in _KEPT else char.encode("unicode_escape").decode()
        for char in text
    )


def shown(raw: bytes, most: int | None) -> str:
    """What the bytes are, and they themselves: text where they are UTF-8, hex where not.

    Of more than `most` bytes only so many are shown, and it is said how many there are more.
    """
    if not raw:
        return "empty"
    cut = raw if most is None else raw[:most]
    kind, body = _as_text(raw, cut) or ("hex", _as_hex(cut))
    more = len(raw) - len(cut)
    rest = f"\n… and {more:,} more bytes" if more else ""
    return f"{len(raw):,} bytes, {kind}:\n{body}{rest}"


def _as_text(raw: bytes, cut: bytes) -> tuple[str, str] | None:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return None
    # A cut may go through a character, whose bytes are left to the rest.
    return "text", printable(cut.decode(errors="ignore"))


def _as_hex(raw: bytes) -> str:
    lines = (raw[at : at + _LINE_BYTES] for at in range(0, len(raw), _LINE_BYTES))
    return "\n".join(line.hex(" ") for line in lines)
