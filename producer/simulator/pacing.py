"""How fast the exchange's time passes. Pure: clock readings in, the exchange's time out."""


class Pace:
    """The exchange's clock over the machine's, both in µs.

    At speed 0 there is no clock: frames go as fast as they are taken. While nobody takes them,
    time passes as it would at speed 1, so a client that is away misses what a live one would.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._anchor: tuple[int, int] | None = None

    def start(self, machine: int, exchange: int) -> None:
        """From now on the exchange's clock stands at `exchange`; 0 means: not known yet."""
        self._anchor = (machine, exchange) if exchange and self.speed else None

    def horizon(self, machine: int, due: int, taken: bool) -> int | None:
        """The exchange's time, up to which frames may go out; None: without bound.

        `due` is when the next frame is due, `taken` whether any client takes frames.
        """
        if not due:
            return 0
        if not self.speed and taken:
            self._anchor = None
            return None
        if self._anchor is None:
            self._anchor = (machine, due)
        since, began = self._anchor
        return began + int((machine - since) * (self.speed or 1.0))

    def wait(self, horizon: int, due: int) -> float:
        """Seconds of the machine until `due`."""
        return max(0.0, (due - horizon) / (self.speed or 1.0) / 1_000_000)
