"""A desk in a few lines around a sequencer, for its tests."""

from lakehouse.trade import Source, Trade
from producer.sequencer import Gap, Patience, Sequencer, Verdict

PATIENCE = Patience(settle=0.1, hold=2.0, most_held=50, most_jump=1000)


def trade(agg_id: int, source: Source = "ws", symbol: str = "S") -> Trade:
    return Trade("binance", symbol, agg_id, "1.0", "2.0", 1, 1, 0, 0, True, 0, source)


class Desk:
    """What the real desk does with a sequencer, in a few lines; `log` is what Kafka would hold."""

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self.sequencer = Sequencer(patience)
        self.log: list[Trade] = []
        self.gaps: list[Gap] = []
        self.duplicates = 0
        self.now = 0.0

    def take(self, *trades: Trade) -> list[Verdict]:
        return [self._take(each) for each in trades]

    def ids(self, *agg_ids: int) -> list[Verdict]:
        return self.take(*map(trade, agg_ids))

    def tick(self, seconds: float = 0.05, clear: bool = True) -> list[Gap]:
        self.now += seconds
        found = self.sequencer.tick(self.now)
        self.gaps += found
        for gap in found if clear else []:
            self.sequencer.cleared(gap)
        self._drain()
        return found

    def _take(self, each: Trade) -> Verdict:
        verdict = self.sequencer.take(each)
        self._drain()
        if verdict in (Verdict.IN_ORDER, Verdict.LATE):
            self.log.append(each)
        self.duplicates += verdict is Verdict.DUPLICATE
        return verdict

    def _drain(self) -> None:
        self.log += self.sequencer.released
        self.sequencer.released.clear()

    @property
    def sent(self) -> list[int]:
        return [each.agg_id for each in self.log]
