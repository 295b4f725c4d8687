-- Only what became of a spike changes, never its event; and what was delivered stays delivered.
MERGE INTO lake.market.ops_spike AS spike
USING {source} AS changed
ON spike.event_id = changed.event_id
  AND spike.detected_at BETWEEN :first_detected AND :last_detected
WHEN MATCHED AND spike.status <> 'delivered' THEN UPDATE SET
  status = changed.status,
  attempts = changed.attempts,
  delivered_at = changed.delivered_at,
  last_error = changed.last_error,
  updated_at = changed.updated_at
