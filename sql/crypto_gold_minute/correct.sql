-- As merge.sql, but a row that was changed after it was read ({source}.seen_at) is left as it is.
MERGE INTO lake.market.crypto_gold_minute AS gold
USING {source} AS changed
ON gold.exchange = changed.exchange
  AND gold.symbol = changed.symbol
  AND gold.minute_ts = changed.minute_ts
  AND gold.minute_ts BETWEEN :from_minute AND :to_minute
WHEN MATCHED AND gold.updated_at <=> changed.seen_at THEN UPDATE SET *
WHEN NOT MATCHED AND changed.seen_at IS NULL THEN INSERT *
