/* Volume-weighted average price of each symbol and UTC day, exact to 8 decimals, rounded half up.
   DuckDB's / gives floating point, so the quotient is taken of whole numbers: quote_volume in units
   of 10^-16 by volume in units of 10^-8 is the price in units of 10^-8. */
WITH totals AS (
  SELECT exchange, symbol, date_trunc('day', minute_ts) AS day, sum(trades)::BIGINT AS trades,
         sum(volume) AS volume, sum(quote_volume) AS quote_volume
  FROM lake.market.crypto_gold_minute
  GROUP BY ALL
), units AS (
  SELECT *, replace(quote_volume::VARCHAR, '.', '')::HUGEINT AS quote_units,
            replace(volume::VARCHAR, '.', '')::HUGEINT AS base_units
  FROM totals
)
SELECT exchange, symbol, day, trades, volume, quote_volume,
       ((2 * quote_units + base_units) // (2 * base_units))::DECIMAL(30, 0) * 0.00000001 AS vwap
FROM units
ORDER BY exchange, symbol, day DESC
