"""What /v1/completeness answers, field by field; docs/api.md tells how each is defined."""

from typing import Annotated

from pydantic import Field

from lakehouse.api.models import Answer, Instant


class HourCell(Answer):
    """The ids of one symbol's trades of one hour in Silver."""

    exchange: str
    symbol: str
    hour: Instant
    first_id: int
    last_id: int
    expected: Annotated[int, Field(description="present + missing")]
    present: Annotated[int, Field(description="ids that are there, each counted once")]
    missing: Annotated[int, Field(description="up to the next trade, be it of another hour")]
    open: Annotated[int, Field(description="of the missing: still sought")]
    unrepairable: Annotated[int, Field(description="of the missing: the exchange has not got them")]
    unexplained: Annotated[int, Field(description="of the missing: no gap record names them")]
    duplicates: Annotated[int, Field(description="rows whose id was there already")]


class Completeness(Answer):
    """GET /v1/completeness: by exchange, symbol and hour, the oldest hour first."""

    silver_committed_at: Instant | None
    newest_hour: Instant | None
    unread_hours: Annotated[list[Instant], Field(description="files of them wait to be read")]
    failing_since: Annotated[Instant | None, Field(description="null: the newest look was good")]
    hours: list[HourCell]
