/* The gaps noticed in each hour, newest first, and what became of their ids. */
SELECT date_trunc('hour', detected_at) AS hour, exchange, count(*) AS gaps,
       count(DISTINCT symbol) AS symbols, sum(ids)::BIGINT AS ids,
       coalesce(sum(ids) FILTER (status = 'repaired'), 0)::BIGINT AS ids_repaired,
       coalesce(sum(ids) FILTER (status = 'unrepairable'), 0)::BIGINT AS ids_unrepairable,
       coalesce(sum(ids) FILTER (status = 'open'), 0)::BIGINT AS ids_open
FROM (SELECT *, to_id - from_id + 1 AS ids FROM lake.market.ops_gap)
GROUP BY ALL
ORDER BY hour DESC, exchange
