"""The statements that keep which ids each hour of Silver has, as ranges, in DuckDB's SQL. Pure.

What the proof of `firehose verify` (lakehouse/completeness_sql.py) says of an hour, kept up to date
file by file: `ranges` holds the ids of each part (the files of one hour) as closed ranges that
don't touch, `counts` its rows. A complete hour of ten million trades is one range.
"""

from typing import Final

from lakehouse.completeness_sql import bits

_FULL: Final = "18446744073709551615::UBIGINT"
_MOST: Final = 2**63 - 1
_HOUR: Final = "exchange, symbol, dt_hour"
_KEY: Final = "exchange, symbol"
# The ids of a file are read column by column; blocks of 64 take a hundredth of the rows' memory.
COLUMNS: Final = "exchange, symbol, dt_hour, agg_id"

TABLES: Final = f"""
CREATE TABLE ranges (part BIGINT, exchange VARCHAR, symbol VARCHAR, dt_hour TIMESTAMPTZ,
                     lo BIGINT, hi BIGINT);
CREATE TABLE counts (part BIGINT, exchange VARCHAR, symbol VARCHAR, dt_hour TIMESTAMPTZ, n BIGINT);
CREATE TABLE gaps ({_KEY.replace(",", " VARCHAR,")} VARCHAR,
                   from_id BIGINT, to_id BIGINT, status VARCHAR);
"""
FORGET: Final = ("DELETE FROM ranges WHERE part = $part", "DELETE FROM counts WHERE part = $part")


def blocks(source: str) -> str:
    """Rows that come: which ids of each block of 64 are there, and how many rows say so."""
    return f"""
CREATE OR REPLACE TEMP TABLE blocks AS
SELECT {_HOUR}, agg_id >> 6 AS block, count(*) AS n, {bits("agg_id")} AS bits
FROM ({source}) GROUP BY ALL
"""


def melted(source: str, by: str) -> str:
    """Ranges that overlap or touch become one; `source` has `by`, lo and hi."""
    order = f"PARTITION BY {by} ORDER BY lo, hi ROWS BETWEEN UNBOUNDED PRECEDING AND"
    return f"""
WITH followed AS (
  SELECT {by}, lo, hi, max(hi) OVER ({order} 1 PRECEDING)::HUGEINT AS before FROM ({source})
), numbered AS (
  SELECT *, count(*) FILTER (before IS NULL OR lo > before + 1) OVER ({order} CURRENT ROW)
    AS island
  FROM followed
)
SELECT {by}, min(lo) AS lo, max(hi) AS hi FROM numbered GROUP BY {by}, island
"""


_PIECES: Final = f"""
  SELECT {_HOUR}, block * 64 AS lo, block * 64 + 63 AS hi FROM blocks WHERE bits = {_FULL}
  UNION ALL
  SELECT {_HOUR}, block * 64 + i, block * 64 + i FROM blocks, range(64) AS ids(i)
  WHERE bits <> {_FULL} AND bits >> i::UBIGINT & 1 = 1
  UNION ALL
  SELECT {_HOUR}, lo, hi FROM ranges WHERE part = $part
"""
GROWN: Final = f"CREATE OR REPLACE TEMP TABLE grown AS {melted(_PIECES, _HOUR)}"
COUNTED: Final = f"""
CREATE OR REPLACE TEMP TABLE counted AS
SELECT {_HOUR}, sum(n)::BIGINT AS n FROM (
  SELECT {_HOUR}, n FROM blocks UNION ALL SELECT {_HOUR}, n FROM counts WHERE part = $part)
GROUP BY ALL
"""
STORE: Final = (
    f"INSERT INTO ranges SELECT $part, {_HOUR}, lo, hi FROM grown",
    f"INSERT INTO counts SELECT $part, {_HOUR}, n FROM counted",
)

# A gap belongs to the hour of the trade before it: where that stands in two, to the earlier one.
HOLES: Final = f"""
CREATE OR REPLACE TEMP TABLE holes AS
WITH whole AS ({melted("SELECT * FROM ranges", _KEY)}), holes AS (
  SELECT {_KEY}, lag(hi) OVER (PARTITION BY {_KEY} ORDER BY lo) + 1 AS from_id, lo - 1 AS to_id
  FROM whole QUALIFY from_id IS NOT NULL
)
SELECT exchange, symbol, from_id, to_id, min(dt_hour) AS dt_hour
FROM holes JOIN ranges USING (exchange, symbol) WHERE ranges.hi = from_id - 1 GROUP BY ALL
"""


def _ids(column: str) -> str:
    # A hostile id may make a gap wider than a BIGINT can tell.
    return f"least(sum({column}), {_MOST})::BIGINT"


def _explained(name: str, statuses: str) -> str:
    """Ids missing in an hour that gap records of these statuses name, each id once."""
    told = f"""SELECT {_KEY}, from_id AS lo, to_id AS hi FROM gaps
    WHERE status IN ({statuses}) AND from_id <= to_id"""
    ids = "least(to_id, hi)::HUGEINT - greatest(from_id, lo) + 1"
    return f"""{name} AS (
  SELECT {_HOUR}, {_ids(ids)} AS ids FROM holes JOIN ({melted(told, _KEY)}) AS told
  USING ({_KEY}) WHERE lo <= to_id AND hi >= from_id GROUP BY ALL
)"""


def _found(name: str, column: str = "ids") -> str:
    return f"coalesce({name}.{column}, 0)"


def _joined(name: str) -> str:
    return f"LEFT JOIN {name} USING ({_HOUR})"


HOURS: Final = f"""
WITH there AS (
  SELECT {_HOUR}, min(lo) AS first_id, max(hi) AS last_id,
         {_ids("hi::HUGEINT - lo + 1")} AS present
  FROM ({melted("SELECT * FROM ranges", _HOUR)}) GROUP BY ALL
), every AS (
  SELECT {_HOUR}, sum(n)::BIGINT AS n FROM counts GROUP BY ALL
), missing AS (
  SELECT {_HOUR}, {_ids("to_id::HUGEINT - from_id + 1")} AS ids FROM holes GROUP BY ALL
), {_explained("open", "'open'")}, {_explained("unrepairable", "'unrepairable'")},
{_explained("told", "'open', 'unrepairable'")}
SELECT exchange, symbol, epoch_us(dt_hour) AS hour, first_id, last_id,
       present + {_found("missing")}::HUGEINT AS expected, present, {_found("missing")} AS missing,
       {_found("open")} AS open, {_found("unrepairable")} AS unrepairable,
       {_found("missing")} - {_found("told")} AS unexplained, n - present AS duplicates
FROM there JOIN every USING ({_HOUR})
{_joined("missing")} {_joined("open")} {_joined("unrepairable")} {_joined("told")}
ORDER BY exchange, symbol, hour
"""
