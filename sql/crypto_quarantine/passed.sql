-- Records ({source}: their places in Kafka) that today's rules let pass are in Silver now.
MERGE INTO lake.market.crypto_quarantine AS held
USING {source} AS passed
ON held.kafka_topic = passed.kafka_topic
  AND held.kafka_partition = passed.kafka_partition
  AND held.kafka_offset = passed.kafka_offset
  AND held.released_at IS NULL
WHEN MATCHED THEN UPDATE SET released_at = :released_at
