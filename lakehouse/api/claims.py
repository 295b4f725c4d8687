"""Who is at work on which spike: an event that comes twice is explained once."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from lakehouse.api.problems import ProblemError

# Longer than an execution of the workflow may take: who has not reported by then never will.
CLAIM_SECONDS: Final = 150
_MOST_KEPT: Final = 10_000

_Value = TypeVar("_Value")


class Claims:
    """For one thread, the event loop's. `clock`: seconds.

    Claims are forgotten at a restart; what was handled is then known from `ops_summary`.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._taken: OrderedDict[str, float] = OrderedDict()
        self._handled: OrderedDict[str, None] = OrderedDict()

    def take(self, event_id: str, on_record: Mapping[str, str]) -> None:
        """Claim an event; ProblemError 409 where it was handled or somebody is at it.

        `on_record`: handled events of the table. What was reported here may not be there yet.
        """
        if event_id in on_record or event_id in self._handled:
            detail = "This spike was explained already."
            raise ProblemError(409, "already_handled", detail, more=_of(event_id, "sent"))
        left = self._taken.get(event_id, -CLAIM_SECONDS) + CLAIM_SECONDS - self._clock()
        if left > 0:
            detail = "This spike is being explained right now."
            raise ProblemError(409, "under_way", detail, int(left) + 1, _of(event_id, "claimed"))
        self._put(self._taken, event_id, self._clock())

    def give_back(self, event_id: str) -> None:
        """The next one may have it; nothing happens where nobody has it."""
        self._taken.pop(event_id, None)

    def handle(self, event_id: str) -> None:
        """People have it."""
        self.give_back(event_id)
        self._put(self._handled, event_id, None)

    @staticmethod
    def _put(kept: OrderedDict[str, _Value], event_id: str, value: _Value) -> None:
        kept[event_id] = value
        kept.move_to_end(event_id)
        if len(kept) > _MOST_KEPT:
            kept.popitem(last=False)


def _of(event_id: str, by: str) -> dict[str, str]:
    return {"event_id": event_id, "by": by}
