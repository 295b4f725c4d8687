"""Hours in small: the producer at a steady rate, watched for memory, lag and latency.

`python -m benchmarks.soak [--rate 20000] [--minutes 30] [--csv FILE] [--svg FILE]`: our producer as
a process, the feeder as exchange, a real broker that keeps 256 MiB a partition. It moves to a new
connection every few minutes, so that this is in the figures too. Exit code 1 unless memory is flat
and all that was sent is acknowledged and appended exactly once.
"""

import argparse
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it has no __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from benchmarks import chart, ours
from benchmarks.feeder import Feeder, feeder
from benchmarks.proof import appended
from benchmarks.samples import Sample, Verdict, csv_lines, judge
from lakehouse.errors import FirehoseError, StackError
from lakehouse.settings import load
from lakehouse.stack import Stack
from lakehouse.stack.embedded import require_space

_LIMITS = {"retention.bytes": str(256 << 20), "segment.bytes": str(64 << 20)}
_LEAST_FREE = 6 << 30
_LAST_WORDS_SECONDS = 60.0
_EVENTS = ("rotations", "reconnects", "duplicates", "gaps", "rest_trades", "delivery_failed")


class Watch:
    """Looks at the producer; every look is a Sample."""

    def __init__(self, producer: ours.Producer, fed: Feeder, began: float) -> None:
        self._producer, self._fed, self._began = producer, fed, began
        self._process = psutil.Process(producer.process.pid)
        self._figures, self._cpu, self._at = producer.figures(), self._used(), time.time()
        self.samples: list[Sample] = []

    def look(self) -> Sample:
        """The next sample; StackError where the producer has ended."""
        if self._producer.process.poll() is not None:
            raise StackError("The producer ended during the soak.", "Its last lines are above.")
        if not self._fed.alive:
            raise StackError("The feeder ended during the soak.", "Its last lines are above.")
        self._fed.forget()
        sent, figures = self._fed.sent, self._producer.figures()
        used, now = self._used(), time.time()
        cpu = (used - self._cpu) / (now - self._at)
        sample = Sample(
            now - self._began, self._process.memory_info().rss / 2**20, cpu, sent,
            int(figures["delivered_total"]), int(figures["in_flight"]),
            ours.latency(figures, 0.99, self._figures),
        )  # fmt: skip
        self._figures, self._cpu, self._at = figures, used, now
        self.samples.append(sample)
        return sample

    @property
    def p99_ms(self) -> float:
        """Over the whole run."""
        return ours.latency(self._figures, 0.99)

    def happened(self) -> str:
        """What the producer counted beside trades, in words; counters it has not are left out."""
        counts = {name: self._figures.get(f"{name}_total") for name in _EVENTS}
        told = [f"{name} {int(count):,}" for name, count in counts.items() if count is not None]
        return ", ".join(told)

    def _used(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def soak(kafka: str, folder: Path, options: argparse.Namespace) -> bool:
    """Run, tell, write; whether all is well."""
    frames = int(options.rate * options.minutes * 60)
    topic = f"soak.{uuid.uuid4().hex[:8]}"
    with feeder(cached=0) as fed:
        chosen = ours.settings(
            kafka, fed.port, topic, rotate_after_seconds=options.rotate, kafka_retention_hours=1
        )
        with ours.Producer(chosen, folder) as producer:
            _keep_little(kafka, topic)
            fed.wait("connected", 60.0)
            watch = Watch(producer, fed, fed.play(frames, options.rate))
            _watch(watch, frames, options)
    return _tell(watch, frames, appended(kafka, topic), options)


def _watch(watch: Watch, frames: int, options: argparse.Namespace) -> None:
    patience = options.minutes * 60 + _LAST_WORDS_SECONDS
    sample = watch.look()
    while sample.delivered < frames and sample.seconds < patience:
        time.sleep(options.every)
        sample = watch.look()
        if len(watch.samples) % 12 == 0:
            print(_line(sample), flush=True)


def _line(one: Sample) -> str:
    return (
        f"{one.seconds / 60:5.1f} min  {one.rss_mib:6.1f} MiB  CPU {one.cpu:4.0%}  "
        f"lag {one.lag:,}  in flight {one.in_flight:,}  p99 {one.p99_ms:.0f} ms"
    )


def _keep_little(kafka: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 4})
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in _LIMITS.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    for done in admin.incremental_alter_configs([resource]).values():
        done.result()


def _tell(watch: Watch, frames: int, in_kafka: int, options: argparse.Namespace) -> bool:
    warm_up = options.minutes * 60 * options.warm_up
    verdict = judge(watch.samples, warm_up)
    delivered = watch.samples[-1].delivered
    exact = frames == delivered == in_kafka
    print(f"{frames:,} frames sent at {options.rate:,.0f}/s")
    print(f"Kafka: {delivered:,} acknowledged, {in_kafka:,} appended")
    print(f"on the way: {watch.happened()}")
    print(_memory(verdict, warm_up))
    print(_pace([one for one in watch.samples if one.seconds >= warm_up], watch.p99_ms))
    _write(watch.samples, options)
    flat = "flat" if verdict.flat else "NOT flat"
    print(f"verdict: memory is {flat}, {'nothing lost or repeated' if exact else 'COUNTS DIFFER'}")
    return verdict.flat and exact


def _memory(verdict: Verdict, warm_up: float) -> str:
    return (
        f"memory: {verdict.mib_per_hour:+.1f} MiB/hour after {warm_up / 60:.1f} min "
        f"({verdict.growth_mib:+.1f} MiB on {verdict.mean_mib:.0f}), "
        f"at most {verdict.most_mib:.0f} MiB"
    )


def _pace(samples: list[Sample], p99_ms: float) -> str:
    return (
        f"receive → acknowledged: p99 {p99_ms:.1f} ms; lag at most "
        f"{max(one.lag for one in samples):,} frames; "
        f"CPU {sum(one.cpu for one in samples) / len(samples):.0%} of a core"
    )


def _write(samples: list[Sample], options: argparse.Namespace) -> None:
    if options.csv:
        options.csv.write_text("".join(f"{line}\n" for line in csv_lines(samples)))
    if options.svg:
        options.svg.write_text(picture(samples, options.rate))


def picture(samples: list[Sample], rate: float) -> str:
    """The soak as SVG."""
    return chart.draw(
        f"The producer at {rate:,.0f} messages/s",
        [sample.seconds / 60 for sample in samples],
        [
            chart.Band("resident memory, MiB", [sample.rss_mib for sample in samples]),
            chart.Band("CPU, % of a core", [100 * sample.cpu for sample in samples]),
            chart.Band("sent, not yet acknowledged", [sample.lag for sample in samples]),
            chart.Band("p99 receive → acknowledged, ms", [sample.p99_ms for sample in samples]),
        ],
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20_000)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=5, help="seconds between samples")
    parser.add_argument("--warm-up", type=float, default=0.1, help="share of the time left out")
    parser.add_argument("--rotate", type=float, default=300, help="seconds a connection lives")
    parser.add_argument("--kafka", help="a broker that runs; without it the embedded one")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--svg", type=Path)
    return parser.parse_args()


def main() -> int:
    """The command line."""
    options = _options()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if options.kafka:
                return 0 if soak(options.kafka, folder, options) else 1
            require_space(folder, _LEAST_FREE)
            with Stack(load(data_dir=folder), print) as stack:
                return 0 if soak(stack.start_kafka(), folder, options) else 1
    except FirehoseError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
