CREATE TABLE IF NOT EXISTS lake.market.crypto_gold_minute (
  exchange         STRING         COMMENT 'exchange in lower case: binance',
  symbol           STRING         COMMENT 'as the exchange writes it: BTCUSDT',
  minute_ts        TIMESTAMP      COMMENT 'first instant of the minute, UTC',
  open             DECIMAL(28,8)  COMMENT 'price of the trade with the lowest agg_id',
  high             DECIMAL(28,8)  COMMENT 'highest price',
  low              DECIMAL(28,8)  COMMENT 'lowest price',
  close            DECIMAL(28,8)  COMMENT 'price of the trade with the highest agg_id',
  volume           DECIMAL(38,8)  COMMENT 'base currency traded',
  quote_volume     DECIMAL(38,16) COMMENT 'quote currency traded, exact',
  trades           BIGINT         COMMENT 'aggregate trades: rows of Silver',
  exchange_trades  BIGINT         COMMENT 'trades inside the aggregates, as candles of the exchange count them',
  taker_buy_volume DECIMAL(38,8)  COMMENT 'base currency bought by takers (is_buyer_maker false)',
  vwap_1m          DECIMAL(38,12) COMMENT 'quote_volume / volume, rounded half up',
  volume_5m        DECIMAL(38,8)  COMMENT 'volume of this minute and the 4 before',
  price_ma_30m     DECIMAL(38,12) COMMENT 'mean close of the minutes with trades among this one and the 29 before, rounded half up',
  return_1m        DECIMAL(38,12) COMMENT 'close / close of the last minute with trades in the hour before - 1, rounded half up; null where there is none or it is 10^15 or more',
  spike            BOOLEAN        COMMENT 'the return and the volume stand out of the hour before (docs/gold.md)',
  spike_reasons    ARRAY<STRING>  COMMENT 'return_up, return_down, volume_high; empty where spike is false',
  is_final         BOOLEAN        COMMENT 'the watermark has passed the end of the minute',
  updated_at       TIMESTAMP      COMMENT 'when this row last changed, UTC'
)
USING iceberg
PARTITIONED BY (hours(minute_ts))
COMMENT 'One row per exchange, symbol and minute with trades; a pure function of Silver'
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
