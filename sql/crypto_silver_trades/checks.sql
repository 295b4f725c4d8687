-- fail: silver_key_once
-- Each (exchange, symbol, agg_id) is there once.
-- do: `firehose verify` lists them; `firehose rebuild silver` makes the hours anew from Bronze.
WITH rows AS (
  SELECT exchange, symbol, agg_id FROM lake.market.crypto_silver_trades
  WHERE $full OR dt_hour IN (
    SELECT dt_hour FROM lake.market.crypto_silver_trades WHERE ingest_ts >= $since)
), twice AS (  -- 64 ids are one number, so that the whole table fits into memory
  SELECT exchange, symbol, agg_id >> 6 AS block FROM rows
  GROUP BY ALL HAVING count(*) > bit_count(bit_or(1::UBIGINT << (agg_id & 63)::UBIGINT))
)
SELECT rows.exchange, rows.symbol, agg_id, count(*) AS rows
FROM rows SEMI JOIN twice
  ON twice.exchange = rows.exchange AND twice.symbol = rows.symbol AND block = agg_id >> 6
GROUP BY ALL HAVING count(*) > 1
ORDER BY ALL;

-- fail: silver_quote_qty_exact
-- quote_qty is price x qty to the last digit.
-- do: the job that wrote these rows has an error; `firehose rebuild silver` mends them after it.
SELECT exchange, symbol, agg_id, price, qty, quote_qty
FROM lake.market.crypto_silver_trades
WHERE ingest_ts >= $since AND quote_qty IS DISTINCT FROM TRY((price * qty)::DECIMAL(38, 16));

-- fail: silver_values_right
-- Prices and quantities are positive, ids in their order, nothing is missing.
-- do: a rule of quality (docs/quality.md) was not kept: see which job or command wrote the rows.
SELECT exchange, symbol, agg_id, price, qty, first_trade_id, last_trade_id, event_ts, source
FROM lake.market.crypto_silver_trades
WHERE ingest_ts >= $since AND coalesce(
  agg_id < 0 OR price <= 0 OR qty <= 0 OR first_trade_id > last_trade_id OR exchange = ''
  OR symbol = '' OR is_buyer_maker IS NULL OR event_ts IS NULL OR source IS NULL, true);

-- fail: silver_hour_right
-- dt_hour is the hour of event_ts.
-- do: proofs by hour count these rows wrongly; `firehose rebuild silver` mends them.
SELECT exchange, symbol, agg_id, event_ts, dt_hour
FROM lake.market.crypto_silver_trades
WHERE ingest_ts >= $since AND dt_hour IS DISTINCT FROM date_trunc('hour', event_ts);

-- fail: silver_from_bronze
-- A trade stands in Bronze with the same values.
-- do: somebody else wrote to Silver, or changed it; `firehose rebuild silver` makes it from Bronze.
WITH trades AS (
  SELECT * FROM lake.market.crypto_silver_trades
  -- Of older hours retention took the records away (BRONZE_RETENTION_DAYS).
  WHERE ingest_ts >= $since AND dt_hour >= (SELECT before FROM bronze_removed)
), records AS (
  SELECT exchange, symbol, agg_id, ingest_ts, event_ts, price, qty, is_buyer_maker, first_trade_id,
         last_trade_id
  FROM lake.market.crypto_bronze_aggtrade WHERE ingest_ts >= $since
), left_over AS (  -- nearly all are equal as text, which is six times quicker than as numbers
  SELECT trades.* FROM trades ANTI JOIN records
    ON records.exchange = trades.exchange AND records.symbol = trades.symbol
    AND records.agg_id = trades.agg_id AND records.ingest_ts = trades.ingest_ts
    AND records.event_ts = trades.event_ts
    AND records.price = trades.price::VARCHAR AND records.qty = trades.qty::VARCHAR
    AND records.is_buyer_maker IS NOT DISTINCT FROM trades.is_buyer_maker
    AND records.first_trade_id IS NOT DISTINCT FROM trades.first_trade_id
    AND records.last_trade_id IS NOT DISTINCT FROM trades.last_trade_id
), released AS (  -- read from its bytes, which Bronze need not have understood
  SELECT exchange, symbol, agg_id FROM lake.market.crypto_quarantine WHERE released_at IS NOT NULL
)
SELECT exchange, symbol, agg_id, price, qty, event_ts, ingest_ts
FROM (SELECT * FROM left_over ANTI JOIN released USING (exchange, symbol, agg_id)) AS trades
ANTI JOIN records
  ON records.exchange = trades.exchange AND records.symbol = trades.symbol
  AND records.agg_id = trades.agg_id AND records.ingest_ts = trades.ingest_ts
  AND records.event_ts = trades.event_ts
  AND TRY_CAST(records.price AS DECIMAL(28, 8)) = trades.price
  AND TRY_CAST(records.qty AS DECIMAL(28, 8)) = trades.qty
  AND records.is_buyer_maker IS NOT DISTINCT FROM trades.is_buyer_maker
  AND records.first_trade_id IS NOT DISTINCT FROM trades.first_trade_id
  AND records.last_trade_id IS NOT DISTINCT FROM trades.last_trade_id
ORDER BY ALL;

