/* How long the repaired gaps of each symbol were open, in seconds, by where their trades came from;
   the slowest first. */
SELECT exchange, symbol, repaired_from, count(*) AS gaps,
       sum(to_id - from_id + 1)::BIGINT AS ids,
       round(median(seconds), 3) AS median_s,
       round(quantile_cont(seconds, 0.99), 3) AS p99_s,
       round(max(seconds), 3) AS worst_s, max_by(from_id, seconds) AS worst_from_id
FROM (
  SELECT *, (epoch_us(repaired_at) - epoch_us(detected_at)) / 1e6 AS seconds
  FROM lake.market.ops_gap
  WHERE status = 'repaired'
)
GROUP BY exchange, symbol, repaired_from
ORDER BY worst_s DESC, exchange, symbol, repaired_from
