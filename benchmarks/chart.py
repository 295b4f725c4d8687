"""A soak as a picture: one band a figure, over time. Plain SVG text, no library. Pure."""

from collections.abc import Sequence
from math import isnan
from typing import Final, NamedTuple

WIDTH: Final = 860
_BAND: Final = 120
_LEFT: Final = 90
_TOP: Final = 34
_GAP: Final = 34
_STYLE: Final = (
    "text{font:12px sans-serif;fill:#444}.name{font-weight:bold}"
    "polyline{fill:none;stroke:#1764ab;stroke-width:1.4}"
    ".grid{stroke:#ddd}rect{fill:#fff}"
)


class Band(NamedTuple):
    """A figure with its unit and a value for every time (NaN: none)."""

    title: str
    values: Sequence[float]


def draw(title: str, minutes: Sequence[float], bands: Sequence[Band]) -> str:
    """The SVG: every band from zero to its highest value."""
    height = _TOP + len(bands) * (_BAND + _GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{title}</title><style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}"/>',
        f'<text class="name" x="10" y="20">{title}</text>',
    ]
    for row, band in enumerate(bands):
        parts += _band(_TOP + 14 + row * (_BAND + _GAP), minutes, band)
    return "\n".join([*parts, "</svg>", ""])


def _band(top: int, minutes: Sequence[float], band: Band) -> list[str]:
    most = max((value for value in band.values if not isnan(value)), default=0) or 1.0
    bottom, right = top + _BAND, WIDTH - 20
    last = minutes[-1] or 1.0
    points = " ".join(
        f"{_LEFT + at / last * (right - _LEFT):.1f},{bottom - value / most * _BAND:.1f}"
        for at, value in zip(minutes, band.values, strict=True)
        if not isnan(value)
    )
    return [
        f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>',
        f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{top}" y2="{top}"/>',
        f'<text class="name" x="10" y="{top - 4}">{band.title}</text>',
        f'<text x="10" y="{top + 14}">{most:,.4g}</text><text x="10" y="{bottom}">0</text>',
        f'<text x="{right}" y="{bottom + 14}" text-anchor="end">{last:.1f} min</text>',
        f'<polyline points="{points}"/>',
    ]
