"""A snapshot as the values that the API answers."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import orjson

from lakehouse.api import models
from lakehouse.api.blocks import Key
from lakehouse.api.columns import MICROS, Row, iso
from lakehouse.api.gaps import Gaps, ids_of
from lakehouse.api.gold import Gold
from lakehouse.api.health import Facts, Layer, judge, minute_ends
from lakehouse.api.instants import MINUTE_MICROS
from lakehouse.api.pulse import Pulse
from lakehouse.api.snapshot import Snapshot

_JOB: Final = ("status", "finished_at", "rows_in", "rows_out", "rows_duplicate", "dq_fail", "error")
_GAP: Final = tuple(name for name in models.Gap.model_fields if name != "ids")
_BATCH: Final = tuple(models.Batch.model_fields)
_MINUTE: Final = tuple(models.Minute.model_fields)


def source(snapshot: Snapshot, facts: Facts, now_micros: int) -> dict[str, Any]:
    """The health of the source; without ages, so that it stays equal while nothing happens."""
    status, reasons = judge(facts, now_micros)
    gold, audit, gaps = snapshot.gold, snapshot.audit, snapshot.gaps
    return {
        "status": status,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in reasons],
        "newest_minute": _minute(facts.newest_minute),
        "gold_committed_at": instant(gold.committed_micros if gold else None),
        "open_gaps": gaps.open,
        "missing_ids": gaps.missing_ids,
        "failed_batches": audit.failed,
        "failed_since": instant(audit.failed_since),
    }


def pulse(snapshot: Snapshot, wanted: Collection[Key], source: Mapping[str, Any]) -> dict[str, Any]:
    """The whole of /v1/pulse as values, for who works on with them."""
    symbols = [orjson.loads(snapshot.items[key]) for key in sorted(wanted)]
    return {"source": source, "symbols": symbols}


def symbol_pulses(snapshot: Snapshot, wanted: Collection[Key]) -> list[orjson.Fragment]:
    """Each wanted symbol's pulse, in the order of their names."""
    return [orjson.Fragment(snapshot.items[key]) for key in sorted(wanted)]


def symbol_pulse(key: Key, row: Row, pulse: Pulse, gaps: Gaps) -> Row:
    """One symbol: Gold's newest row, and what the minutes before say."""
    volumes = pulse.volumes.items()
    return {
        "exchange": key.exchange,
        "symbol": key.symbol,
        "minute": row["minute_ts"],
        "is_final": row["is_final"],
        "minutes_behind": pulse.minutes_behind,
        "updated_at": row["updated_at"],
        "price": row["close"],
        **{f"change_{name}": value for name, value in pulse.changes.items()},
        "vwap_1m": row["vwap_1m"],
        **{f"vwap_{name}": value for name, value in pulse.vwaps.items()},
        "price_ma_30m": row["price_ma_30m"],
        "volume": {
            name: {"total": each.total, "usual": each.usual, "ratio": each.ratio}
            for name, each in volumes
        },
        "quote_volume_24h": pulse.quote_volume_24h,
        "trades_24h": pulse.trades_24h,
        "spike": {
            "status": pulse.spike_status,
            "reasons": row["spike_reasons"] or [],
            "count_24h": pulse.spikes_24h,
            "newest_minute": _minute(pulse.newest_spike),
        },
        "open_gaps": gaps.open_by_symbol.get(key, 0),
        "missing_ids": gaps.missing.get(key, 0),
    }


def health(snapshot: Snapshot, facts: Facts, now_micros: int) -> dict[str, Any]:
    """The whole of /v1/health."""
    newest = facts.newest_minute
    return {
        "source": source(snapshot, facts, now_micros),
        "data_age_seconds": None if newest is None else _age(minute_ends(newest), now_micros),
        "snapshot_age_seconds": _age(facts.checked_micros, now_micros),
        "layers": [_layer(snapshot, layer, now_micros) for layer in snapshot.layers],
        "jobs": [
            {
                "job": name,
                **{field: job.last[field] for field in _JOB},
                "failed_batches": job.failed,
            }
            for name, job in snapshot.audit.jobs.items()
        ],
        "open_gaps_since": snapshot.gaps.open_since,
        "gaps": dict(snapshot.gaps.counts),
    }


def gap(row: Row) -> Row:
    """A row of ops_gap, and how many ids it has; without where in Kafka it came from."""
    return {**{name: row.get(name) for name in _GAP}, "ids": ids_of(row)}


def batch(row: Row) -> Row:
    """A row of ops_audit."""
    return {name: row.get(name) for name in _BATCH}


def minute(row: Row) -> Row:
    """A row of Gold: the columns that the API knows; null where a table has not got one yet."""
    return {name: row.get(name) for name in _MINUTE}


def instant(micros: int | None) -> str | None:
    """ISO 8601 in UTC."""
    return None if micros is None else iso(micros)


def spikes_between(gold: Gold, first: int, last: int) -> Sequence[Row]:
    """The warm rows that are spikes in these minutes, in no order."""
    low, high = _minute(first) or "", _minute(last) or ""
    found = (row for block in gold.blocks for row in block.spikes)
    # Minutes have no fraction, so their texts sort as they do.
    return [row for row in found if low <= str(row["minute_ts"]) <= high]


def _layer(snapshot: Snapshot, layer: Layer, now: int) -> dict[str, Any]:
    job = snapshot.audit.jobs.get(layer.table)
    last = job.last_with_rows if job else None
    at = layer.committed_micros
    return {
        "table": layer.table,
        "rows": layer.rows,
        "committed_at": instant(at),
        "age_seconds": None if at is None else _age(at, now),
        "last_batch_at": last["finished_at"] if last else None,
        "lag_ms": last["max_lag_ms"] if last else None,
        "worst_lag_ms_1h": job.worst_lag_ms_1h if job else None,
    }


def _age(instant: int, now: int) -> float:
    """Seconds, to a tenth; a running minute has not aged."""
    return round(max(0, now - instant) / MICROS, 1)


def _minute(minute: int | None) -> str | None:
    return None if minute is None else iso(minute * MINUTE_MICROS)
