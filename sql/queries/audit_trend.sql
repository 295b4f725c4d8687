/* What each job did in each hour, newest first. `adds_up` holds the account of every batch:
   rows_in = rows_out + rows_duplicate + dq_fail. A failed batch counts no rows; it is run again. */
SELECT date_trunc('hour', started_at) AS hour, job,
       count(*) FILTER (status = 'ok') AS batches,
       count(*) FILTER (status <> 'ok') AS failed,
       sum(rows_in)::BIGINT AS rows_in, sum(rows_out)::BIGINT AS rows_out,
       sum(rows_duplicate)::BIGINT AS rows_duplicate, sum(rows_late)::BIGINT AS rows_late,
       sum(dq_fail)::BIGINT AS dq_fail, max(max_lag_ms) AS max_lag_ms,
       bool_and(rows_in = rows_out + rows_duplicate + dq_fail) AS adds_up
FROM lake.market.ops_audit
WHERE NOT starts_with(job, 'check:')  -- those: failed_checks.sql
GROUP BY ALL
ORDER BY hour DESC, job
