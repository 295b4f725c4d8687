"""What may be asked: the parameters of each path, their bounds and defaults. Others are refused."""

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lakehouse.api.hour_files import KEPT_HOURS
from lakehouse.api.instants import MINUTE_MICROS, micros
from lakehouse.api.pages import Span
from lakehouse.api.problems import ProblemError
from lakehouse.setting_values import names

MOST_MINUTES: Final = 1_500  # a day fits into one page
MOST_ROWS: Final = 500
MOST_SYMBOLS: Final = 100
MOST_SUMMARIES: Final = 100  # each with its facts

_WORD: Final = r"^[^\s,]{1,50}$"
Symbol = Annotated[str, Field(pattern=_WORD, examples=["BTCUSDT"])]
Exchange = Annotated[str, Field(pattern=_WORD, examples=["binance"])]
Cursor = Annotated[
    str | None, Field(max_length=300, description="`next` of the page before; else as it was")
]
FROM: Final = "first instant, ISO 8601 with a zone, included"
TO: Final = "end, ISO 8601 with a zone, not included"


class Query(BaseModel):
    """A parameter that is not named is a mistake, not silence."""

    model_config = ConfigDict(extra="forbid")


class PulseQuery(Query):
    """All symbols, or those that are named."""

    symbols: Annotated[
        str | None,
        Field(max_length=2_000, description="a comma list", examples=["BTCUSDT,ETHUSDT"]),
    ] = None

    def names(self) -> tuple[str, ...]:
        """The symbols that are named, each once."""
        found = names(self.symbols or "")
        if len(found) > MOST_SYMBOLS:
            detail = f"symbols: {len(found)} are named, {MOST_SYMBOLS} may be; none means all."
            raise ProblemError(422, "bad_parameter", detail)
        return found


class SpanQuery(Query):
    """A span of time and a page of it."""

    from_: Annotated[AwareDatetime | None, Field(alias="from", description=FROM)] = None
    to: Annotated[AwareDatetime | None, Field(description=TO)] = None
    cursor: Cursor = None

    def span(self, newest: int, default_minutes: int) -> Span:
        """The minutes that begin in it; by default the last ones up to the newest."""
        end = newest + 1 if self.to is None else _minute_from(self.to)
        first = end - default_minutes if self.from_ is None else _minute_from(self.from_)
        if first > end:
            raise ProblemError(422, "bad_parameter", "from: lies after to.")
        return Span(max(first, 0), end - 1)


class MinutesQuery(SpanQuery):
    """One symbol's minutes."""

    symbol: Symbol
    exchange: Exchange = "binance"
    limit: Annotated[int, Field(ge=1, le=MOST_MINUTES)] = 500


class SpikesQuery(SpanQuery):
    """Spikes of one symbol, or of all."""

    symbol: Symbol | None = None
    exchange: Exchange | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100


class AuditQuery(Query):
    """Batches of one job, or of all."""

    job: Annotated[str | None, Field(max_length=200)] = None
    status: Literal["ok", "failed"] | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100
    cursor: Cursor = None


class GapsQuery(Query):
    """Gaps of one symbol, or of all."""

    symbol: Symbol | None = None
    status: Literal["open", "repaired", "unrepairable"] | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100
    cursor: Cursor = None


class CompletenessQuery(PulseQuery):
    """The newest hours of all symbols, or of those that are named."""

    hours: Annotated[int, Field(ge=1, le=KEPT_HOURS)] = 24


class SummariesQuery(Query):
    """Summaries of one kind or of one spike, or all."""

    kind: Literal["pulse", "spike"] | None = None
    event_id: Annotated[str | None, Field(max_length=200)] = None
    limit: Annotated[int, Field(ge=1, le=MOST_SUMMARIES)] = 20
    cursor: Cursor = None


def _minute_from(at: AwareDatetime) -> int:
    """The first minute that begins at this instant or after it."""
    return -(-micros(at) // MINUTE_MICROS)