-- fail: silver_complete
-- What Silver's stream has read of Bronze is in Silver or in quarantine.
-- do: `firehose verify` lists the records; `firehose rebuild silver` brings them.
WITH records AS (
  SELECT kafka_topic, kafka_partition, kafka_offset, exchange, symbol, agg_id, dt_hour
  FROM bronze_read WHERE kafka_timestamp >= $since
), left_over AS (
  SELECT * FROM records ANTI JOIN (
    SELECT exchange, symbol, agg_id FROM lake.market.crypto_silver_trades
    WHERE dt_hour IN (SELECT dt_hour FROM records)
  ) AS same_hour USING (exchange, symbol, agg_id)
), elsewhere AS (  -- the same key with another time: looked for only where something is left over
  SELECT exchange, symbol, agg_id
  FROM lake.market.crypto_silver_trades SEMI JOIN left_over USING (exchange, symbol, agg_id)
)
SELECT kafka_topic, kafka_partition, kafka_offset, exchange, symbol, agg_id
FROM left_over
ANTI JOIN elsewhere USING (exchange, symbol, agg_id)
ANTI JOIN lake.market.crypto_quarantine USING (kafka_topic, kafka_partition, kafka_offset)
ORDER BY ALL;

-- warn: silver_ids_unbroken
-- An id that is missing between two trades is known: as a gap, or in quarantine.
-- do: `firehose verify` lists them and says where they are lost.
WITH blocks AS (
  SELECT exchange, symbol, agg_id >> 6 AS block, min(dt_hour) AS first_hour,
         max(dt_hour) AS last_hour, max(ingest_ts) AS newest,
         bit_or(1::UBIGINT << (agg_id & 63)::UBIGINT) AS bits
  FROM lake.market.crypto_silver_trades
  WHERE $full OR dt_hour IN (
    SELECT dt_hour FROM lake.market.crypto_silver_trades WHERE ingest_ts >= $since)
  GROUP BY ALL
), pieces AS (
  SELECT *, block * 64 AS lo, block * 64 + 63 AS hi FROM blocks
  WHERE bits = 18446744073709551615::UBIGINT
  UNION ALL
  SELECT blocks.*, block * 64 + i AS lo, block * 64 + i AS hi FROM blocks, range(64) AS ids(i)
  WHERE bits <> 18446744073709551615::UBIGINT AND bits >> i::UBIGINT & 1 = 1
), followed AS (
  SELECT *, lag(hi) OVER each AS before, lag(last_hour) OVER each AS hour_before
  FROM pieces WINDOW each AS (PARTITION BY exchange, symbol ORDER BY lo)
), holes AS (
  SELECT exchange, symbol, before + 1 AS from_id, lo - 1 AS to_id, lo - before - 1 AS missing
  FROM followed
  -- A repair may be under way for the newest; and only neighbouring hours are all there.
  WHERE lo > before + 1 AND newest < $now - INTERVAL 2 MINUTE
    AND ($full OR first_hour <= hour_before + INTERVAL 1 HOUR)
), known AS (
  SELECT holes.exchange, holes.symbol, holes.from_id,
         sum(least(holes.to_id, gap.to_id) - greatest(holes.from_id, gap.from_id) + 1) AS ids
  FROM holes JOIN lake.market.ops_gap AS gap
    ON gap.exchange = holes.exchange AND gap.symbol = holes.symbol
    AND gap.from_id <= holes.to_id AND gap.to_id >= holes.from_id
  WHERE gap.status <> 'repaired' OR gap.updated_at > $now - INTERVAL 2 MINUTE
  GROUP BY ALL
), aside AS (
  SELECT holes.exchange, holes.symbol, holes.from_id, count(DISTINCT agg_id) AS ids
  FROM holes JOIN lake.market.crypto_quarantine AS held
    ON held.exchange = holes.exchange AND held.symbol = holes.symbol
    AND held.agg_id BETWEEN holes.from_id AND holes.to_id
  GROUP BY ALL
)
SELECT exchange, symbol, from_id, to_id,
       (missing - coalesce(known.ids, 0) - coalesce(aside.ids, 0))::BIGINT AS unknown
FROM holes
LEFT JOIN known USING (exchange, symbol, from_id)
LEFT JOIN aside USING (exchange, symbol, from_id)
WHERE missing > coalesce(known.ids, 0) + coalesce(aside.ids, 0)
ORDER BY ALL;

-- warn: silver_fresh
-- Silver has read what came to Bronze, all but the last FRESHNESS_SECONDS.
-- do: is its stream running? See the log of Spark and sql/queries/audit_trend.sql.
WITH read AS (
  SELECT kafka_topic, kafka_partition, max(kafka_offset) AS upto
  FROM bronze_read WHERE kafka_timestamp >= $since GROUP BY ALL
)
SELECT kafka_topic, kafka_partition, count(*) AS waiting, min(kafka_timestamp) AS oldest,
       date_diff('second', min(kafka_timestamp), $now) AS seconds_ago
FROM lake.market.crypto_bronze_aggtrade LEFT JOIN read USING (kafka_topic, kafka_partition)
WHERE kafka_timestamp >= $since AND kafka_offset > coalesce(upto, -1)
  AND epoch_us($now) - epoch_us(kafka_timestamp) > $freshness_seconds * 1e6
GROUP BY kafka_topic, kafka_partition
ORDER BY ALL
