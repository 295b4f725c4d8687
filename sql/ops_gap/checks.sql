-- fail: gap_range_right
-- A gap ends where it begins or later.
-- do: another program writes to KAFKA_GAP_TOPIC, or the producer has an error.
SELECT exchange, symbol, from_id, to_id, status
FROM lake.market.ops_gap
WHERE updated_at >= $since AND NOT coalesce(0 <= from_id AND from_id <= to_id, false);

-- fail: gap_state_right
-- A gap is open, or closed with the time of it, and no earlier than it was noticed.
-- do: another program writes to KAFKA_GAP_TOPIC, or the producer has an error.
SELECT exchange, symbol, from_id, to_id, status, detected_at, repaired_at, repaired_from
FROM lake.market.ops_gap
WHERE updated_at >= $since AND NOT coalesce(CASE status
  WHEN 'open' THEN repaired_at IS NULL
  WHEN 'repaired' THEN repaired_at >= detected_at AND repaired_from IS NOT NULL
  WHEN 'unrepairable' THEN repaired_at >= detected_at
END, false);

-- warn: gaps_apart
-- No id belongs to two gaps.
-- do: counts of missing ids count them twice; the newer record is the right one.
SELECT one.exchange, one.symbol, one.from_id, one.to_id, other.from_id AS other_from_id,
       other.to_id AS other_to_id
FROM lake.market.ops_gap AS one JOIN lake.market.ops_gap AS other
  ON other.exchange = one.exchange AND other.symbol = one.symbol
  AND other.from_id > one.from_id AND other.from_id <= one.to_id
-- The parts of a gap are told one after the other.
WHERE greatest(one.updated_at, other.updated_at) >= $since
  AND greatest(one.updated_at, other.updated_at) < $now - INTERVAL 1 MINUTE
ORDER BY ALL;

-- warn: gaps_close
-- No gap is open for longer than WATERMARK_MINUTES.
-- do: the log of the producer tells why; `reason` has the exchange's last answer.
SELECT exchange, symbol, from_id, to_id, detected_at,
       date_diff('second', detected_at, $now) AS seconds_ago, reason
FROM lake.market.ops_gap
WHERE status = 'open' AND detected_at < $now - to_minutes($watermark_minutes)
ORDER BY detected_at
