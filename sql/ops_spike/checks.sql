-- fail: spike_once
-- Each spike, and each event_id, is in the outbox once.
-- do: two applications filled it at once; the receiver knows an event by its id and acts once.
SELECT exchange, symbol, minute_ts, event_id, count(*) AS rows
FROM lake.market.ops_spike
GROUP BY ALL
HAVING count(*) > 1
ORDER BY ALL;

-- fail: spike_state_right
-- An event has a body that holds its id, and a time of delivery if it was delivered, else none.
-- do: another program writes to the table, or the sender has an error.
SELECT event_id, status, detected_at, delivered_at, body
FROM lake.market.ops_spike
WHERE updated_at >= $since AND NOT coalesce(
  contains(body, event_id) AND attempts >= 0 AND CASE status
    WHEN 'delivered' THEN delivered_at >= detected_at
    WHEN 'pending' THEN delivered_at IS NULL
    WHEN 'refused' THEN delivered_at IS NULL
    WHEN 'expired' THEN delivered_at IS NULL
  END, false);

-- warn: spikes_taken
-- The receiver has refused no event of the last day, and none was given up.
-- do: `last_error` says why; mend SPIKE_WEBHOOK_URL or its receiver, then start the streams anew.
SELECT event_id, status, attempts, last_error, updated_at
FROM lake.market.ops_spike
WHERE status IN ('refused', 'expired') AND updated_at >= $now - INTERVAL 1 DAY
ORDER BY updated_at DESC;

-- warn: spikes_told_soon
-- No event waits for longer than ten minutes.
-- do: is the receiver of SPIKE_WEBHOOK_URL there, and are the streams? `last_error` has its answer.
SELECT event_id, attempts, last_error, detected_at
FROM lake.market.ops_spike
WHERE status = 'pending' AND detected_at < $now - INTERVAL 10 MINUTE
ORDER BY detected_at
