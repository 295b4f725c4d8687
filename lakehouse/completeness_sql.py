"""The statements of the completeness proof, in DuckDB's SQL, in the order they are run.

A block is 64 consecutive ids of one symbol; `bits` says which of them are there. So ten million
trades take 160,000 rows of memory, an id that stands twice is one bit but two rows, and sets are
compared by `&`. (A window over the trades themselves took 1.8 GB for 20 million; this 0.1 GB.)
"""

from lakehouse.tables import BRONZE, QUARANTINE, SILVER, full_name

_FULL = "18446744073709551615::UBIGINT"


def _bits(column: str) -> str:
    return f"bit_or(1::UBIGINT << ({column} & 63)::UBIGINT)"


SILVER_BLOCKS = f"""
SELECT exchange, symbol, dt_hour, agg_id >> 6 AS block, count(*) AS n,
       min(agg_id) AS first_id, max(agg_id) AS last_id, {_bits("agg_id")} AS bits
FROM {full_name(SILVER)} GROUP BY ALL
"""

# Blocks without the hour, as a key may wrongly stand in two hours.
KEY_BLOCKS = """
SELECT exchange, symbol, block, sum(n) AS n, min(first_id) AS first_id, max(last_id) AS last_id,
       bit_or(bits) AS bits
FROM silver_blocks GROUP BY ALL
"""

# Full blocks stay whole and only broken ones are taken apart; a gap is where the next piece does
# not begin right behind the last. A gap belongs to the hour of the trade before it.
GAPS = f"""
WITH pieces AS (
  SELECT exchange, symbol, block * 64 AS lo, block * 64 + 63 AS hi
  FROM key_blocks WHERE bits = {_FULL}
  UNION ALL
  SELECT exchange, symbol, block * 64 + i, block * 64 + i
  FROM key_blocks, range(64) AS ids(i) WHERE bits <> {_FULL} AND bits >> i::UBIGINT & 1 = 1
), followed AS (
  SELECT *, lag(hi) OVER (PARTITION BY exchange, symbol ORDER BY lo) AS before FROM pieces
), gaps AS (
  SELECT exchange, symbol, before + 1 AS from_id, lo - 1 AS to_id
  FROM followed WHERE lo > before + 1
)
SELECT gaps.exchange, gaps.symbol, from_id, to_id, min(dt_hour) AS dt_hour
FROM gaps JOIN silver_blocks AS there
  ON there.exchange = gaps.exchange AND there.symbol = gaps.symbol
  AND there.block = (from_id - 1) >> 6 AND there.bits >> ((from_id - 1) & 63)::UBIGINT & 1 = 1
GROUP BY ALL
"""

HOURS = """
WITH holes AS (
  SELECT exchange, symbol, dt_hour, sum(to_id - from_id + 1) AS missing FROM gaps GROUP BY ALL
), hours AS (
  SELECT exchange, symbol, dt_hour, min(first_id) AS first_id, max(last_id) AS last_id,
         sum(n) AS trades, sum(n) - sum(bit_count(bits)) AS duplicates
  FROM silver_blocks GROUP BY ALL
)
SELECT exchange, symbol, dt_hour AS hour, first_id, last_id, trades::BIGINT AS trades,
       coalesce(missing, 0)::BIGINT AS missing, duplicates::BIGINT AS duplicates
FROM hours LEFT JOIN holes USING (exchange, symbol, dt_hour) ORDER BY ALL
"""

SYMBOLS = """
WITH holes AS (SELECT exchange, symbol, count(*) AS gaps FROM gaps GROUP BY ALL)
SELECT exchange, symbol, min(first_id) AS first_id, max(last_id) AS last_id,
       sum(n)::BIGINT AS trades,
       (max(last_id) - min(first_id) + 1 - sum(bit_count(bits)))::BIGINT AS missing,
       (sum(n) - sum(bit_count(bits)))::BIGINT AS duplicates,
       coalesce(any_value(gaps), 0) AS gaps
FROM key_blocks LEFT JOIN holes USING (exchange, symbol) GROUP BY exchange, symbol ORDER BY ALL
"""

