-- A field that this version doesn't know is not lost: Bronze keeps the value whole.
ALTER TABLE lake.market.crypto_bronze_aggtrade ALTER COLUMN raw
  COMMENT 'the value as it came, kept wherever it breaks a rule of quality or says more than this version reads';
-- Checks, releases and rebuilds leave their rows beside those of the streams.
ALTER TABLE lake.market.ops_audit ALTER COLUMN run_id COMMENT 'one start of the Spark application, or one run of a command';
ALTER TABLE lake.market.ops_audit ALTER COLUMN job
  COMMENT 'the table that the job fills, dead_letters, release, rebuild, or check:TABLE.NAME';
ALTER TABLE lake.market.ops_audit ALTER COLUMN batch_id
  COMMENT 'micro-batch of the job, rises by one for each checkpoint; number of the part or the round of what is no stream';
ALTER TABLE lake.market.ops_audit ALTER COLUMN query_id
  COMMENT 'the checkpoint that the batch belongs to, or the run of what is no stream';
COMMENT ON TABLE lake.market.ops_audit
  IS 'How every micro-batch of every job went, and every check, release and rebuild';
ALTER TABLE lake.market.ops_audit ALTER COLUMN status COMMENT 'ok, failed, or of a check warn';
