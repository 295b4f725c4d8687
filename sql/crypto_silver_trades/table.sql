CREATE TABLE IF NOT EXISTS lake.market.crypto_silver_trades (
  exchange       STRING        COMMENT 'exchange in lower case: binance',
  symbol         STRING        COMMENT 'as the exchange writes it: BTCUSDT',
  agg_id         BIGINT        COMMENT 'aggregate trade id, rises by one per exchange and symbol',
  price          DECIMAL(28,8) COMMENT 'quote currency per unit of base, exact',
  qty            DECIMAL(28,8) COMMENT 'base currency, exact',
  quote_qty      DECIMAL(38,16) COMMENT 'price x qty in quote currency, exact',
  first_trade_id BIGINT        COMMENT 'first trade of the aggregate',
  last_trade_id  BIGINT        COMMENT 'last trade of the aggregate',
  is_buyer_maker BOOLEAN       COMMENT 'true: the buyer was the maker, the taker sold',
  event_ts       TIMESTAMP     COMMENT 'time of the trade, UTC',
  dt_hour        TIMESTAMP     COMMENT 'hour of event_ts, UTC',
  source         STRING        COMMENT 'ws, rest, archive or simulated',
  ingest_ts      TIMESTAMP     COMMENT 'time the producer received it, UTC'
)
USING iceberg
PARTITIONED BY (hours(event_ts))
COMMENT 'Valid trades; each (exchange, symbol, agg_id) exactly once'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.parquet.page-version' = 'v2',
  'write.parquet.page-row-limit' = '200000',
  'write.parquet.page-size-bytes' = '8388608',
  'write.parquet.dict-encoding-enabled.column.agg_id' = 'false',
  'write.parquet.dict-encoding-enabled.column.first_trade_id' = 'false',
  'write.parquet.dict-encoding-enabled.column.last_trade_id' = 'false',
  'write.parquet.dict-encoding-enabled.column.price' = 'false',
  'write.parquet.dict-encoding-enabled.column.quote_qty' = 'false',
  'write.parquet.dict-encoding-enabled.column.event_ts' = 'false',
  'write.parquet.dict-encoding-enabled.column.ingest_ts' = 'false',
  'read.parquet.vectorization.enabled' = 'false',
  'write.distribution-mode' = 'none',
  'write.spark.fanout.enabled' = 'true',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
)
