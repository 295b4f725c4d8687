"""What several dashboards use: choices, colours, kinds of panels."""

from collections.abc import Sequence
from typing import Final

from tests.dashboard_model import Panel, Query, Variable

STREAM: Final = Variable("stream", "firehose_spark_batches_total", "stream")
SYMBOL: Final = Variable("symbol", "firehose_lake_symbol_close", "symbol")
UP: Final = ((0, "down", "red"), (1, "up", "green"))
GOOD_AT_0: Final[Sequence[tuple[float | None, str]]] = ((None, "green"), (1, "red"))
GOOD_AT_1: Final[Sequence[tuple[float | None, str]]] = ((None, "red"), (1, "green"))
ALL_IDS: Final[Sequence[tuple[float | None, str]]] = ((None, "red"), (1.0, "green"))
AGE: Final[Sequence[tuple[float | None, str]]] = (
    (None, "green"),
    (120, "yellow"),
    (300, "red"),
)


def one(expr: str, legend: str = "") -> tuple[Query, ...]:
    """A panel's only query."""
    return (Query(expr, legend),)


def up(job: str, title: str, alert: str) -> Panel:
    """Whether Prometheus reaches a part."""
    return Panel(
        title,
        "Whether Prometheus reaches it.",
        one(f'up{{job="{job}"}}', title),
        kind="stat", width=4, height=4, bounds=GOOD_AT_1, words=UP, alert=alert,
    )  # fmt: skip


def quantiles(metric: str) -> tuple[Query, ...]:
    """Median and 99 % of a histogram."""
    return tuple(
        Query(f"histogram_quantile({q}, sum by (le) (rate({metric}_bucket[5m])))", f"{q:.0%}")
        for q in (0.5, 0.99)
    )
