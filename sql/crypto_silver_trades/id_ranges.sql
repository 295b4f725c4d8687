-- The ids that stand in Silver, as closed ranges: gaps and islands over the unbroken sequence.
SELECT exchange, symbol, min(agg_id) AS from_id, max(agg_id) AS to_id
FROM (
  SELECT exchange, symbol, agg_id,
         agg_id - row_number() OVER (PARTITION BY exchange, symbol ORDER BY agg_id) AS island
  FROM {source}
)
GROUP BY exchange, symbol, island
