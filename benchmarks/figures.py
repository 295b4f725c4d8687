"""Results and what is computed from them: medians over rounds, ratios within a round. Pure."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple


class Result(NamedTuple):
    """One run of one client.

    `seconds` from the first frame sent to the last one parsed (no Kafka) or acknowledged;
    `cpu_seconds` of the client's process alone; `in_kafka` are distinct trades read back.
    """

    client: str
    frames: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    in_kafka: int | None = None
    repeated: int = 0
    out_of_order: int = 0

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.frames / self.seconds

    @property
    def rate_per_core(self) -> float:
        """Messages a second of CPU time."""
        return self.frames / max(self.cpu_seconds, 1e-9)

    @property
    def complete(self) -> bool:
        """Whether every frame is in Kafka exactly once, or there was no Kafka."""
        return self.in_kafka in (None, self.frames) and not self.repeated


Round = Mapping[str, Result]


def middle(rounds: Sequence[Round], client: str, figure: Callable[[Result], float | None]) -> float:
    """The median over the rounds; NaN where no round has the figure."""
    found = [value for row in rounds if (value := figure(row[client])) is not None]
    return median(found) if found else float("nan")


def ratio(
    rounds: Sequence[Round], client: str, base: str, figure: Callable[[Result], float]
) -> float:
    """The median of a client's figure over the base's figure in the same round."""
    return median(figure(row[client]) / figure(row[base]) for row in rounds)


def quantile(buckets: Sequence[tuple[float, float]], part: float) -> float:
    """A quantile of a histogram: (upper bound, count up to it) ascending; linear inside a bucket.

    NaN where it is empty; the last finite bound where the quantile lies beyond all of them.
    """
    wanted, low, below = part * (buckets[-1][1] if buckets else 0), 0.0, 0.0
    if not wanted:
        return float("nan")
    for high, count in buckets:
        if count >= wanted:
            inside = (wanted - below) / max(count - below, 1)
            return low if high == float("inf") else low + (high - low) * inside
        low, below = high, count
    return low


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The least-squares slope of y over x; 0 where there are fewer than two points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
