"""What the API answers, field by field; tests hold real answers and examples against this.

Decimals are exact strings, times ISO 8601 in UTC. docs/api.md tells how each figure is defined.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Exact = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$", examples=["61837.63000000"])]
Instant = Annotated[datetime, Field(examples=["2026-11-21T12:34:00Z"])]


class Answer(BaseModel):
    """Nothing beyond what is named here is ever answered."""

    model_config = ConfigDict(extra="forbid")


class Reason(Answer):
    """Why the source's status is not ok."""

    code: Annotated[str, Field(examples=["open_gaps"])]
    text: str


class Source(Answer):
    """What a summary must say of the data that it stands on."""

    status: Literal["ok", "degraded", "stale"]
    reasons: list[Reason]
    newest_minute: Instant | None
    gold_committed_at: Instant | None
    open_gaps: int
    missing_ids: int
    failed_batches: int
    failed_since: Annotated[Instant | None, Field(description="null: since the table's beginning")]


class Volume(Answer):
    """Base currency over the last full minutes, against what is usual."""

    total: Exact | None
    usual: Exact | None
    ratio: Exact | None


class Volumes(Answer):
    """By the length of the window. `24h` has no usual: that would need days of history."""

    m1: Annotated[Volume, Field(alias="1m")]
    m5: Annotated[Volume, Field(alias="5m")]
    m30: Annotated[Volume, Field(alias="30m")]
    h24: Annotated[Volume, Field(alias="24h")]


class Spike(Answer):
    """Whether the newest minute stands out, and how often that was within 24 hours."""

    status: Literal["spike", "calm", "warming_up"]
    reasons: list[str]
    count_24h: int
    newest_minute: Instant | None


class SymbolPulse(Answer):
    """One symbol now."""

    exchange: Annotated[str, Field(examples=["binance"])]
    symbol: Annotated[str, Field(examples=["BTCUSDT"])]
    minute: Instant
    is_final: bool | None
    minutes_behind: int
    updated_at: Instant | None
    price: Exact
    change_1m: Exact | None
    change_5m: Exact | None
    change_30m: Exact | None
    change_24h: Exact | None
    vwap_1m: Exact | None
    vwap_30m: Exact | None
    vwap_24h: Exact | None
    price_ma_30m: Exact | None
    volume: Volumes
    quote_volume_24h: Exact | None
    trades_24h: int | None
    spike: Spike
    open_gaps: int
    missing_ids: int


class Pulse(Answer):
    """GET /v1/pulse"""

    source: Source
    symbols: list[SymbolPulse]


class Minute(Answer):
    """One row of `crypto_gold_minute` (docs/gold.md)."""

    exchange: str
    symbol: str
    minute_ts: Instant
    open: Exact | None
    high: Exact | None
    low: Exact | None
    close: Exact | None
    volume: Exact | None
    quote_volume: Exact | None
    trades: int | None
    exchange_trades: int | None
    taker_buy_volume: Exact | None
    vwap_1m: Exact | None
    volume_5m: Exact | None
    price_ma_30m: Exact | None
    return_1m: Exact | None
    spike: bool | None
    spike_reasons: list[str] | None
    is_final: bool | None
    updated_at: Instant | None


class Minutes(Answer):
    """GET /v1/minutes: oldest first. `next` is the cursor of the next page; null on the last."""

    minutes: list[Minute]
    next: str | None


class Spikes(Answer):
    """GET /v1/spikes: newest first."""

    spikes: list[Minute]
    next: str | None


class Batch(Answer):
    """One row of `ops_audit` (docs/tables.md)."""

    run_id: str | None
    job: str
    batch_id: int | None
    query_id: str | None
    started_at: Instant | None
    finished_at: Instant | None
    rows_in: int | None
    rows_out: int | None
    rows_duplicate: int | None
    rows_late: int | None
    dq_pass: int | None
    dq_fail: int | None
    rows_upserted: int | None
    max_lag_ms: int | None
    status: str
    error: str | None
    details: str | None


class Batches(Answer):
    """GET /v1/audit: newest first, all since `since` (null: since the table's beginning)."""

    batches: list[Batch]
    since: Instant | None
    next: str | None


class Gap(Answer):
    """One row of `ops_gap` (docs/tables.md); `ids` is to_id - from_id + 1."""

    exchange: str
    symbol: str
    from_id: int
    to_id: int
    ids: int
    status: Literal["open", "repaired", "unrepairable"]
    detected_at: Instant | None
    repaired_at: Instant | None
    repaired_from: str | None
    reason: str | None
    updated_at: Instant | None


class Gaps(Answer):
    """GET /v1/gaps: newest first. `counts`: gaps of the whole table by status."""

    gaps: list[Gap]
    counts: dict[str, int]
    next: str | None


class LayerHealth(Answer):
    """One table: its newest commit, and the newest batch with rows of the job that fills it."""

    table: str
    rows: int
    committed_at: Instant | None
    age_seconds: float | None
    last_batch_at: Instant | None
    lag_ms: int | None
    worst_lag_ms_1h: int | None


class JobHealth(Answer):
    """The newest row of `ops_audit` of one job."""

    job: str
    status: str
    finished_at: Instant | None
    rows_in: int | None
    rows_out: int | None
    rows_duplicate: int | None
    dq_fail: int | None
    error: str | None
    failed_batches: int


class Health(Answer):
    """GET /v1/health"""

    source: Source
    data_age_seconds: Annotated[float | None, Field(description="since the newest minute's end")]
    snapshot_age_seconds: Annotated[float, Field(description="since the lake was last read")]
    layers: list[LayerHealth]
    jobs: list[JobHealth]
    open_gaps_since: Instant | None
    gaps: dict[str, int]


class Wrong(Answer):
    """A parameter that can't be used."""

    parameter: str
    message: str


class Problem(Answer):
    """Any error: RFC 9457, with a stable code."""

    type: str
    title: str
    status: int
    code: Annotated[str, Field(examples=["unknown_symbol"])]
    detail: str
    errors: list[Wrong] | None = None
    event_id: str | None = None
    by: Literal["sent", "claimed"] | None = None
