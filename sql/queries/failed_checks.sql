/* The checks that did not pass when they were last put on record, and those that turned in the last
   week: since when, how often, and the newest reason. What each means: docs/checks.md. */
WITH checks AS (
  SELECT split_part(substr(job, 7), '.', 1) AS table_name, split_part(job, '.', 2) AS check_name,
         status, error, finished_at
  FROM lake.market.ops_audit
  WHERE starts_with(job, 'check:')
)
SELECT table_name, check_name, arg_max(status, finished_at) AS status_now,
       count(*) FILTER (status <> 'ok') AS times, max(finished_at) AS last_looked_at,
       min(finished_at) FILTER (status <> 'ok') AS first_at,
       max(finished_at) FILTER (status <> 'ok') AS last_at,
       arg_max(error, finished_at) FILTER (status <> 'ok') AS reason
FROM checks
GROUP BY table_name, check_name
HAVING status_now <> 'ok' OR last_at > now() - INTERVAL 7 DAY
ORDER BY status_now = 'ok', last_at DESC, table_name, check_name