FIRST_GAPS = """
SELECT exchange, symbol, from_id, to_id, dt_hour AS hour FROM gaps
ORDER BY exchange, symbol, from_id LIMIT $most
"""

BRONZE_BLOCKS = f"""
SELECT exchange, symbol, agg_id >> 6 AS block, {_bits("agg_id")} AS bits
FROM {full_name(BRONZE)}
WHERE exchange IS NOT NULL AND symbol IS NOT NULL AND agg_id IS NOT NULL GROUP BY ALL
"""

RECORDS = f"""
WITH blocks AS (
  SELECT kafka_topic, kafka_partition, kafka_offset >> 6 AS block, count(*) AS n,
         {_bits("kafka_offset")} AS bits
  FROM {full_name(BRONZE)} GROUP BY ALL
)
SELECT coalesce(sum(n), 0)::BIGINT AS records,
       coalesce(sum(n) - sum(bit_count(bits)), 0)::BIGINT AS repeated,
       (SELECT coalesce(sum(bit_count(bits)), 0)::BIGINT FROM bronze_blocks) AS keys
FROM blocks
"""

UNSETTLED = """
WITH left_over AS (
  SELECT bronze.exchange, bronze.symbol, bronze.block,
         bronze.bits & ~coalesce(silver.bits, 0::UBIGINT) AS bits
  FROM bronze_blocks AS bronze LEFT JOIN key_blocks AS silver USING (exchange, symbol, block)
)
SELECT exchange, symbol, block * 64 + i AS agg_id
FROM left_over, range(64) AS ids(i) WHERE bits >> i::UBIGINT & 1 = 1
"""

HELD = f"""
SELECT kafka_topic, kafka_partition, kafka_offset, exchange, symbol, agg_id,
       released_at IS NOT NULL AS released
FROM {full_name(QUARANTINE)}
"""

# Stands for HELD where the lake has no quarantine yet.
NOTHING_HELD = f"""
SELECT kafka_topic, kafka_partition, kafka_offset, exchange, symbol, agg_id, false AS released
FROM {full_name(BRONZE)} WHERE false
"""

# Every record of a key that is not in Silver must be in quarantine itself; a released one must
# be in Silver by now, or back in quarantine under its key. A record without a key can only be
# known by its offset.
LOST = f"""
WITH open_records AS (
  SELECT bronze.* FROM {full_name(BRONZE)} AS bronze
  SEMI JOIN unsettled USING (exchange, symbol, agg_id)
  UNION ALL
  SELECT * FROM {full_name(BRONZE)}
  WHERE exchange IS NULL OR symbol IS NULL OR agg_id IS NULL
), judged AS (
  SELECT *, exchange IS NOT NULL AND symbol IS NOT NULL AND agg_id IS NOT NULL AS has_key
  FROM open_records
)
SELECT kafka_topic, kafka_partition, kafka_offset, exchange, symbol, agg_id, kafka_timestamp
FROM judged AS record
WHERE NOT EXISTS (
  FROM held WHERE held.kafka_topic = record.kafka_topic
    AND held.kafka_partition = record.kafka_partition AND held.kafka_offset = record.kafka_offset
    AND (NOT held.released OR NOT record.has_key)
) AND NOT EXISTS (
  FROM held AS again JOIN held AS freed
    ON again.exchange = freed.exchange AND again.symbol = freed.symbol
    AND again.agg_id = freed.agg_id AND freed.released AND NOT again.released
  WHERE freed.kafka_topic = record.kafka_topic
    AND freed.kafka_partition = record.kafka_partition AND freed.kafka_offset = record.kafka_offset
)
"""

LOST_COUNTS = """
SELECT count(*) FILTER (kafka_timestamp < $settled_before OR kafka_timestamp IS NULL) AS lost,
       count(*) FILTER (kafka_timestamp >= $settled_before) AS waiting
FROM lost
"""

FIRST_LOST = """
SELECT kafka_topic, kafka_partition, kafka_offset, exchange, symbol, agg_id FROM lost
WHERE kafka_timestamp < $settled_before OR kafka_timestamp IS NULL
ORDER BY kafka_topic, kafka_partition, kafka_offset LIMIT $most
"""
