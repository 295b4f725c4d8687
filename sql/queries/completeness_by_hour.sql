/* Each symbol's ids by hour: how many trades there are, and how many ids are missing before one of
   them, told in the hour of the trade after the jump. The newest 48 hours; `firehose verify` proves
   the same for all, and says which ids and why. */
WITH trades AS (
  SELECT exchange, symbol, dt_hour, agg_id,
         lag(agg_id) OVER (PARTITION BY exchange, symbol ORDER BY agg_id) AS before
  FROM lake.market.crypto_silver_trades
  WHERE event_ts > (SELECT max(event_ts) FROM lake.market.crypto_silver_trades) - INTERVAL 48 HOUR
)
SELECT exchange, symbol, dt_hour, count(*) AS trades, min(agg_id) AS first_id, max(agg_id) AS last_id,
       CAST(coalesce(sum(agg_id - before - 1) FILTER (agg_id > before), 0) AS BIGINT) AS missing,
       count(*) FILTER (agg_id = before) AS twice
FROM trades
GROUP BY exchange, symbol, dt_hour
ORDER BY dt_hour DESC, exchange, symbol
