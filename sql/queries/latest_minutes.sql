/* The newest ten minutes of each symbol. `is_final` is false while a minute may still be waiting
   for trades within the watermark. */
SELECT exchange, symbol, minute_ts, open, high, low, close, volume, trades, vwap_1m, return_1m,
       spike, is_final
FROM lake.market.crypto_gold_minute
QUALIFY row_number() OVER (PARTITION BY exchange, symbol ORDER BY minute_ts DESC) <= 10
ORDER BY exchange, symbol, minute_ts DESC
