"""A manifest written from a proved lake, and a lake held against a manifest."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from lakehouse import trade_hashes
from lakehouse.completeness import Proof
from lakehouse.errors import ResourceError, SettingsError
from lakehouse.id_ranges import IdRanges
from lakehouse.layers import Hour
from lakehouse.manifest import (
    FORMAT,
    LINE,
    HourEntry,
    Manifest,
    Missing,
    SymbolEntry,
    broken_seals,
    read,
    sealed,
    symbol_hash,
)
from lakehouse.query import Lake
from lakehouse.tables import SILVER
from lakehouse.trade_hashes import Extent, Key
from lakehouse.values import plain

_GAPS = "SELECT exchange, symbol, dt_hour, from_id, to_id FROM silver_gaps ORDER BY ALL"
_EXPLAINED = "SELECT exchange, symbol, from_id, to_id, reason FROM silver_explained ORDER BY ALL"


class Difference(NamedTuple):
    """An hour of the lake that is not what the manifest says, and how."""

    exchange: str
    symbol: str
    hour: str
    what: str

    def __str__(self) -> str:
        return f"{self.exchange} {self.symbol} {self.hour}: {self.what}"


@dataclass(frozen=True)
class Check:
    """What came of holding a lake against a manifest.

    `broken`: faults of the file itself; `beyond`: hours of the lake outside what the manifest
    spans, which is no fault, as a lake goes on.
    """

    manifest: Manifest
    broken: tuple[str, ...]
    differences: tuple[Difference, ...]
    beyond: int

    @property
    def holds(self) -> bool:
        """Whether the lake still is what the manifest says."""
        return not self.broken and not self.differences


def make(lake: Lake, proof: Proof, now: datetime) -> Manifest:
    """The manifest of a lake on which `prove` has just run; `now` is aware."""
    found = trade_hashes.hashes(lake, trade_hashes.extents(lake))
    missing = _missing(lake)
    hours: dict[tuple[str, str], list[HourEntry]] = defaultdict(list)
    for hour in proof.hours:
        if hour.hour is not None:
            key = (hour.exchange, hour.symbol, hour.hour)
            hours[key[:2]].append(_entry(hour, missing.get(key, []), found[key]))
    return Manifest(
        format=FORMAT,
        created_at=str(plain(now.replace(microsecond=0))),
        created_by=f"firehose-lakehouse {version('firehose-lakehouse')}",
        complete=proof.complete,
        faults=list(proof.faults),
        line=LINE,
        symbols=[
            SymbolEntry(
                exchange=symbol.exchange,
                symbol=symbol.symbol,
                first_id=symbol.first_id,
                last_id=symbol.last_id,
                count=symbol.trades,
                sha256=symbol_hash(hours[symbol.exchange, symbol.symbol]),
                hours=hours[symbol.exchange, symbol.symbol],
            )
            for symbol in proof.symbols
        ],
    )


def write(manifest: Manifest, path: Path, key: bytes) -> None:
    """Write the sealed manifest, whole or not at all; ResourceError where it can't be."""
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(sealed(manifest, key))
        draft.replace(path)
    except OSError as error:
        raise ResourceError(
            f"The manifest {path} can't be written: {error.strerror}.",
            "Give --manifest a path in a folder that exists.",
        ) from None


def check(lake: Lake, path: Path, key: bytes) -> Check:
    """Hash again the hours that a manifest names and name those that differ.

    SettingsError where the file is no manifest.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.", "Check --check.") from None
    manifest, fields = read(text, str(path))
    there = trade_hashes.extents(lake) if SILVER in lake.tables else []
    spans = {(s.exchange, s.symbol): _span(s) for s in manifest.symbols if s.hours}
    inside = [extent for extent in there if _within(extent, spans)]
    found = trade_hashes.hashes(lake, inside)
    return Check(
        manifest=manifest,
        broken=tuple(broken_seals(manifest, fields, key)),
        differences=tuple(_differences(manifest, inside, found)),
        beyond=len(there) - len(inside),
    )


def _entry(hour: Hour, missing: list[Missing], sha256: str) -> HourEntry:
    counts = (hour.first_id, hour.last_id, hour.trades, hour.duplicates)
    return HourEntry(str(plain(hour.hour)), *counts, missing, sha256)


def _missing(lake: Lake) -> dict[Key, list[Missing]]:
    """All gaps, cut where an explanation begins or ends, by the hour of the trade before."""
    absent: dict[tuple[str, str], IdRanges] = defaultdict(IdRanges)
    reasons: dict[tuple[str, str, int], str] = {}
    for row in lake.rows(_EXPLAINED):
        absent[row["exchange"], row["symbol"]].add(row["from_id"], row["to_id"])
        reasons[row["exchange"], row["symbol"], row["from_id"]] = row["reason"]
    found: dict[Key, list[Missing]] = defaultdict(list)
    for row in lake.rows(_GAPS):
        name, lo, hi = (row["exchange"], row["symbol"]), row["from_id"], row["to_id"]
        known = absent[name]
        pieces = [
            Missing(left, right, True, reasons.get((*name, left), ""))
            for left, right in known.overlapping(lo, hi)
        ]
        pieces += [Missing(left, right, False) for left, right in known.missing_between(lo, hi)]
        found[*name, row["dt_hour"]] += sorted(pieces, key=lambda piece: piece.from_id)
    return found


def _span(symbol: SymbolEntry) -> tuple[str, str]:
    hours = [hour.hour for hour in symbol.hours]
    return min(hours), max(hours)


def _within(extent: Extent, spans: dict[tuple[str, str], tuple[str, str]]) -> bool:
    span = spans.get((extent.exchange, extent.symbol))
    return span is not None and span[0] <= str(plain(extent.hour)) <= span[1]


def _differences(
    manifest: Manifest, there: list[Extent], found: dict[Key, str]
) -> list[Difference]:
    lake = {(e.exchange, e.symbol, str(plain(e.hour))): (e, found[e.key]) for e in there}
    differences = []
    for symbol in manifest.symbols:
        for hour in symbol.hours:
            name = (symbol.exchange, symbol.symbol, hour.hour)
            if what := _compared(hour, lake.pop(name, None)):
                differences.append(Difference(*name, what))
    differences += [Difference(*name, "not in the manifest") for name in lake]
    return differences


def _compared(hour: HourEntry, found: tuple[Extent, str] | None) -> str:
    """How the lake's hour differs from the manifest's; nothing where it does not."""
    if found is None:
        return "not in the lake"
    extent, sha256 = found
    if extent.trades != hour.count:
        return f"{extent.trades:,} trades, {hour.count:,} in the manifest"
    if (extent.first_id, extent.last_id) != (hour.first_id, hour.last_id):
        ids = f"ids {extent.first_id}..{extent.last_id}"
        return f"{ids}, {hour.first_id}..{hour.last_id} in the manifest"
    return "" if sha256 == hour.sha256 else "ids or values differ"
