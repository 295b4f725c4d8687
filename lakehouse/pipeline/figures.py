"""The producer's own figures, read from its metrics page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException

from prometheus_client.parser import text_string_to_metric_families

from lakehouse.pipeline.direct import OPENER

_PREFIX = "firehose_producer_"


@dataclass(frozen=True)
class ProducerFigures:
    """Frames and messages since the producer started; `connected`: 1 while an exchange is there."""

    frames_received: int = 0
    control_frames: int = 0
    delivered: int = 0
    dlq_delivered: int = 0
    in_flight: int = 0
    rest_trades: int = 0
    held: int = 0
    gaps: int = 0
    open_gaps: int = 0
    repair_pending: int = 0
    duplicates: int = 0
    reconnects: int = 0
    connected: int = 0

    @property
    def all_accounted(self) -> bool:
        """All that came is acknowledged by Kafka, or came before, or was no trade."""
        done = self.delivered + self.dlq_delivered + self.control_frames + self.duplicates
        return self.in_flight == 0 and self.frames_received + self.rest_trades == done


def fetch(port: int) -> ProducerFigures | None:
    """The figures of the producer whose metrics are on `port`; None while it does not answer."""
    try:
        with OPENER.open(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except (OSError, HTTPException):  # killed in the middle of an answer, for one
        return None
    return parse(text)


def last_ids(port: int) -> Mapping[str, int]:
    """The highest id of each symbol that the producer has taken; empty while it does not answer."""
    try:
        with OPENER.open(f"http://127.0.0.1:{port}/status", timeout=5) as answer:
            found: dict[str, int] = json.load(answer).get("last_ids", {})
            return found
    except (OSError, ValueError, HTTPException):
        return {}


def parse(text: str) -> ProducerFigures:
    """Figures from the Prometheus text format."""
    values = {
        sample.name.removeprefix(_PREFIX).removesuffix("_total"): int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels and not sample.name.endswith("_timestamp")
    }
    known = ProducerFigures.__dataclass_fields__
    return ProducerFigures(**{name: value for name, value in values.items() if name in known})
