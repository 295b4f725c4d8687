-- fail: gold_key_once
-- Each (exchange, symbol, minute_ts) is there once.
-- do: `firehose rebuild gold` makes the hours anew from Silver.
SELECT exchange, symbol, minute_ts, count(*) AS rows
FROM lake.market.crypto_gold_minute
GROUP BY ALL
HAVING count(*) > 1 AND max(updated_at) >= $since
ORDER BY ALL;

-- fail: gold_prices_ordered
-- low <= open, close <= high, and none is missing.
-- do: `firehose rebuild gold` mends the rows; the job that wrote them has an error.
SELECT exchange, symbol, minute_ts, open, high, low, close
FROM lake.market.crypto_gold_minute
WHERE updated_at >= $since
  AND NOT coalesce(low <= open AND low <= close AND open <= high AND close <= high, false);

-- fail: gold_vwap_within
-- vwap_1m lies between low and high.
-- do: `firehose rebuild gold` mends the rows; the job that wrote them has an error.
SELECT exchange, symbol, minute_ts, low, vwap_1m, high, volume, quote_volume
FROM lake.market.crypto_gold_minute
WHERE updated_at >= $since AND NOT coalesce(vwap_1m BETWEEN low AND high, false);

-- fail: gold_volumes_right
-- The takers bought no more than was traded, and each aggregate holds a trade of the exchange.
-- do: `firehose rebuild gold` mends the rows; the job that wrote them has an error.
SELECT exchange, symbol, minute_ts, trades, exchange_trades, volume, taker_buy_volume, volume_5m
FROM lake.market.crypto_gold_minute
WHERE updated_at >= $since AND NOT coalesce(
  trades > 0 AND exchange_trades >= trades AND volume > 0 AND volume_5m >= volume
  AND taker_buy_volume BETWEEN 0 AND volume, false);

-- fail: gold_equals_silver
-- A minute that Gold has counted is what Silver's trades give, and no minute is missing or made up.
-- do: `firehose rebuild gold --from … --to …` counts the minutes anew.
WITH hours AS (
  SELECT date_trunc('hour', minute_ts) AS hour FROM lake.market.crypto_gold_minute
  WHERE updated_at >= $since
  UNION
  SELECT dt_hour FROM lake.market.crypto_silver_trades WHERE ingest_ts >= $since
), bars AS (
  SELECT exchange, symbol, date_trunc('minute', event_ts) AS minute_ts,
         arg_min(price, agg_id) AS open, max(price) AS high, min(price) AS low,
         arg_max(price, agg_id) AS close, sum(qty)::DECIMAL(38, 8) AS volume,
         sum(quote_qty)::DECIMAL(38, 16) AS quote_volume, count(*) AS trades,
         sum(last_trade_id - first_trade_id + 1)::BIGINT AS exchange_trades,
         sum(CASE WHEN is_buyer_maker THEN 0 ELSE qty END)::DECIMAL(38, 8) AS taker_buy_volume
  FROM lake.market.crypto_silver_trades WHERE dt_hour IN (SELECT hour FROM hours)
  GROUP BY exchange, symbol, date_trunc('minute', event_ts)
), settled AS (  -- what Gold's stream has read; a minute that has grown since is under way
  SELECT exchange, symbol, date_trunc('minute', event_ts) AS minute_ts, count(*) AS trades
  FROM silver_read WHERE dt_hour IN (SELECT hour FROM hours)
  GROUP BY exchange, symbol, date_trunc('minute', event_ts)
), gold AS (
  SELECT exchange, symbol, minute_ts, open, high, low, close, volume, quote_volume, trades,
         exchange_trades, taker_buy_volume
  FROM lake.market.crypto_gold_minute
  WHERE date_trunc('hour', minute_ts) IN (SELECT hour FROM hours)
), wrong AS (
  SELECT exchange, symbol, minute_ts
  FROM (SELECT bars.* FROM bars SEMI JOIN settled USING (exchange, symbol, minute_ts, trades))
    AS counted
  ANTI JOIN gold USING (exchange, symbol, minute_ts, open, high, low, close, volume, quote_volume,
                        trades, exchange_trades, taker_buy_volume)
  UNION
  SELECT exchange, symbol, minute_ts
  FROM gold ANTI JOIN bars USING (exchange, symbol, minute_ts)
)
SELECT exchange, symbol, minute_ts, gold.trades, bars.trades AS silver_trades, gold.volume,
       bars.volume AS silver_volume, gold.close, bars.close AS silver_close
FROM wrong
LEFT JOIN gold USING (exchange, symbol, minute_ts)
LEFT JOIN bars USING (exchange, symbol, minute_ts)
ORDER BY exchange, symbol, minute_ts;

-- warn: gold_minutes_final
-- A minute that the watermark has passed is final.
-- do: it becomes so with the next trade; if not, `firehose rebuild gold` mends it.
SELECT exchange, symbol, minute_ts, updated_at
FROM lake.market.crypto_gold_minute
WHERE NOT is_final AND minute_ts < (
  SELECT max(minute_ts) FROM lake.market.crypto_gold_minute
) - to_minutes($watermark_minutes)
ORDER BY minute_ts, exchange, symbol;

-- warn: gold_fresh
-- Gold has counted what came to Silver, all but the last FRESHNESS_SECONDS.
-- do: is its stream running? See the log of Spark and sql/queries/audit_trend.sql.
WITH there AS (
  SELECT exchange, symbol, date_trunc('minute', event_ts) AS minute_ts, count(*) AS trades,
         min(ingest_ts) AS oldest
  FROM lake.market.crypto_silver_trades
  WHERE ingest_ts >= $since
    AND epoch_us($now) - epoch_us(ingest_ts) > $freshness_seconds * 1e6
  GROUP BY exchange, symbol, date_trunc('minute', event_ts)
), counted AS (
  SELECT exchange, symbol, date_trunc('minute', event_ts) AS minute_ts, count(*) AS trades
  FROM silver_read
  WHERE ingest_ts >= $since
    AND epoch_us($now) - epoch_us(ingest_ts) > $freshness_seconds * 1e6
  GROUP BY exchange, symbol, date_trunc('minute', event_ts)
)
SELECT exchange, symbol, sum(there.trades - coalesce(counted.trades, 0))::BIGINT AS waiting,
       min(minute_ts) AS first_minute, min(oldest) AS since
FROM there LEFT JOIN counted USING (exchange, symbol, minute_ts)
WHERE there.trades > coalesce(counted.trades, 0)
GROUP BY exchange, symbol
ORDER BY exchange, symbol
