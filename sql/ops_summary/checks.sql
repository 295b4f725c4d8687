-- fail: summary_words_verified
-- Words of a model were sent only where they hold against the facts.
-- do: the workflow sent what was not verified: import n8n/workflows again, and correct the message.
SELECT summary_id, kind, created_at, workflow, complaints
FROM lake.market.ops_summary
WHERE created_at >= $since AND source = 'llm' AND NOT coalesce(verified, false)
ORDER BY created_at DESC, summary_id;

-- fail: summary_once
-- A report of a message is on record once.
-- do: the catalog did not say whether it took the row: nothing was sent twice for that.
SELECT summary_id, count(*) AS rows
FROM lake.market.ops_summary
WHERE created_at >= $since
GROUP BY summary_id HAVING count(*) > 1
ORDER BY summary_id;

-- warn: summary_spike_once
-- A spike was explained once.
-- do: n8n ended between its message and the record of it, so the event came again; nothing is lost.
SELECT event_id, count(DISTINCT summary_id) AS messages
FROM lake.market.ops_summary
WHERE created_at >= $since AND event_id IS NOT NULL
  AND 'ok' IN (sent_slack, sent_telegram, sent_jira)
GROUP BY event_id HAVING count(DISTINCT summary_id) > 1
ORDER BY event_id;

-- warn: summary_sent
-- Every message of the last hour arrived wherever it was to be sent.
-- do: look at the execution in n8n; an address or a token in the settings may be wrong.
SELECT summary_id, kind, created_at, sent_slack, sent_telegram, sent_jira, execution_url
FROM lake.market.ops_summary
WHERE created_at >= $now - INTERVAL 1 HOUR AND 'failed' IN (sent_slack, sent_telegram, sent_jira)
ORDER BY created_at DESC, summary_id
