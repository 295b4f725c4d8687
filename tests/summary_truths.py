"""Sentences that models write, true of the figures of tests/summaries.py."""

from typing import Final

# Of BTCUSDT in the pulse `one()`.
TRUE_TEXTS: Final = (
    "Price 61,990.10 USDT, up 0.25% over 1m and 0.31% over 5m, but down 0.12% over 30m.",
    "BTCUSDT trades at 61,990.10, down 3.46% over 24h.",
    "BTCUSDT trades at 62.0k USDT.",
    "The price is $61,990, down 3.5% in 24 hours.",
    "BTC slipped 0.12 percent in the last 30 minutes to 61,990.",
    "BTC fell −3.46% over 24h.",
    "A 0.12% drop over 30m leaves the price at 61.99 thousand USDT.",
    "Down 12 bps over 30m, up 25 basis points over 1m.",
    "Bitcoin is down 0.1% over 30m at 62k.",
    "The 1m VWAP is 61,933.02 and the 30m VWAP 61,721.90.",
    "VWAP is 61,933.02 over 1m and 61,721.90 over 30m.",
    "The price of 61,990.10 stands above its VWAP of 61,933.02 and above the 30m moving "
    "average of 61,702.41.",
    "The price is below the 24h VWAP of 62,811.12.",
    "Volume is 7.10 BTC over 1m, 1.37x its usual; over 5m it is 0.87x the usual.",
    "Volume was 22.5 BTC in 5m, which is below its usual.",
    "5m volume 22.50; price down 0.12% over 30m.",
    "Price down 0.12% over 30m on a volume of 160 BTC.",
    "The newest minute, 12:34 UTC, closed at 61,990.10.",
    "There were 81,234 trades in 24h and 0 spikes.",
    "81.2k trades in 24h, no spikes.",
    "No spike: the status is calm.",
    "Spike status calm. Price up 0.25% (1m), down 0.12% (30m), down 3.46% (24h).",
    "Prices fell over 30m, though they rose over 1m and 5m.",
    "Mixed: up over 5m, down over 30m.",
    "On 2026-11-21 at 12:34 UTC the price was 61,990.10.",
    "+0.25% (1m), +0.31% (5m), -0.12% (30m), -3.46% (24h).",
    "No open gaps, and nothing is missing.",
    "Taker buy volume is part of it.",
    "1m and 5m changes: 0.25% and 0.31%.",
    "Up 0.25\u202f% over the 5‑minute and 1m windows, at 61,990.10\u00a0USDT.",
    "160 BTC changed hands over 30m.",
    "BTCUSDT is trading at 61,990.10, up 0.25% over the last minute and 0.31% over 5m, "
    "but still down 0.12% over 30m and 3.46% over 24h.",
    "BTCUSDT traded at 61,990.10 USDT at 12:34 UTC, slipping 0.12% over the past 30 minutes.",
    "Bitcoin dipped 0.12% in the last 30 minutes to 61,990.10, with volume at 0.87x its "
    "usual level over 5m.",
    "The price currently sits at 61,990.10, slightly above the 30m VWAP of 61,721.90.",
    "Price 61,990.10; 1m +0.25%, 5m +0.31%, 30m -0.12%, 24h -3.46%. Volume (5m) 22.50 "
    "BTC, 0.87x usual. No spike.",
    "BTC/USDT last traded at $61,990.10, down 3.46% on the day.",
    "Over the last 24 hours BTCUSDT has fallen 3.46%, though it is up 0.25% over the last minute.",
    "It is down 3.46% over 24h while trading near 61,990.10 with 81,234 trades.",
    "BTCUSDT is calm: price 61,990.10, VWAP 61,933.02 (1m).",
    "BTCUSDT shows mixed moves: +0.25% in 1m, -0.12% in 30m.",
    "Short-term gains (+0.25% 1m, +0.31% 5m) contrast with a 24h decline of 3.46%.",
    "Trading volume over 30m was 160.00 BTC.",
    "Price: 61,990.10. Change: -0.12% (30m). VWAP: 61,721.90 (30m). Volume: 160.00 (30m)."
    " Spike status: calm.",
    "The 24-hour change stands at -3.46%, and the 24h VWAP at 62,811.12.",
    "BTCUSDT edged down 0.12% over 30m to 61,990.10, remaining above its 30-minute "
    "average of 61,702.41.",
    "BTCUSDT price is 61,990.10 with a 30m change of -0.12% and a volume of 160.00.",
    "Down 0.12% over 30m, BTCUSDT changed hands at 61,990.10 on volume of 160 BTC.",
    "BTCUSDT: 61,990.10 (-0.12% over 30m).",
    "Price at 61,990.10 is up by 0.25% in 1m.",
    "Its price moved from negative to positive over 1m.",
    "BTCUSDT is down 0.12% in 30m at a price of 61,990.10, VWAP 61,721.90 (30m), volume "
    "160.00 (30m), spike status calm.",
)

# Of the spike `spiked()`.
TRUE_OF_SPIKE: Final = (
    "BTCUSDT rose 0.25% in 1m, from 61,837.63 to 61,990.10, on a volume of 41.20 BTC, 8.24x "
    "its usual. High 61,999.00, low 61,837.63.",
    "Spike: price up, volume high. The close of 61,990.10 is above the VWAP of 61,933.02 and "
    "the average price of 61,702.41 over 30m.",
    "A spike of 0.25% over 1m with 812 trades; turnover was 2.55M USDT.",
    "It is the 2nd spike in 24h.",
    "The price is now 61,990.10, down 3.46% over 24h.",
    "BTCUSDT is up 0.47% over 29m.",
    "Heavy volume: 41.2 BTC in 1m, 63.7 BTC in 5m.",
    "BTCUSDT rose 0.25% in one minute to 61,990.10 on volume of 41.20 BTC, 8.24x its usual.",
    "BTCUSDT jumped 0.25% in 1m, moving from 61,837.63 to 61,990.10, as volume surged to "
    "41.20 BTC (8.24x its usual).",
    "A sharp upward move: price rose from 61,837.63 to 61,990.10 (+0.25%) within 1m, with"
    " 812 trades and 8.24x the usual volume.",
    "The close of 61,990.10 sits above both the VWAP of 61,933.02 and the 30m average of "
    "61,702.41.",
    "BTCUSDT spiked 0.25% in 1m at 12:34 UTC. Volume was 41.20 BTC, 8.24x its usual, "
    "across 812 trades.",
    "In the minute of 12:34 UTC the price climbed 0.25%, trading between a low of "
    "61,837.63 and a high of 61,999.00.",
    "BTCUSDT rose 0.25% in 1m, reaching a high of 61,999.00 before closing at 61,990.10.",
    "Over 24h the price is down 3.46%; this is spike 2 in 24h.",
)
