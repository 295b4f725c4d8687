"""How a value of the lake looks in JSON and CSV: exact, and the same everywhere. Pure.

Decimals are strings in plain notation, times ISO 8601 in UTC (`2024-08-09T00:00:00Z`, with a
fraction where there is one), binary is base64, lists and structs stay lists and objects.
"""

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

# DuckDB's integers wider than 64 bits (a sum, for example) travel as decimals of scale 0.
_WIDE_INTEGERS = ("HUGEINT", "UHUGEINT")


def plain(value: object, duckdb_type: str = "") -> Json:
    """`value` as JSON can carry it without losing a digit."""
    match value:
        case Decimal():
            return int(value) if duckdb_type in _WIDE_INTEGERS else format(value, "f")
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return _instant(value)
        case date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case list() | tuple():
            return [plain(item) for item in value]
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
    return str(value)


def text(value: Json) -> str:
    """A plain value as one cell of text: JSON for lists and objects, nothing for null."""
    match value:
        case None:
            return ""
        case str():
            return value
    return json.dumps(value, ensure_ascii=False)


def _instant(value: datetime) -> str:
    # A time without zone is left without one: the lake's own columns all have it.
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
