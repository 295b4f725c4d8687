CREATE TABLE IF NOT EXISTS lake.market.ops_audit (
  run_id         STRING    COMMENT 'one start of the Spark application, or one run of a command',
  job            STRING    COMMENT 'the table that the job fills, dead_letters, release, rebuild, check:TABLE.NAME, or maintain:STEP:TABLE',
  batch_id       BIGINT    COMMENT 'micro-batch of the job, rises by one for each checkpoint; number of the part or the round of what is no stream',
  query_id       STRING    COMMENT 'the checkpoint that the batch belongs to, or the run of what is no stream',
  started_at     TIMESTAMP COMMENT 'UTC',
  finished_at    TIMESTAMP COMMENT 'UTC',
  rows_in        BIGINT    COMMENT 'rows read: rows_out + rows_duplicate + dq_fail',
  rows_out       BIGINT    COMMENT 'rows that went on: written, or for Gold counted in its minutes',
  rows_duplicate BIGINT    COMMENT 'valid rows whose key was there already',
  rows_late      BIGINT    COMMENT 'valid rows older than the watermark; they are in rows_out or rows_duplicate too',
  dq_pass        BIGINT    COMMENT 'rows that kept every rule',
  dq_fail        BIGINT    COMMENT 'rows that broke a rule and were set aside',
  rows_upserted  BIGINT    COMMENT 'rows of the target table inserted or changed',
  max_lag_ms     BIGINT    COMMENT 'longest time from the producer receiving a row to the end of the batch, ms',
  status         STRING    COMMENT 'ok, failed, or of a check warn',
  error          STRING    COMMENT 'why it failed',
  details        STRING    COMMENT 'what else the job tells, as JSON: of maintenance files, bytes and snapshots before and after; null where it tells nothing'
)
USING iceberg
PARTITIONED BY (days(started_at))
COMMENT 'How every micro-batch of every job went, and every check, release, rebuild and maintenance'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.spark.fanout.enabled' = 'true',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
)
