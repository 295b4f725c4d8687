/* How fresh each job is: when its last batch with rows ended, how long its oldest row had then been
   under way since the producer received it, and the longest such time of the last hour. */
WITH batches AS (
  SELECT * FROM lake.market.ops_audit WHERE status = 'ok' AND rows_in > 0
)
SELECT job, max(finished_at) AS last_batch,
       date_diff('second', max(finished_at), now()) AS seconds_ago,
       max_by(rows_in, finished_at) AS rows_in,
       max_by(max_lag_ms, finished_at) AS lag_ms,
       max(max_lag_ms) FILTER (finished_at > now() - INTERVAL 1 HOUR) AS worst_lag_ms_1h
FROM batches
GROUP BY job
ORDER BY job
