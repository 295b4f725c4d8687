-- Maintenance tells what it found and what it left; so may other jobs.
ALTER TABLE lake.market.ops_audit ADD COLUMN details STRING
  COMMENT 'what else the job tells, as JSON: of maintenance files, bytes and snapshots before and after; null where it tells nothing';
ALTER TABLE lake.market.ops_audit ALTER COLUMN job
  COMMENT 'the table that the job fills, dead_letters, release, rebuild, check:TABLE.NAME, or maintain:STEP:TABLE';
COMMENT ON TABLE lake.market.ops_audit
  IS 'How every micro-batch of every job went, and every check, release, rebuild and maintenance';
