-- The topics are made with message.timestamp.type=LogAppendTime: the broker sets the time.
ALTER TABLE lake.market.crypto_bronze_aggtrade ALTER COLUMN kafka_timestamp
  COMMENT 'timestamp of the record, set by the broker';
ALTER TABLE lake.market.crypto_quarantine ALTER COLUMN kafka_timestamp
  COMMENT 'timestamp of the record, set by the broker';
ALTER TABLE lake.market.ops_gap ALTER COLUMN kafka_timestamp
  COMMENT 'timestamp of that message, set by the broker';
-- Found at a restart: the ids were in Kafka already.
ALTER TABLE lake.market.ops_gap ALTER COLUMN repaired_from
  COMMENT 'rest, ws, both as rest+ws, or kafka: all of it was there already; null while open';
