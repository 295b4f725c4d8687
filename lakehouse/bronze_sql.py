"""The statements that hold Bronze against Silver and quarantine, in DuckDB's SQL, in order."""

from lakehouse.completeness_sql import bits
from lakehouse.tables import BRONZE, QUARANTINE, full_name

# Records that were set aside and whose id lies outside what Silver holds of their symbol: a wrong
# id must not widen the range in which ids are demanded.
STRAYS = """
WITH bounds AS (
  SELECT exchange, symbol, min(first_id) AS lo, max(last_id) AS hi FROM silver_keys GROUP BY ALL
)
SELECT DISTINCT kafka_topic, kafka_partition, kafka_offset, true AS stray
FROM held LEFT JOIN bounds USING (exchange, symbol)
WHERE NOT coalesce(agg_id BETWEEN lo AND hi, false)
"""

BRONZE_RECORDS = f"""
SELECT exchange, symbol, dt_hour, agg_id >> 6 AS block, coalesce(stray, false) AS stray,
       count(*) AS n, min(agg_id) AS first_id, max(agg_id) AS last_id, {bits("agg_id")} AS bits
FROM {full_name(BRONZE)} LEFT JOIN strays USING (kafka_topic, kafka_partition, kafka_offset)
WHERE exchange IS NOT NULL AND symbol IS NOT NULL AND agg_id IS NOT NULL GROUP BY ALL
"""

# The keys of the hours that retention took away, as far as Bronze has them nowhere: they stood
# there, as Silver has them, or quarantine.
VOUCHED = f"""
WITH once AS (
  SELECT exchange, symbol, dt_hour, block, first_id, last_id, bits
  FROM silver_blocks WHERE dt_hour < (SELECT before FROM bronze_removed)
  UNION ALL
  SELECT exchange, symbol, date_trunc('hour', event_ts), agg_id >> 6, min(agg_id), max(agg_id),
         {bits("agg_id")}
  FROM held ANTI JOIN strays USING (kafka_topic, kafka_partition, kafka_offset)
  WHERE NOT released AND event_ts < (SELECT before FROM bronze_removed) GROUP BY ALL
), gone AS (
  SELECT once.* REPLACE (once.bits & ~coalesce(recorded.bits, 0::UBIGINT) AS bits)
  FROM once LEFT JOIN recorded USING (exchange, symbol, block)
)
SELECT exchange, symbol, dt_hour, block, bit_count(bits)::BIGINT AS n, first_id, last_id, bits
FROM gone WHERE bits <> 0
"""

BRONZE_BLOCKS = """
SELECT * EXCLUDE (stray) FROM bronze_records WHERE NOT stray
UNION ALL BY NAME FROM vouched
"""

RECORDS = f"""
WITH blocks AS (
  SELECT kafka_topic, kafka_partition, kafka_offset >> 6 AS block, count(*) AS n,
         {bits("kafka_offset")} AS bits
  FROM {full_name(BRONZE)} GROUP BY ALL
)
SELECT coalesce(sum(n), 0)::BIGINT AS records,
       coalesce(sum(n) - sum(bit_count(bits)), 0)::BIGINT AS repeated,
       (SELECT coalesce(sum(bit_count(bits)), 0)::BIGINT FROM recorded) AS keys
FROM blocks
"""

# Every key of Bronze, strays included.
RECORDED = """
SELECT exchange, symbol, block, bit_or(bits) AS bits FROM bronze_records GROUP BY ALL
"""

UNSETTLED = """
WITH left_over AS (
  SELECT bronze.exchange, bronze.symbol, bronze.block,
         bronze.bits & ~coalesce(silver.bits, 0::UBIGINT) AS bits
  FROM recorded AS bronze LEFT JOIN silver_keys AS silver USING (exchange, symbol, block)
)
SELECT exchange, symbol, block * 64 + i AS agg_id
FROM left_over, range(64) AS ids(i) WHERE bits >> i::UBIGINT & 1 = 1
"""

# `astray`: released under a key that Silver has not. The key is what a release could read, which
# may be more than Bronze could when the record came.
HELD = f"""
SELECT kafka_topic, kafka_partition, kafka_offset, held.exchange, held.symbol, agg_id, event_ts,
       released_at IS NOT NULL AS released,
       released AND agg_id >= 0 AND NOT coalesce(bits >> (agg_id & 63)::UBIGINT & 1 = 1, false)
         AS astray
FROM {full_name(QUARANTINE)} AS held LEFT JOIN silver_keys AS silver
  ON released_at IS NOT NULL AND silver.exchange = held.exchange AND silver.symbol = held.symbol
  AND silver.block = agg_id >> 6
"""

# Stands for HELD where the lake has no quarantine yet.
NOTHING_HELD = f"""
SELECT kafka_topic, kafka_partition, kafka_offset, exchange, symbol, agg_id, event_ts,
       false AS released, false AS astray
FROM {full_name(BRONZE)} WHERE false
"""

# Every record of a key that is not in Silver must be in quarantine itself; a released one must
# be in Silver by now, or back in quarantine under its key. A record without a key can only be
# known by its offset, and by the key that its release could read.
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
    AND (NOT held.released OR NOT record.has_key AND NOT coalesce(held.astray, false))
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
