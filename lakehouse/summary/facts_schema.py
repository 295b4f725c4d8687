"""The JSON of facts, field by field: what came back from outside is read by this. Pure.

Decimals are exact strings, instants ISO 8601 in UTC, windows minutes.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from lakehouse.summary.figures import KINDS, Unit

VERSION = 1

Exact = Annotated[str, StringConstraints(pattern=r"^-?\d{1,40}(\.\d{1,20})?$")]
Instant = Annotated[AwareDatetime, Field(strict=False)]
Count = Annotated[int, Field(ge=0)]
Window = Annotated[int, Field(ge=1, le=100_000)]
Status = Literal["spike", "calm", "warming_up"]
Direction = Literal["up", "down", "flat", "unknown"]


class Part(BaseModel):
    """Nothing beyond what is named, and nothing turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class FigureJson(Part):
    """A figure as it is shown. `unit`: quote or base currency, percent, times, count."""

    kind: Annotated[str, Field(pattern=f"^({'|'.join(KINDS)})$")]
    unit: Unit
    window_minutes: Window | None
    value: Exact
    shown: str


class ReasonJson(Part):
    """Why the source is not ok."""

    code: str
    text: str


class SourceJson(Part):
    """The health of the source, as the API told it."""

    status: Literal["ok", "degraded", "stale"]
    newest_minute: Instant | None
    open_gaps: Count
    missing_ids: Count
    reasons: list[ReasonJson]


class SymbolJson(Part):
    """One symbol. `minutes_behind` and `direction_window_minutes` are of a pulse only."""

    exchange: str
    symbol: Annotated[str, Field(min_length=1, max_length=100)]
    minute: Instant
    minutes_behind: Count | None = None
    direction: Direction
    direction_window_minutes: Window | None = None
    spike: Status
    spike_reasons: list[str]
    figures: list[FigureJson]


class RowJson(Part):
    """One minute in the small table of a spike, as shown; null is not known."""

    minute: Instant
    close: str | None
    change: str | None
    volume: str | None


class PulseJson(Part):
    """Facts of a pulse. `left_out`: symbols that it had beyond those listed."""

    kind: Literal["pulse"]
    version: Literal[1]
    source: SourceJson
    symbols: list[SymbolJson]
    left_out: Count


class SpikeJson(Part):
    """Facts of a spike: one symbol, and its last minutes."""

    kind: Literal["spike"]
    version: Literal[1]
    source: SourceJson
    symbols: Annotated[list[SymbolJson], Field(min_length=1, max_length=1)]
    event_id: str
    rows: Annotated[list[RowJson], Field(min_length=1)]


AnyFacts = Annotated[PulseJson | SpikeJson, Field(discriminator="kind")]
