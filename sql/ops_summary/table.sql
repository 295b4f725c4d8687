CREATE TABLE IF NOT EXISTS lake.market.ops_summary (
  summary_id     STRING        COMMENT 'one report of one message; the same report posted twice has the same',
  kind           STRING        COMMENT 'pulse or spike',
  event_id       STRING        COMMENT 'the spike that is explained: exchange-symbol-minute; null for a pulse',
  created_at     TIMESTAMP     COMMENT 'when it was put on record, UTC',
  workflow       STRING        COMMENT 'who made it: the workflow of n8n, or firehose pulse',
  execution_url  STRING        COMMENT 'where its execution can be looked at; null where nowhere',
  prompt_version STRING        COMMENT 'version of the prompt that the model got',
  facts          STRING        COMMENT 'the figures that it stands on, as JSON: docs/summaries.md',
  facts_digest   STRING        COMMENT 'SHA-256 of the facts in hexadecimal',
  completion     STRING        COMMENT 'what the model answered last, as it came; null where it gave no answer or was not asked',
  verified       BOOLEAN       COMMENT 'whether that answer holds against the facts, judged anew for this record',
  complaints     ARRAY<STRING> COMMENT 'what was wrong with it; empty where nothing was',
  attempts       INT           COMMENT 'how often the model was asked',
  source         STRING        COMMENT 'who wrote the words that were sent: llm or template',
  text           STRING        COMMENT 'the message as plain text',
  sent_slack     STRING        COMMENT 'ok, failed, or off where it is not configured or was not wanted',
  sent_telegram  STRING        COMMENT 'the same of Telegram',
  sent_jira      STRING        COMMENT 'the same of Jira'
)
USING iceberg
PARTITIONED BY (days(created_at))
COMMENT 'Every summary that was told to people, with what it stood on and how it was verified'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
)
