-- fail: bronze_record_once
-- A Kafka record is one row.
-- do: `firehose verify --kafka` shows the extent; a second writer or a new checkpoint made them.
SELECT kafka_topic, kafka_partition, kafka_offset, count(*) AS rows
FROM lake.market.crypto_bronze_aggtrade
WHERE kafka_timestamp >= $since
GROUP BY ALL HAVING count(*) > 1
ORDER BY ALL;

-- fail: bronze_times_agree
-- event_ts is trade_time, dt_hour its hour, ingest_ts is ingest_time.
-- do: the job that wrote these rows has an error; their hour, and all that reads it, is wrong.
SELECT kafka_topic, kafka_partition, kafka_offset, trade_time, event_ts, dt_hour, ingest_time,
       ingest_ts
FROM lake.market.crypto_bronze_aggtrade
WHERE kafka_timestamp >= $since AND (
  epoch_us(event_ts) <> trade_time
  OR dt_hour IS DISTINCT FROM date_trunc('hour', event_ts)
  OR epoch_us(ingest_ts) <> ingest_time
  -- Only what no clock that matters reads stays without a timestamp: before 1970, after 2200.
  OR (event_ts IS NULL AND trade_time BETWEEN 0 AND 7258118400000000)
);

-- fail: bronze_raw_kept
-- What could not be read has its bytes in raw.
-- do: Kafka still has the record for KAFKA_RETENTION_HOURS: keep it before it is gone.
SELECT kafka_topic, kafka_partition, kafka_offset, exchange, symbol, agg_id
FROM lake.market.crypto_bronze_aggtrade
WHERE kafka_timestamp >= $since AND raw IS NULL AND (
  exchange IS NULL OR symbol IS NULL OR agg_id IS NULL OR price IS NULL OR qty IS NULL
  OR first_trade_id IS NULL OR last_trade_id IS NULL OR trade_time IS NULL OR event_time IS NULL
  OR is_buyer_maker IS NULL OR ingest_time IS NULL OR source IS NULL OR schema_version IS NULL
);

-- warn: bronze_offsets_unbroken
-- No offset of Kafka is missing between two that are there.
-- do: `firehose verify --kafka` tells whether Kafka has them; transactions leave such holes, too.
WITH bounds AS (  -- what came before, retention may have taken away
  SELECT before, greatest($since, before + INTERVAL 10 MINUTE) AS since FROM bronze_removed
), near AS (
  SELECT kafka_topic, kafka_partition, kafka_offset, kafka_timestamp
  FROM lake.market.crypto_bronze_aggtrade
  WHERE kafka_timestamp >= $since - INTERVAL 10 MINUTE
    AND kafka_timestamp >= (SELECT before FROM bounds)
), lowest AS (  -- timestamps are not quite in the order of the offsets: cut by the offset
  SELECT kafka_topic, kafka_partition, min(kafka_offset) AS from_offset
  FROM near WHERE kafka_timestamp >= (SELECT since FROM bounds) GROUP BY ALL
), blocks AS (
  SELECT kafka_topic, kafka_partition, kafka_offset >> 10 AS block,
         count(DISTINCT kafka_offset) AS n, min(kafka_offset) AS lo, max(kafka_offset) AS hi
  FROM near JOIN lowest USING (kafka_topic, kafka_partition)
  WHERE kafka_offset >= from_offset
  GROUP BY ALL
), followed AS (
  SELECT *, coalesce(lag(hi) OVER (
    PARTITION BY kafka_topic, kafka_partition ORDER BY block) + 1, lo) AS from_offset
  FROM blocks
)
SELECT kafka_topic, kafka_partition, from_offset, hi AS to_offset, hi - from_offset + 1 - n AS missing
FROM followed WHERE hi - from_offset + 1 > n
ORDER BY ALL;

-- warn: bronze_fresh
-- The newest trade reached Kafka within FRESHNESS_SECONDS.
-- do: does the producer run, and is the exchange there? A lake whose run was ended is stale, too.
SELECT max(kafka_timestamp) AS newest,
       date_diff('second', max(kafka_timestamp), $now) AS seconds_ago
FROM lake.market.crypto_bronze_aggtrade
WHERE kafka_timestamp >= $now - INTERVAL 1 DAY
HAVING coalesce(epoch_us($now) - epoch_us(max(kafka_timestamp)) > $freshness_seconds * 1e6, true)
