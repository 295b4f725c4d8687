"""What `firehose quarantine` asks the lake, and how it is put into words. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lakehouse.quarantine import Released
from lakehouse.raw_view import printable, shown
from lakehouse.rules import MEANING
from lakehouse.tables import QUARANTINE, full_name
from lakehouse.values import plain, text

ALL_ROWS: Final = 2**62
_RAW_BYTES: Final = 1000
_READ: Final = ("exchange", "symbol", "agg_id", "price", "qty", "event_ts", "ingest_ts")

_NAMED: Final = f"""
WITH named AS (
  SELECT kafka_topic, kafka_partition, kafka_offset, symbol, quarantined_at, released_at,
         unnest(reasons) AS reason, date_trunc('hour', quarantined_at) AS hour
  FROM {full_name(QUARANTINE)} WHERE {{where}}
), wanted AS (
  FROM named WHERE len($rules::VARCHAR[]) = 0 OR list_contains($rules::VARCHAR[], reason)
)
"""
GROUPS: Final = f"""
{_NAMED}
SELECT reason, symbol, hour, count(*) AS records, count(released_at) AS released,
       min(quarantined_at) AS first_at, max(quarantined_at) AS last_at
FROM wanted GROUP BY reason, symbol, hour
ORDER BY hour DESC, records DESC, reason, symbol NULLS LAST LIMIT $limit OFFSET $skip
"""
TOTALS: Final = f"""
{_NAMED}
SELECT count(DISTINCT (reason, symbol, hour)) AS groups,
       count(DISTINCT (kafka_topic, kafka_partition, kafka_offset)) AS records
FROM wanted
"""
RECORDS: Final = f"""
SELECT kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, quarantined_at, released_at,
       reasons, exchange, symbol, agg_id, price, qty, event_ts, ingest_ts, raw,
       TRY(decode(raw)) AS raw_text
FROM {full_name(QUARANTINE)} WHERE {{where}}
ORDER BY quarantined_at DESC, kafka_topic, kafka_partition, kafka_offset LIMIT $limit OFFSET $skip
"""


def page_in_words(total: Mapping[str, int], limit: int, skip: int) -> str:
    """How many records there are, and how to see the groups that are not on this page."""
    groups = total["groups"]
    if not groups:
        return "Nothing in quarantine matches."
    told = f"{_count(total['records'], 'record')} in {_count(groups, 'group')}."
    left = groups - skip - limit if limit else 0
    return told + (f" {left:,} more groups: --skip {skip + limit}." if left > 0 else "")


def records_in_words(count: int, limit: int, skip: int) -> str:
    """What stands under the records of one page."""
    if not count:
        return "Nothing (more) in quarantine matches."
    if limit and count == limit:
        return f"There may be more: --skip {skip + limit}, or --limit 0 for all."
    return f"{_count(count, 'record')}."


def record_in_words(row: Mapping[str, Any], whole: bool) -> str:
    """One record over several lines; nothing in it can harm a terminal."""
    return "\n".join(printable(line) for line in _lines(row, whole)) + "\n"


def outcome_in_words(found: Released) -> str:
    """What a release did, or would do."""
    if not found.selected:
        return "Nothing in quarantine matches."
    return "\n".join(_outcome_lines(found))


def _lines(row: Mapping[str, Any], whole: bool) -> Iterator[str]:
    place = f"{row['kafka_topic']}, partition {row['kafka_partition']}"
    yield f"{place}, offset {row['kafka_offset']}, written {_cell(row['kafka_timestamp'])}"
    freed = row["released_at"]
    state = f"released {_cell(freed)}" if freed else "not released"
    yield f"  set aside {_cell(row['quarantined_at'])}, {state}"
    for name in row["reasons"] or ():
        yield f"  {name}: {MEANING.get(name, 'a rule of another version')}"
    read = [f"{name} {_cell(row[name])}" for name in _READ if row[name] is not None]
    yield f"  could be read: {', '.join(read) or 'nothing'}"
    raw = shown(row["raw"] or b"", None if whole else _RAW_BYTES)
    yield "  value of " + raw.replace("\n", "\n    ")


def _outcome_lines(found: Released) -> Iterator[str]:
    would = "" if found.done else "would "
    yield f"{_count(found.selected, 'record')} of quarantine chosen."
    if found.fresh or found.known:
        verb = "went" if found.done else "go"
        yield (
            f"  {found.fresh + found.known:,} {would}keep every rule now: {found.fresh:,} "
            f"{would}{verb} to Silver, {found.known:,} are there already."
        )
    if found.failing:
        rules = ", ".join(f"{name} {count:,}" for name, count in found.failing_by_rule.items())
        yield f"  {found.failing:,} {would}still break a rule and stay: {rules}."
    if found.of_gaps:
        yield (
            f"  {found.of_gaps:,} are messages of the gap topic, no trades, and can't be released "
            "this way (docs/quality.md)."
        )
    if not found.done:
        yield "Nothing has been changed. --yes does it."


def _cell(value: object) -> str:
    return text(plain(value))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
