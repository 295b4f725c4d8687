CREATE TABLE IF NOT EXISTS lake.market.ops_gap (
  exchange        STRING    COMMENT 'exchange in lower case: binance',
  symbol          STRING    COMMENT 'as the exchange writes it: BTCUSDT',
  from_id         BIGINT    COMMENT 'first agg_id of the gap',
  to_id           BIGINT    COMMENT 'last agg_id of the gap, included',
  status          STRING    COMMENT 'open; repaired: all its ids are in Kafka; unrepairable: the exchange has no such ids',
  detected_at     TIMESTAMP COMMENT 'when the producer noticed the jump, UTC',
  repaired_at     TIMESTAMP COMMENT 'when it was closed, either way, UTC; null while open',
  repaired_from   STRING    COMMENT 'rest, ws, or both as rest+ws; null while open',
  reason          STRING    COMMENT 'why it is open or unrepairable; may be empty',
  kafka_topic     STRING    COMMENT 'topic of the newest message about it',
  kafka_partition INT       COMMENT 'partition of that message',
  kafka_offset    BIGINT    COMMENT 'offset of that message: an older one never overwrites the row',
  kafka_timestamp TIMESTAMP COMMENT 'timestamp of that message, set by the producer',
  updated_at      TIMESTAMP COMMENT 'when this row last changed, UTC'
)
USING iceberg
PARTITIONED BY (days(detected_at))
COMMENT 'Ids that were jumped over, one row per exchange, symbol and from_id, and what became of them'
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
