/* Ids that are missing and still sought, the oldest gap first. What the exchange itself has not
   (status unrepairable) is not sought any more. */
SELECT exchange, symbol, from_id, to_id, to_id - from_id + 1 AS ids, detected_at,
       date_diff('second', detected_at, now()) AS open_seconds, reason
FROM lake.market.ops_gap
WHERE status = 'open'
ORDER BY detected_at, exchange, symbol, from_id
