-- Trades ({source}) → one bar for each exchange, symbol and minute that has any.
SELECT exchange, symbol, date_trunc('MINUTE', event_ts) AS minute_ts,
  min_by(price, agg_id) AS open,
  max(price) AS high,
  min(price) AS low,
  max_by(price, agg_id) AS close,
  sum(qty) AS volume,
  sum(quote_qty) AS quote_volume,
  count(*) AS trades,
  sum(last_trade_id - first_trade_id + 1) AS exchange_trades,
  CAST(sum(CASE WHEN is_buyer_maker THEN 0 ELSE qty END) AS DECIMAL(38,8)) AS taker_buy_volume
FROM {source}
GROUP BY exchange, symbol, date_trunc('MINUTE', event_ts)
