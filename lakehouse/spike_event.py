"""The event that tells of a spike: what a webhook's receiver gets. Pure.

Its bytes are fixed when the spike is found, and stand in the outbox `ops_spike`.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Amount = Annotated[
    str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="an exact decimal, as Gold has it")
]
Reason = Literal["return_up", "return_down", "volume_high"]


class SpikeEvent(BaseModel):
    """The minute of Gold (docs/gold.md) as it stood when it was found to be a spike."""

    model_config = ConfigDict(extra="allow", frozen=True)

    event_id: Annotated[str, Field(description="exchange-symbol-minute; the same in every attempt")]
    kind: Literal["spike"] = "spike"
    schema_version: Literal[1] = 1
    exchange: Annotated[str, Field(min_length=1)]
    symbol: Annotated[str, Field(min_length=1)]
    minute_ts: AwareDatetime
    detected_at: AwareDatetime
    open: Amount
    high: Amount
    low: Amount
    close: Amount
    volume: Amount
    quote_volume: Amount
    trades: int
    vwap_1m: Amount
    volume_5m: Amount
    price_ma_30m: Amount
    return_1m: Amount
    spike_reasons: list[Reason]
    is_final: bool

    def body(self) -> str:
        """The event as JSON, which is what is posted and signed."""
        return self.model_dump_json()


def event_id(exchange: str, symbol: str, minute_ts: datetime) -> str:
    """`binance-BTCUSDT-2026-11-21T13:30:00Z`."""
    return f"{exchange}-{symbol}-{minute_ts.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
