-- Only messages newer than what stands arrive here, so every match is an update.
MERGE INTO lake.market.ops_gap AS gap
USING {source} AS changed
ON gap.exchange = changed.exchange
  AND gap.symbol = changed.symbol
  AND gap.from_id = changed.from_id
  AND gap.symbol BETWEEN :first_symbol AND :last_symbol
  AND gap.from_id BETWEEN :lowest_id AND :highest_id
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *
