"""The dashboard of the market: the newest minute of each symbol."""

from tests.dashboard_model import Panel, Query, Row
from tests.dashboard_parts import one


def _of_symbol(title: str, name: str, description: str, unit: str = "short") -> Panel:
    metric = f'firehose_lake_symbol_{name}{{symbol=~"$symbol"}}'
    return Panel(title, description, one(metric, "{{symbol}}"), unit)


_NEWEST = tuple(
    Query(f'firehose_lake_symbol_{name}{{symbol=~"$symbol"}}', legend)
    for name, legend in (
        ("close", "price"), ("vwap", "vwap 1m"), ("return", "return 1m"), ("volume", "volume"),
        ("quote_volume", "quote volume"), ("trades", "trades"), ("spikes_24h", "spikes 24h"),
    )
)  # fmt: skip
MARKET = (
    Row(
        "Now",
        (
            Panel(
                "Newest minute of each symbol", "Of the 50 with the most quote volume.",
                _NEWEST, kind="table", width=24, height=9,
            ),
        ),
    ),
    Row(
        "Prices and volumes",
        (
            Panel(
                "Price and VWAP", "Last trade and volume-weighted average of the newest minute.",
                (
                    Query('firehose_lake_symbol_close{symbol=~"$symbol"}', "{{symbol}}"),
                    Query('firehose_lake_symbol_vwap{symbol=~"$symbol"}', "{{symbol}} vwap"),
                ),
                width=16, height=9,
            ),
            _of_symbol("Return", "return", "Against the minute before.", "percentunit"),
            _of_symbol("Volume", "volume", "Base currency in the newest minute."),
            _of_symbol("Quote volume", "quote_volume", "Quote currency in the newest minute."),
            _of_symbol("Trades", "trades", "Trades of the newest minute."),
            _of_symbol("Spikes", "spikes_24h", "Spikes of the last 24 hours."),
            Panel(
                "Age of the newest minute", "How far each symbol is behind the clock.",
                one(
                    'time() - firehose_lake_symbol_minute_timestamp{symbol=~"$symbol"}',
                    "{{symbol}}",
                ), "s",
            ),
        ),
    ),
)  # fmt: skip
