CREATE TABLE IF NOT EXISTS lake.market.ops_spike (
  exchange     STRING    COMMENT 'exchange in lower case: binance',
  symbol       STRING    COMMENT 'as the exchange writes it: BTCUSDT',
  minute_ts    TIMESTAMP COMMENT 'first instant of the minute, UTC',
  event_id     STRING    COMMENT 'exchange-symbol-minute: the same in every attempt',
  body         STRING    COMMENT 'what is posted, byte for byte the same in every attempt (UTF-8)',
  detected_at  TIMESTAMP COMMENT 'when the spike was entered here, UTC',
  status       STRING    COMMENT 'pending; delivered; refused: the receiver will not have it; expired: given up after a day',
  attempts     INT       COMMENT 'how often it was posted; those of the last minute before a crash may be missing',
  delivered_at TIMESTAMP COMMENT 'when the receiver said that it has it, UTC; null before',
  last_error   STRING    COMMENT 'how the last attempt failed; null where none did',
  updated_at   TIMESTAMP COMMENT 'when this row last changed, UTC'
)
USING iceberg
PARTITIONED BY (days(detected_at))
COMMENT 'The outbox of the spike webhook: one row per spike that was found, once for ever'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.merge.distribution-mode' = 'none',
  'write.merge.mode' = 'copy-on-write',
  'write.spark.fanout.enabled' = 'true',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
)
