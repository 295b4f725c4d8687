-- Minute bars ({source}) → every feature of Gold. Windows are minutes, not rows: an empty minute
-- has no bar. A feature is right where the bars reach back 120 minutes: the hour of returns before
-- it, and the close before the first of those. All arithmetic is decimal, quotients are rounded
-- half up to 12 decimals; the casts keep their intermediate digits beyond that (docs/gold.md).
WITH priced AS (
  SELECT *,
    CAST(try_divide(quote_volume, volume) AS DECIMAL(38,12)) AS vwap_1m,
    CAST(sum(volume) OVER last_5 AS DECIMAL(38,8)) AS volume_5m,
    CAST(try_divide(CAST(sum(close) OVER last_30 AS DECIMAL(25,8)),
                    CAST(count(*) OVER last_30 AS DECIMAL(13,0))) AS DECIMAL(38,12))
      AS price_ma_30m,
    CAST(try_divide(CAST(close AS DECIMAL(23,8)),
                    CAST(last(close) OVER hour_before AS DECIMAL(23,8))) - 1 AS DECIMAL(38,12))
      AS return_1m
  FROM {source}
  WINDOW
    last_5 AS (PARTITION BY exchange, symbol ORDER BY unix_seconds(minute_ts)
               RANGE BETWEEN 240 PRECEDING AND CURRENT ROW),
    last_30 AS (PARTITION BY exchange, symbol ORDER BY unix_seconds(minute_ts)
                RANGE BETWEEN 1740 PRECEDING AND CURRENT ROW),
    hour_before AS (PARTITION BY exchange, symbol ORDER BY unix_seconds(minute_ts)
                    RANGE BETWEEN 3600 PRECEDING AND 60 PRECEDING)
),
-- The low median is one of the values, so no quotient is rounded on the way. The narrower decimals
-- leave room for what follows: differences, products and comparisons keep 38 digits, no more.
surrounded AS (
  SELECT *,
    try_cast(get(returns, (size(returns) - 1) div 2) AS DECIMAL(28,12)) AS usual_return,
    try_cast(get(volumes, (size(volumes) - 1) div 2) AS DECIMAL(31,8)) AS usual_volume
  FROM (
    SELECT *,
      array_sort(collect_list(try_cast(return_1m AS DECIMAL(28,12))) OVER hour_before) AS returns,
      array_sort(collect_list(volume) OVER hour_before) AS volumes
    FROM priced
    WINDOW hour_before AS (PARTITION BY exchange, symbol ORDER BY unix_seconds(minute_ts)
                           RANGE BETWEEN 3600 PRECEDING AND 60 PRECEDING)
  )
),
judged AS (
  SELECT *, coalesce(
    size(returns) >= :warm_up_minutes
      AND abs(return_1m) >= :least_return
      AND abs(try_cast(return_1m AS DECIMAL(28,12)) - usual_return)
        > CAST(:most_deviations AS DECIMAL(9,6)) * try_cast(get(
          array_sort(transform(returns, r -> abs(r - usual_return))), (size(returns) - 1) div 2)
          AS DECIMAL(28,12))
      AND try_cast(volume AS DECIMAL(36,10))
        >= CAST(:volume_ratio AS DECIMAL(6,2)) * usual_volume,
    false) AS spike
  FROM surrounded
)
SELECT exchange, symbol, minute_ts, open, high, low, close, volume, quote_volume, trades,
  exchange_trades, taker_buy_volume, vwap_1m, volume_5m, price_ma_30m, return_1m, spike,
  CASE WHEN NOT spike THEN CAST(array() AS ARRAY<STRING>)
       WHEN return_1m > 0 THEN array('return_up', 'volume_high')
       ELSE array('return_down', 'volume_high') END AS spike_reasons
FROM judged
