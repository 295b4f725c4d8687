"""What retention has taken out of a table, as the table's own properties tell it. Pure.

It is noted in the very commit that takes files away, and stays when that commit's snapshot is let
go: so proofs add what is gone, and never take it for lost.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

# Also in the summary of each commit of retention.
ROWS: Final = "firehose.removed-rows"
_BEFORE: Final = "firehose.removed-before"
_SUMS: Final = "firehose.removed-sums"
_DELETED: Final = "deleted-records"
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Removed:
    """All that retention took away so far: `rows`, each with a time earlier than `before` (UTC).

    Rows of that time that came too lately to go, or came back since, may still stand. `sums`, of
    ops_audit: the rows that Silver's stream had read in the batches of each query.
    """

    before: datetime = BEGINNING
    rows: int = 0
    sums: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, properties: Mapping[str, str]) -> "Removed":
        """From a table's properties."""
        before = properties.get(_BEFORE)
        return cls(
            BEGINNING if before is None else datetime.fromisoformat(before),
            int(properties.get(ROWS, "0")),
            json.loads(properties.get(_SUMS, "{}")),
        )

    @property
    def properties(self) -> dict[str, str]:
        """As the table keeps it."""
        noted = {_BEFORE: self.before.isoformat(), ROWS: str(self.rows)}
        return noted | ({_SUMS: json.dumps(dict(self.sums))} if self.sums else {})

    def and_also(self, other: "Removed") -> "Removed":
        """With what is taken away next."""
        queries = {*self.sums, *other.sums}
        sums = {each: self.sums.get(each, 0) + other.sums.get(each, 0) for each in queries}
        return Removed(max(self.before, other.before), self.rows + other.rows, sums)

    def rows_before(self, summaries_after: Iterable[Mapping[str, Any]]) -> int:
        """The rows that were gone at an earlier snapshot, by the summaries of those after it."""
        since = (int(each.get(_DELETED, 0)) for each in summaries_after if ROWS in each)
        return self.rows - sum(since)
