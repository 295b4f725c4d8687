"""The statements that find a layer's hours, symbols and gaps, in DuckDB's SQL.

A block is 64 consecutive ids of one symbol; `bits` says which of them are there. So ten million
trades take 160,000 rows of memory, an id that stands twice is one bit but two rows, and sets are
compared by `&`. (A window over the trades themselves took 1.8 GB for 20 million; this 0.1 GB.)

For a layer called `silver` these are kept, each made from those before it:
`silver_blocks` by hour, `silver_keys` without it, `silver_gaps`, `silver_explained`.
"""

from lakehouse.tables import GAP, SILVER, full_name

_FULL = "18446744073709551615::UBIGINT"
_MOST = 2**63 - 1


def bits(column: str) -> str:
    """The aggregate that sets one bit for each id of a block."""
    return f"bit_or(1::UBIGINT << ({column} & 63)::UBIGINT)"


def _ids(from_id: str, to_id: str) -> str:
    # A hostile id may make a gap wider than a BIGINT can tell.
    return f"least({to_id}::HUGEINT - {from_id} + 1, {_MOST})::BIGINT"


SILVER_BLOCKS = f"""
SELECT exchange, symbol, dt_hour, agg_id >> 6 AS block, count(*) AS n,
       min(agg_id) AS first_id, max(agg_id) AS last_id, {bits("agg_id")} AS bits
FROM {full_name(SILVER)} GROUP BY ALL
"""

# Ids that the exchange itself has not, as ranges that don't overlap. Their records may.
UNREPAIRABLE = f"""
WITH absent AS (
  SELECT exchange, symbol, from_id, to_id, reason, max(to_id) OVER (
    PARTITION BY exchange, symbol ORDER BY from_id, to_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM {full_name(GAP)} WHERE status = 'unrepairable' AND from_id <= to_id
), numbered AS (
  SELECT *, count(*) FILTER (before IS NULL OR from_id > before) OVER (
    PARTITION BY exchange, symbol ORDER BY from_id, to_id) AS island
  FROM absent
)
SELECT exchange, symbol, min(from_id) AS from_id, max(to_id) AS to_id,
       coalesce(string_agg(DISTINCT nullif(reason, ''), '; '), 'unrepairable') AS reason
FROM numbered GROUP BY exchange, symbol, island
"""

# Stands for UNREPAIRABLE where the lake has no table of gaps.
NOTHING_UNREPAIRABLE = """
SELECT '' AS exchange, '' AS symbol, 0::BIGINT AS from_id, 0::BIGINT AS to_id, '' AS reason
WHERE false
"""

OPEN_GAPS = f"""
SELECT exchange, symbol, from_id, to_id, detected_at, coalesce(reason, '') AS reason
FROM {full_name(GAP)} WHERE status = 'open' ORDER BY exchange, symbol, from_id LIMIT $most
"""


def keys(layer: str) -> str:
    """Blocks without the hour, as a key may wrongly stand in two hours."""
    return f"""
SELECT exchange, symbol, block, sum(n) AS n, min(first_id) AS first_id, max(last_id) AS last_id,
       bit_or(bits) AS bits
FROM {layer}_blocks GROUP BY ALL
"""


def gaps(layer: str) -> str:
    """Missing ids as ranges; a gap belongs to the hour of the trade before it.

    Full blocks stay whole and only broken ones are taken apart; a gap is where the next piece
    does not begin right behind the last.
    """
    return f"""
WITH pieces AS (
  SELECT exchange, symbol, block * 64 AS lo, block * 64 + 63 AS hi
  FROM {layer}_keys WHERE bits = {_FULL}
  UNION ALL
  SELECT exchange, symbol, block * 64 + i, block * 64 + i
  FROM {layer}_keys, range(64) AS ids(i) WHERE bits <> {_FULL} AND bits >> i::UBIGINT & 1 = 1
), followed AS (
  SELECT *, lag(hi) OVER (PARTITION BY exchange, symbol ORDER BY lo) AS before FROM pieces
), gaps AS (
  SELECT exchange, symbol, before + 1 AS from_id, lo - 1 AS to_id
  FROM followed WHERE lo > before + 1
)
SELECT gaps.exchange, gaps.symbol, from_id, to_id, min(dt_hour) AS dt_hour
FROM gaps JOIN {layer}_blocks AS there
  ON there.exchange = gaps.exchange AND there.symbol = gaps.symbol
  AND there.block = (from_id - 1) >> 6 AND there.bits >> ((from_id - 1) & 63)::UBIGINT & 1 = 1
GROUP BY ALL
"""


