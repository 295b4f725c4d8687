-- What a release found of records that are not released yet ({source}): one row for each place.
MERGE INTO lake.market.crypto_quarantine AS held
USING {source} AS found
ON held.kafka_topic = found.kafka_topic
  AND held.kafka_partition = found.kafka_partition
  AND held.kafka_offset = found.kafka_offset
  AND held.released_at IS NULL
  -- Literal bounds: files are skipped with them, and rows set aside meanwhile are no conflict.
  AND held.quarantined_at BETWEEN :first_at AND :last_at
WHEN MATCHED THEN UPDATE SET
  -- A released row keeps what it was held back for.
  reasons = CASE WHEN found.released_at IS NULL THEN found.reasons ELSE held.reasons END,
  exchange = found.exchange,
  symbol = found.symbol,
  agg_id = found.agg_id,
  price = found.price,
  qty = found.qty,
  event_ts = found.event_ts,
  ingest_ts = found.ingest_ts,
  released_at = found.released_at
