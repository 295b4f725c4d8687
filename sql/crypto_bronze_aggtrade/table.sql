CREATE TABLE IF NOT EXISTS lake.market.crypto_bronze_aggtrade (
  exchange        STRING    COMMENT 'exchange in lower case: binance',
  symbol          STRING    COMMENT 'as the exchange writes it: BTCUSDT',
  agg_id          BIGINT    COMMENT 'aggregate trade id, rises by one per exchange and symbol',
  price           STRING    COMMENT 'quote currency per unit of base, the digits exactly as sent',
  qty             STRING    COMMENT 'base currency, the digits exactly as sent',
  first_trade_id  BIGINT    COMMENT 'first trade of the aggregate',
  last_trade_id   BIGINT    COMMENT 'last trade of the aggregate',
  trade_time      BIGINT    COMMENT 'time of the trade, microseconds since 1970 UTC',
  event_time      BIGINT    COMMENT 'time the exchange sent it, microseconds since 1970 UTC',
  is_buyer_maker  BOOLEAN   COMMENT 'true: the buyer was the maker, the taker sold',
  ingest_time     BIGINT    COMMENT 'time the producer received it, microseconds since 1970 UTC',
  source          STRING    COMMENT 'ws, rest, archive or simulated',
  schema_version  INT       COMMENT 'version of the Kafka message',
  event_ts        TIMESTAMP COMMENT 'trade_time as a timestamp; null where it could not be read',
  dt_hour         TIMESTAMP COMMENT 'hour of event_ts, UTC',
  kafka_topic     STRING    COMMENT 'topic of the record',
  kafka_partition INT       COMMENT 'partition of the record',
  kafka_offset    BIGINT    COMMENT 'offset of the record',
  kafka_timestamp TIMESTAMP COMMENT 'timestamp of the record, set by the broker',
  ingest_ts       TIMESTAMP COMMENT 'ingest_time as a timestamp',
  raw             BINARY    COMMENT 'the value as it came, kept wherever it breaks a rule of quality or says more than this version reads'
)
USING iceberg
PARTITIONED BY (hours(event_ts))
COMMENT 'What was in Kafka: one row per record, nothing judged'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.spark.fanout.enabled' = 'true',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
)
