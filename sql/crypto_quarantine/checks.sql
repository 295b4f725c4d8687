-- fail: quarantine_reasons_given
-- A record in quarantine says which rules it broke.
-- do: see its raw value with `firehose quarantine show`; the job that put it there has an error.
SELECT kafka_topic, kafka_partition, kafka_offset, quarantined_at
FROM lake.market.crypto_quarantine
WHERE quarantined_at >= $since AND coalesce(len(list_filter(reasons, lambda rule: rule <> '')), 0) = 0;

-- fail: quarantine_rules_known
-- Every reason is a rule of docs/quality.md.
-- do: a rule was renamed, or another program writes here: no query by rule finds these records.
SELECT rule, count(*) AS records, min(quarantined_at) AS first_at
FROM (
  SELECT unnest(reasons) AS rule, quarantined_at
  FROM lake.market.crypto_quarantine WHERE quarantined_at >= $since
)
WHERE NOT list_contains($rules, rule)
GROUP BY rule
ORDER BY ALL;

-- fail: quarantine_record_once
-- A Kafka record waits in quarantine once.
-- do: a batch was set aside twice; released, it would be judged twice (Silver keeps one).
SELECT kafka_topic, kafka_partition, kafka_offset, count(*) AS rows
FROM lake.market.crypto_quarantine
WHERE released_at IS NULL
GROUP BY ALL
HAVING count(*) > 1 AND max(quarantined_at) >= $since
ORDER BY ALL;

-- fail: quarantine_raw_kept
-- The bytes of the record are kept.
-- do: Kafka still has the record for KAFKA_RETENTION_HOURS: keep it before it is gone.
SELECT kafka_topic, kafka_partition, kafka_offset, reasons
FROM lake.market.crypto_quarantine
WHERE quarantined_at >= $since AND raw IS NULL;

-- fail: quarantine_from_bronze
-- A trade's record in quarantine is one of Bronze.
-- do: Bronze has lost the record, or somebody else wrote to quarantine.
WITH aside AS (
  SELECT kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, reasons
  FROM lake.market.crypto_quarantine
  -- Messages about gaps come straight from their topic.
  WHERE quarantined_at >= $since
    AND NOT list_has_any(coalesce(reasons, []), $gap_rules)
    -- What retention may have taken away: a record that is old, of an hour that is.
    AND (kafka_timestamp >= (SELECT before FROM bronze_removed)
         OR coalesce(event_ts >= (SELECT before FROM bronze_removed), true))
)
SELECT kafka_topic, kafka_partition, kafka_offset, reasons
FROM aside ANTI JOIN (
  SELECT kafka_topic, kafka_partition, kafka_offset FROM lake.market.crypto_bronze_aggtrade
  WHERE kafka_timestamp >= (SELECT min(kafka_timestamp) FROM aside)
) AS records USING (kafka_topic, kafka_partition, kafka_offset)
ORDER BY ALL;

-- fail: quarantine_released_found
-- A released record is in Silver, or in quarantine again.
-- do: `firehose quarantine release` was broken off, or has an error: release it again.
SELECT freed.kafka_topic, freed.kafka_partition, freed.kafka_offset, freed.exchange, freed.symbol,
       freed.agg_id, freed.released_at
FROM lake.market.crypto_quarantine AS freed
ANTI JOIN (
  SELECT exchange, symbol, agg_id FROM lake.market.crypto_silver_trades
  SEMI JOIN (
    SELECT exchange, symbol, agg_id FROM lake.market.crypto_quarantine
    WHERE released_at >= $since
  ) AS sought USING (exchange, symbol, agg_id)
) AS found USING (exchange, symbol, agg_id)
ANTI JOIN (
  SELECT * FROM lake.market.crypto_quarantine WHERE released_at IS NULL
) AS again USING (kafka_topic, kafka_partition, kafka_offset)
-- A release that is under way is given two minutes.
WHERE freed.released_at >= $since AND freed.released_at < $now - INTERVAL 2 MINUTE
  AND freed.agg_id IS NOT NULL
ORDER BY ALL;

-- warn: quarantine_few
-- Of the rows that Silver judged in the last hour at most 5 % were set aside.
-- do: sql/queries/rejected_by_rule.sql tells which rule; `firehose quarantine list` shows them.
SELECT sum(dq_fail)::BIGINT AS rejected, sum(rows_in)::BIGINT AS judged
FROM lake.market.ops_audit
WHERE job = 'crypto_silver_trades' AND status = 'ok' AND started_at >= $now - INTERVAL 1 HOUR
HAVING sum(dq_fail) * 20 > sum(rows_in)
