CREATE TABLE IF NOT EXISTS lake.market.crypto_quarantine (
  kafka_topic     STRING        COMMENT 'topic of the record',
  kafka_partition INT           COMMENT 'partition of the record',
  kafka_offset    BIGINT        COMMENT 'offset of the record',
  kafka_timestamp TIMESTAMP     COMMENT 'timestamp of the record, set by the producer',
  raw             BINARY        COMMENT 'the value: as it came where it could not be read, else as its fields',
  reasons         ARRAY<STRING> COMMENT 'names of the rules it broke (docs/quality.md)',
  exchange        STRING        COMMENT 'what could be read of the exchange',
  symbol          STRING        COMMENT 'what could be read of the symbol',
  agg_id          BIGINT        COMMENT 'what could be read of the aggregate trade id',
  price           STRING        COMMENT 'what could be read of the price, as sent',
  qty             STRING        COMMENT 'what could be read of the quantity, as sent',
  event_ts        TIMESTAMP     COMMENT 'what could be read of the time of the trade, UTC',
  ingest_ts       TIMESTAMP     COMMENT 'what could be read of the receive time, UTC',
  quarantined_at  TIMESTAMP     COMMENT 'when it was set aside, UTC',
  released_at     TIMESTAMP     COMMENT 'when it was put back through the checks; null: it has not been'
)
USING iceberg
PARTITIONED BY (days(quarantined_at))
COMMENT 'Records that broke a rule, whole, with the reasons'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.spark.fanout.enabled' = 'true',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
)
