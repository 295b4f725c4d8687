/* The twenty largest trades of the newest 24 hours in the lake, by quote currency. */
SELECT exchange, symbol, agg_id, event_ts, price, qty, quote_qty,
       CASE WHEN is_buyer_maker THEN 'sold' ELSE 'bought' END AS taker
FROM lake.market.crypto_silver_trades
WHERE event_ts > (SELECT max(event_ts) FROM lake.market.crypto_silver_trades) - INTERVAL 1 DAY
ORDER BY quote_qty DESC, exchange, symbol, agg_id
LIMIT 20
