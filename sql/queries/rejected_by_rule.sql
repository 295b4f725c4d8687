/* What stands in quarantine and was not released: how many records broke each rule, and where in
   Kafka the newest of them is. A record that broke two rules counts at both. The rules:
   docs/quality.md. */
SELECT reason, count(*) AS records, count(DISTINCT symbol) AS symbols,
       min(quarantined_at) AS first_at, max(quarantined_at) AS last_at,
       arg_max(struct_pack(kafka_partition, kafka_offset), quarantined_at) AS newest
FROM (
  SELECT unnest(reasons) AS reason, symbol, quarantined_at, kafka_partition, kafka_offset
  FROM lake.market.crypto_quarantine
  WHERE released_at IS NULL
)
GROUP BY reason
ORDER BY records DESC, reason
