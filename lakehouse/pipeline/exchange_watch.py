"""Tells people, once each time, when the producer has no exchange and when it has one again."""

from collections.abc import Callable

from lakehouse.pipeline.figures import ProducerFigures

# A reconnect takes a second or two and happens daily: not worth a line.
_PATIENCE_SECONDS = 5.0


class ExchangeWatch:
    """Fed with the producer's figures and a monotonic clock (s); reports changes that last."""

    def __init__(self, url: str, report: Callable[[str], None]) -> None:
        self._url = url
        self._report = report
        self._away_since: float | None = None
        self._told = False

    def see(self, figures: ProducerFigures, now: float) -> None:
        """Take the newest figures."""
        if figures.connected:
            if self._told:
                self._report("The exchange is there again.")
            self._away_since, self._told = None, False
        elif self._away_since is None:
            self._away_since = now
        elif not self._told and now - self._away_since >= _PATIENCE_SECONDS:
            self._told = True
            self._report(f"The exchange {self._url} can't be reached; the producer keeps trying.")
