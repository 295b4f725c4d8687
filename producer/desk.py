"""The desk: every trade passes here on its way to Kafka, live or repaired.

It asks the sequencer what to do with a trade, keeps the account of gaps, and hands over to the
sink. It never waits: False means that there is no room now.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from lakehouse.messages import encode
from lakehouse.trade import Trade
from producer.ledger import Ledger
from producer.logs import Limit, Log
from producer.metrics import Counters
from producer.protocol import DeadLetter, Outcome
from producer.sequencer import Gap, Sequencer, Verdict
from producer.sink import Sink

BEYOND_LIMIT: Final = "more ids than RESUME_MAX_TRADES"
IMPLAUSIBLE: Final = "agg_id_implausible"
_POLL_EVERY: Final = 256
_LOG_SECONDS: Final = 1.0


class Desk:
    """The Intake that connections and the repairer hand over to.

    `request` is called with every gap that is to be repaired.
    """

    def __init__(
        self,
        sequencer: Sequencer,
        ledger: Ledger,
        sink: Sink,
        counters: Counters,
        log: Log,
        most_repaired: int,
    ) -> None:
        """Of one gap the newest `most_repaired` ids are asked for; the rest stays open."""
        self.request: Callable[[Gap], None] = _nobody
        self._sequencer = sequencer
        self._released = sequencer.released
        self._ledger = ledger
        self._sink = sink
        self._counters = counters
        self._log = log
        self._most = most_repaired
        self._sends = 0
        self._now = 0.0
        self._limit = Limit(_LOG_SECONDS)

    def offer(self, outcome: Outcome) -> bool:
        """See Intake."""
        if isinstance(outcome, Trade):
            if not self._take(outcome):
                return False
            self._counters.trade(outcome.symbol)
            return True
        if isinstance(outcome, DeadLetter):
            return self._bury(outcome)
        self._counters.control_frames += 1
        self._tell(f"control_{outcome.kind}", detail=outcome.detail)
        return True

    def offer_repaired(self, trade: Trade) -> bool:
        """See Intake."""
        if not self._take(trade):
            return False
        self._counters.rest_trades += 1
        return True

    def absent(self, symbol: str, from_id: int, to_id: int) -> None:
        """See Intake."""
        self._log.warning("ids_unrepairable", symbol=symbol, from_id=from_id, to_id=to_id)
        self._sequencer.absent(symbol, from_id, to_id)
        self._ledger.absent(symbol, from_id, to_id)

    def last_id(self, symbol: str) -> int | None:
        """See Intake."""
        return self._sequencer.last_id(symbol)

    def tick(self, now: float) -> None:
        """Let go of what has waited enough, tell of gaps; a few dozen times a second."""
        self._now = now
        self._drain()
        for gap in self._sequencer.tick(now):
            self._found(gap)
        self._drain()
        self._bury_refused()
        self.write_gaps()
        self._counters.held = self._sequencer.held

    def hurry(self, now: float) -> None:
        """As `tick`, before a stop: nothing waits for a repair any longer than it must."""
        self._sequencer.hurry()
        self.tick(now)

    def reopen(self) -> None:
        """Ask again for the gaps that were open at the last stop."""
        for entry in self._ledger.entries():
            beyond = entry.reason == BEYOND_LIMIT
            wanted = entry.to_id - entry.from_id + 1
            if wanted <= self._most or not beyond:
                for lo, hi in entry.left:
                    self._ask(Gap(entry.symbol, max(lo, hi - self._most + 1), hi))

    def write_gaps(self) -> None:
        """Send the records of gaps that wait, as far as there is room."""
        outgoing = self._ledger.outgoing
        while outgoing and self._sink.send_state(outgoing[0].message, outgoing[0].then):
            outgoing.popleft()

    @property
    def idle(self) -> bool:
        """Whether nothing that was taken still waits here."""
        waiting = self._released or self._sequencer.refused or self._ledger.outgoing
        return not (waiting or self._sequencer.held)

    @property
    def sent_all(self) -> bool:
        """Whether all that was let through has been handed to the sink."""
        return not self._released

    def _take(self, trade: Trade) -> bool:
        if self._released and not self._drain():
            return False
        verdict = self._sequencer.take(trade)
        if verdict is Verdict.IN_ORDER or verdict is Verdict.LATE:
            if self._released or not self._send(trade):
                self._released.append(trade)
                self._drain()
            self._counters.out_of_order += verdict is Verdict.LATE
        elif verdict is Verdict.DUPLICATE:
            self._counters.duplicates += 1
        elif verdict is Verdict.FULL:
            return False
        elif self._released:
            self._drain()
        return True

    def _drain(self) -> bool:
        """Send what is let through; False where the sink is full."""
        released = self._released
        while released:
            if not self._send(released[0]):
                return False
            released.popleft()
        return True

    def _send(self, trade: Trade) -> bool:
        self._sends += 1
        if self._sends % _POLL_EVERY == 0:
            self._sink.poll()
        if not self._ledger.concerns(trade.symbol):
            return self._sink.send(trade)
        return self._sink.send(trade, self._ledger.sent(trade))

    def _found(self, gap: Gap) -> None:
        counters = self._counters
        counters.gaps += 1
        counters.gap_ids += gap.ids
        self._tell("gap", symbol=gap.symbol, from_id=gap.from_id, to_id=gap.to_id, ids=gap.ids)
        border = max(gap.from_id, gap.to_id - self._most + 1)
        if border > gap.from_id:
            self._open(Gap(gap.symbol, gap.from_id, border - 1), BEYOND_LIMIT)
        if border <= gap.to_id:
            self._ask(self._open(Gap(gap.symbol, border, gap.to_id), ""))

    def _open(self, gap: Gap, reason: str) -> Gap:
        self._ledger.open(gap, reason, partial(self._sequencer.cleared, gap))
        return gap

    def _ask(self, gap: Gap) -> None:
        if gap.from_id <= gap.to_id:
            self.request(gap)

    def _bury(self, letter: DeadLetter) -> bool:
        if not self._sink.send_dead_letter(letter):
            return False
        self._counters.dead_letter(letter.reason)
        self._tell("dead_letter", reason=letter.reason, raw_bytes=len(letter.raw))
        return True

    def _bury_refused(self) -> None:
        refused = self._sequencer.refused
        while refused:
            trade = refused[0]
            # The frame itself is gone by now; its message holds all that it said.
            if not self._bury(DeadLetter(encode(trade), IMPLAUSIBLE, trade.ingest_time)):
                return
            refused.popleft()

    def _tell(self, event: str, **fields: object) -> None:
        """Log, but a second of a flood in one line: `unsaid` were like it and held back."""
        unsaid = self._limit.ask(event, self._now)
        if unsaid is not None:
            self._log.warning(event, unsaid=unsaid, **fields)


def _nobody(gap: Gap) -> None:
    """Nobody repairs."""
    del gap
