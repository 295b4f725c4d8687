"""The manifest: what a dataset holds, hour by hour, so that anybody can check it. Pure.

docs/manifest.md gives the format and the rules of the hashes for readers in other languages.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from lakehouse.errors import SettingsError

FORMAT: Final = "firehose.manifest.v1"
LINE: Final = "agg_id,price,qty,first_trade_id,last_trade_id,trade_time_us,is_buyer_maker"
_SEALS: Final = ("sha256", "hmac_sha256")


class Missing(Struct, frozen=True):
    """Ids behind trades of this hour that are not there. `unrepairable`: the exchange has none."""

    from_id: int
    to_id: int
    unrepairable: bool
    reason: str = ""


class HourEntry(Struct, frozen=True):
    """One symbol's trades of the hour that begins at `hour` (ISO 8601, UTC)."""

    hour: str
    first_id: int
    last_id: int
    count: int
    duplicates: int
    missing: list[Missing]
    sha256: str


class SymbolEntry(Struct, frozen=True):
    """All trades of a symbol; `sha256` is over its hours' hashes, a line each, oldest first."""

    exchange: str
    symbol: str
    first_id: int
    last_id: int
    count: int
    sha256: str
    hours: list[HourEntry]


class Manifest(Struct, frozen=True):
    """The file. `sha256` seals everything else; `hmac_sha256` does with a key, or is empty."""

    format: str
    created_at: str
    created_by: str
    complete: bool
    faults: list[str]
    line: str
    symbols: list[SymbolEntry]
    sha256: str = ""
    hmac_sha256: str = ""


def symbol_hash(hours: Iterable[HourEntry]) -> str:
    """Hex SHA-256 over the hours' hashes in hex, each with a line feed."""
    return hashlib.sha256("".join(f"{hour.sha256}\n" for hour in hours).encode()).hexdigest()


def sealed(manifest: Manifest, key: bytes) -> bytes:
    """The file's text with its seals filled in; no HMAC where `key` is empty."""
    fields: dict[str, Any] = msgspec.to_builtins(manifest)
    body = canonical(fields)
    fields["sha256"] = hashlib.sha256(body).hexdigest()
    fields["hmac_sha256"] = hmac.digest(key, body, "sha256").hex() if key else ""
    return json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n"


def canonical(fields: dict[str, Any]) -> bytes:
    """What the seals are over: JSON without them, keys sorted, no blanks, UTF-8."""
    body = {name: value for name, value in fields.items() if name not in _SEALS}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read(text: bytes, name: str) -> tuple[Manifest, dict[str, Any]]:
    """A manifest and its raw fields; SettingsError naming the file where it is none."""
    try:
        fields = json.loads(text)
        manifest = msgspec.convert(fields, Manifest)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise SettingsError(f"{name} is no manifest: {error}.", "See docs/manifest.md.") from None
    if manifest.format != FORMAT:
        raise SettingsError(
            f"{name} has the format {manifest.format!r}, not {FORMAT}.",
            "Check it with the version that wrote it.",
        )
    return manifest, fields


def broken_seals(manifest: Manifest, fields: dict[str, Any], key: bytes) -> list[str]:
    """What is wrong with the file itself, in words; its HMAC is looked at where a key is given."""
    body = canonical(fields)
    found = []
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), manifest.sha256):
        found.append("the manifest was changed after it was written: its sha256 does not fit")
    found += [
        f"{symbol.exchange} {symbol.symbol}: the symbol's sha256 is not that of its hours"
        for symbol in manifest.symbols
        if symbol_hash(symbol.hours) != symbol.sha256
    ]
    if key and not manifest.hmac_sha256:
        found.append("MANIFEST_KEY is set and the manifest carries no HMAC")
    elif key:
        wanted = hmac.digest(key, body, "sha256").hex()
        if not hmac.compare_digest(wanted.encode(), manifest.hmac_sha256.encode()):
            found.append("the manifest's HMAC does not fit MANIFEST_KEY")
    return found
