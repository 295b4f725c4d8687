-- Ids and times as differences (pages of version 2; a dictionary would come first). Iceberg's
-- vectorized reader of Spark can't read booleans in such pages: its reader by rows does.
ALTER TABLE lake.market.crypto_silver_trades SET TBLPROPERTIES (
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
  'read.parquet.vectorization.enabled' = 'false'
);
