"""What connections and the repairer hand over to: the one way into Kafka."""

from typing import Protocol

from lakehouse.trade import Trade
from producer.protocol import Outcome


class Intake(Protocol):
    """Takes what was received; False means no room now: stop reading, offer the same again."""

    def offer(self, outcome: Outcome) -> bool:
        """What one frame meant; every frame is offered until it is taken, once."""
        ...

    def offer_repaired(self, trade: Trade) -> bool:
        """A trade that came over REST."""
        ...

    def absent(self, symbol: str, from_id: int, to_id: int) -> None:
        """The exchange has no such ids, both ends included: REST has shown it."""
        ...

    def last_id(self, symbol: str) -> int | None:
        """The highest id known of a symbol, from Kafka or live; None where nothing is known."""
        ...
