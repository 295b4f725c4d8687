-- Of the gaps in {source}: where in Kafka the newest message known of each stood.
SELECT gap.exchange, gap.symbol, gap.from_id, gap.kafka_topic, gap.kafka_partition,
  gap.kafka_offset, unix_micros(gap.kafka_timestamp) AS kafka_timestamp
FROM lake.market.ops_gap AS gap
LEFT SEMI JOIN {source} AS wanted
  ON gap.exchange = wanted.exchange
  AND gap.symbol = wanted.symbol
  AND gap.from_id = wanted.from_id
WHERE gap.symbol BETWEEN :first_symbol AND :last_symbol
  AND gap.from_id BETWEEN :lowest_id AND :highest_id
