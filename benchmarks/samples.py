"""What a soak sees every few seconds, and its verdict. Pure."""

import math
from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Final, NamedTuple

from benchmarks.figures import slope

# Fitted growth over the measured time beyond this is not flat.
MOST_GROWTH_MIB: Final = 4.0
MOST_GROWTH_SHARE: Final = 0.03


class Sample(NamedTuple):
    """One look at the producer.

    `seconds` since the first frame; `cpu` is the share of a core since the last look; `sent` and
    `delivered` count from the start; `p99_ms` is receive → acknowledged of what came since the
    last look, NaN where nothing came.
    """

    seconds: float
    rss_mib: float
    cpu: float
    sent: int
    delivered: int
    in_flight: int
    p99_ms: float

    @property
    def lag(self) -> int:
        """Frames sent and not yet acknowledged."""
        return self.sent - self.delivered


class Verdict(NamedTuple):
    """What the samples after the warm-up say about memory; `growth_mib` is the fitted line's."""

    mib_per_hour: float
    growth_mib: float
    mean_mib: float
    most_mib: float
    flat: bool


def judge(samples: Sequence[Sample], warm_up_seconds: float) -> Verdict:
    """Fit a line through the memory after the warm-up; ValueError with fewer than two samples."""
    seen = [sample for sample in samples if sample.seconds >= warm_up_seconds]
    if len(seen) < 2:
        raise ValueError("fewer than two samples lie after the warm-up")
    per_second = slope([(sample.seconds, sample.rss_mib) for sample in seen])
    growth = per_second * (seen[-1].seconds - seen[0].seconds)
    average = mean(sample.rss_mib for sample in seen)
    allowed = max(MOST_GROWTH_MIB, MOST_GROWTH_SHARE * average)
    most = max(sample.rss_mib for sample in samples)
    return Verdict(3600 * per_second, growth, average, most, growth <= allowed)


def csv_lines(samples: Sequence[Sample]) -> Iterator[str]:
    """A header and a line a sample."""
    yield "seconds,rss_mib,cpu_share,sent,delivered,lag,in_flight,p99_ms"
    for one in samples:
        counts = f"{one.sent},{one.delivered},{one.lag},{one.in_flight}"
        p99 = "" if math.isnan(one.p99_ms) else f"{one.p99_ms:.1f}"
        yield f"{one.seconds:.1f},{one.rss_mib:.1f},{one.cpu:.3f},{counts},{p99}"
