-- fail: audit_adds_up
-- rows_in = rows_out + rows_duplicate + dq_fail, and = dq_pass + dq_fail.
-- do: the job has an error: rows came in that are in no account. `firehose verify` finds them.
SELECT job, run_id, batch_id, rows_in, rows_out, rows_duplicate, dq_pass, dq_fail
FROM lake.market.ops_audit
WHERE started_at >= $since AND NOT coalesce(
  rows_in = rows_out + rows_duplicate + dq_fail AND rows_in = dq_pass + dq_fail, false)
ORDER BY job, batch_id;

-- fail: audit_batch_once
-- A batch of a job is on record once.
-- do: two Spark applications worked on one checkpoint: end one of them.
SELECT job, query_id, batch_id, count(*) AS rows
FROM lake.market.ops_audit
WHERE started_at >= $since AND status = 'ok' AND query_id IS NOT NULL AND batch_id IS NOT NULL
GROUP BY job, query_id, batch_id HAVING count(*) > 1
ORDER BY ALL;

-- fail: audit_batches_unbroken
-- No batch of a stream is missing between two that are on record.
-- do: its rows are in the tables, but in no account: `firehose verify` proves what is there.
WITH batches AS (
  SELECT job, query_id, batch_id,
         lag(batch_id) OVER (PARTITION BY job, query_id ORDER BY batch_id) AS before
  FROM lake.market.ops_audit
  WHERE started_at >= $since AND status = 'ok' AND query_id IS NOT NULL AND batch_id IS NOT NULL
    AND job IN ('crypto_bronze_aggtrade', 'crypto_silver_trades', 'crypto_gold_minute',
                'dead_letters', 'ops_gap')
)
SELECT job, query_id, before + 1 AS from_batch, batch_id - 1 AS to_batch
FROM batches WHERE batch_id > before + 1
ORDER BY ALL;

-- fail: audit_bronze_is_read
-- (full) Silver's stream has read each row of Bronze that it came to, and none twice by one checkpoint.
-- do: `firehose verify` finds the rows; a batch was read twice, or not at all.
WITH newest AS (
  SELECT query_id FROM progress WHERE job = 'crypto_silver_trades'
), batches AS (  -- of an earlier checkpoint all: what it read need not be in bronze_read
  SELECT query_id, rows_in, whole IS NOT NULL AS is_newest
  FROM lake.market.ops_audit AS audit LEFT JOIN progress USING (job, query_id)
  WHERE job = 'crypto_silver_trades' AND status = 'ok'
    AND audit.batch_id <= coalesce(progress.batch_id, audit.batch_id)
  UNION ALL  -- what retention took away counts on, here and in Bronze
  SELECT query_id, rows_in, query_id IN (FROM newest) AS is_newest FROM audit_removed
), counted AS (
  SELECT (SELECT count(*) FROM bronze_read) + (
           SELECT sum(removed) FROM progress WHERE job = 'crypto_silver_trades') AS settled,
         (SELECT count(*) FROM lake.market.crypto_bronze_aggtrade) + (
           SELECT sum(rows) FROM bronze_removed) AS standing
), sums AS (
  SELECT query_id, sum(rows_in)::BIGINT AS silver_read, 0 AS least,
         if(bool_or(is_newest), settled, standing) AS most
  FROM batches, counted GROUP BY query_id, settled, standing
  UNION ALL  -- one that began anew finds a history whose beginning was let go: others read that
  SELECT NULL, sum(rows_in)::BIGINT, settled, NULL FROM batches, counted GROUP BY settled
)
SELECT query_id, silver_read, least AS at_least, most AS at_most FROM sums
WHERE (SELECT bool_and(whole) FROM progress WHERE job = 'crypto_silver_trades')
  AND (silver_read < least OR silver_read > most)
ORDER BY ALL;

-- warn: audit_batches_succeed
-- No batch of the last hour has failed.
-- do: `error` says why; it was run again if a later row of the job is there.
SELECT job, batch_id, finished_at, error
FROM lake.market.ops_audit
WHERE status = 'failed' AND started_at >= $now - INTERVAL 1 HOUR AND NOT starts_with(job, 'check:')
ORDER BY finished_at DESC
