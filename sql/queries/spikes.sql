/* The newest fifty minutes that stand out, with what they stand out of. The rule: docs/gold.md. */
SELECT exchange, symbol, minute_ts, close, return_1m, volume, volume_5m, price_ma_30m,
       spike_reasons, is_final
FROM lake.market.crypto_gold_minute
WHERE spike
ORDER BY minute_ts DESC, exchange, symbol
LIMIT 50
