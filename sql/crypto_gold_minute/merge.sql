-- Only rows that differ arrive here, so every match is an update.
MERGE INTO lake.market.crypto_gold_minute AS gold
USING {source} AS changed
ON gold.exchange = changed.exchange
  AND gold.symbol = changed.symbol
  AND gold.minute_ts = changed.minute_ts
  AND gold.minute_ts BETWEEN :from_minute AND :to_minute
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *
