-- Trino's SQL on the same tables; `trino --catalog lake --schema market --file questions.sql`.

-- The exact VWAP of each day. Decimals stay decimals; a division of decimals is rounded to the
-- scale of its operands, so the turnover is cast to the scale that is wanted.
SELECT exchange, symbol, date_trunc('day', event_ts) AS day, count(*) AS trades,
       CAST(sum(quote_qty) AS decimal(38, 16)) / sum(qty) AS vwap
FROM lake.market.crypto_silver_trades
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

-- Minutes that stood out, with why.
SELECT symbol, minute_ts, return_1m, volume, array_join(spike_reasons, ', ') AS why
FROM lake.market.crypto_gold_minute
WHERE spike
ORDER BY minute_ts DESC
LIMIT 20;

-- The table as it was half an hour ago (time travel; snapshots are kept for SNAPSHOT_KEEP_MINUTES).
SELECT count(*) FROM lake.market.crypto_silver_trades
FOR TIMESTAMP AS OF current_timestamp - INTERVAL '30' MINUTE;
