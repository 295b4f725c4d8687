CREATE TABLE IF NOT EXISTS lake.market.ops_migration (
  number     INT       COMMENT 'number of the migration, rises by one',
  name       STRING    COMMENT 'its name: the rest of the name of its file in sql/migrations',
  sha256     STRING    COMMENT 'SHA-256 of its text, in hexadecimal',
  kind       STRING    COMMENT 'applied: its statements were run; baseline: the tables were made with what it changes',
  applied_at TIMESTAMP COMMENT 'UTC',
  applied_by STRING    COMMENT 'version of the program'
)
USING iceberg
COMMENT 'Changes of the tables that this lake contains, one row per migration'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
)