def explained(layer: str) -> str:
    """What of the gaps the exchange itself has not; `gap_from` names the gap."""
    return f"""
SELECT gaps.exchange, gaps.symbol, gaps.dt_hour, gaps.from_id AS gap_from,
       greatest(gaps.from_id, absent.from_id) AS from_id,
       least(gaps.to_id, absent.to_id) AS to_id, absent.reason
FROM {layer}_gaps AS gaps JOIN unrepairable AS absent
  ON absent.exchange = gaps.exchange AND absent.symbol = gaps.symbol
  AND absent.from_id <= gaps.to_id AND absent.to_id >= gaps.from_id
"""


def hours(layer: str) -> str:
    """One row for each Hour."""
    return f"""
WITH hours AS (
  SELECT exchange, symbol, dt_hour, min(first_id) AS first_id, max(last_id) AS last_id,
         sum(n) AS trades, sum(n) - sum(bit_count(bits)) AS duplicates
  FROM {layer}_blocks GROUP BY ALL
), {_sums(layer, "dt_hour")}
SELECT hours.exchange, hours.symbol, hours.dt_hour AS hour, first_id, last_id,
       trades::BIGINT AS trades, coalesce(missing, 0) AS missing,
       duplicates::BIGINT AS duplicates, coalesce(unrepairable, 0) AS unrepairable
FROM hours
{_joined("hours", "holes")} AND holes.dt_hour IS NOT DISTINCT FROM hours.dt_hour
{_joined("hours", "absent")} AND absent.dt_hour IS NOT DISTINCT FROM hours.dt_hour
ORDER BY ALL
"""


def symbols(layer: str) -> str:
    """One row for each Symbol."""
    return f"""
WITH symbols AS (
  SELECT exchange, symbol, min(first_id) AS first_id, max(last_id) AS last_id, sum(n) AS trades,
         sum(bit_count(bits)) AS ids
  FROM {layer}_keys GROUP BY ALL
), {_sums(layer, "NULL AS no_hour")}
SELECT symbols.exchange, symbols.symbol, first_id, last_id, trades::BIGINT AS trades,
       coalesce(missing, 0) AS missing, (trades - ids)::BIGINT AS duplicates,
       coalesce(gaps, 0) AS gaps, coalesce(unrepairable, 0) AS unrepairable
FROM symbols {_joined("symbols", "holes")} {_joined("symbols", "absent")} ORDER BY ALL
"""


def first_gaps(layer: str) -> str:
    """One row for each Gap, the first `$most` of them."""
    return f"""
WITH absent AS (
  SELECT exchange, symbol, gap_from, any_value(reason) AS reason,
         sum(to_id - from_id + 1)::BIGINT AS unrepairable
  FROM {layer}_explained GROUP BY ALL
)
SELECT gaps.exchange, gaps.symbol, from_id, to_id, dt_hour AS hour,
       coalesce(unrepairable, 0) AS unrepairable, coalesce(reason, '') AS reason
FROM {layer}_gaps AS gaps
{_joined("gaps", "absent")} AND absent.gap_from = gaps.from_id
ORDER BY gaps.exchange, gaps.symbol, from_id LIMIT $most
"""


def _sums(layer: str, hour: str) -> str:
    missing, absent = _ids("from_id", "to_id"), "to_id - from_id + 1"
    return f"""holes AS (
  SELECT exchange, symbol, {hour}, count(*) AS gaps,
         least(sum({missing}), {_MOST})::BIGINT AS missing
  FROM {layer}_gaps GROUP BY ALL
), absent AS (
  SELECT exchange, symbol, {hour}, sum({absent})::BIGINT AS unrepairable
  FROM {layer}_explained GROUP BY ALL
)"""


def _joined(one: str, other: str) -> str:
    same = f"{other}.exchange = {one}.exchange AND {other}.symbol = {one}.symbol"
    return f"LEFT JOIN {other} ON {same}"
