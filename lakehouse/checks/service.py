"""`python -m lakehouse.checks.service`: checks the lake beside the streams of `firehose run`.

Looks every CHECK_SECONDS, with low priority, and tells ALERT_WEBHOOK_URL. It never ends
by itself: what goes wrong is in its log, and the next round looks again.
"""

import os
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import structlog
import typer

from lakehouse import logs
from lakehouse import settings as settings_module
from lakehouse.alerts import News, message
from lakehouse.checks.parts_watch import PartWatch
from lakehouse.errors import FirehoseError
from lakehouse.settings import Settings
from lakehouse.webhook import Messenger

_POLL_SECONDS: Final = 2.0
_FLUSH_SECONDS: Final = 5.0
# The streams go first. At 19 a round would starve where they use every core.
_NICE: Final = 10
# Where rounds cost more than this share of one core, they come less often.
_MOST_OF_A_CORE: Final = 0.1
log = structlog.get_logger(__name__)


class Service:
    """The loop: processes every two seconds, tables every CHECK_SECONDS or less often."""

    def __init__(
        self, settings: Settings, watches: list[PartWatch], alive_file: Path | None = None
    ) -> None:
        self.stop = threading.Event()
        self._alive_file = alive_file
        self._settings = settings
        self._watches = watches
        # Imported here, at low priority already: DuckDB takes a second.
        from lakehouse.checks.rounds import Rounds

        self._rounds = Rounds(settings, _warn)
        url = settings.alert_webhook_url.get_secret_value()
        self._messenger = Messenger(url, _warn) if url else None
        self._began = time.monotonic()

    def run(self) -> None:
        """Until `stop` is set; then tell what is still to tell, for some seconds."""
        next_round = self._began + self._settings.check_seconds
        while not self.stop.wait(_POLL_SECONDS):
            if self._alive_file:
                self._alive_file.touch()
            self._look_at_parts()
            if time.monotonic() >= next_round:
                used = time.process_time()
                self._look_at_tables()
                pause = (time.process_time() - used) / _MOST_OF_A_CORE
                next_round = time.monotonic() + max(pause, self._settings.check_seconds)
        self._look_at_parts()
        if self._messenger and not self._messenger.flush(_FLUSH_SECONDS):
            _warn("Alerts were left undelivered at the end.")

    def _look_at_parts(self) -> None:
        subjects = [subject for watch in self._watches for subject in watch.look()]
        now = datetime.now(UTC)
        self._tell(self._rounds.ledger.see(subjects, now), now)

    def _look_at_tables(self) -> None:
        began, used = time.monotonic(), time.process_time()
        # What was stale when the run began has a moment to become fresh.
        settled = began - self._began > self._settings.freshness_seconds
        now = datetime.now(UTC)
        try:
            self._tell(self._rounds.look(now, freshness=settled), now)
        except FirehoseError as error:
            _warn(f"This round could not look: {error}")
            return
        seconds, cpu = time.monotonic() - began, time.process_time() - used
        log.info("checked", seconds=round(seconds, 2), cpu_seconds=round(cpu, 2))

    def _tell(self, news: list[News], now: datetime) -> None:
        if not news:
            return
        for each in news:
            subject = each.subject
            log.info("news", kind=each.kind, subject=subject.key, reason=subject.reason)
        if self._messenger:
            self._messenger.send(message(news, str(self._settings.data_path), now))


def main(
    part: Annotated[
        list[str] | None, typer.Option(help="A process to watch: NAME=its ready file.")
    ] = None,
    nice: Annotated[int, typer.Option(help="How far the streams go first: 0 to 19.")] = _NICE,
    alive_file: Annotated[
        Path | None, typer.Option(help="Touched every time the loop comes round.")
    ] = None,
) -> None:
    """Check the lake and watch the processes named, until SIGTERM."""
    logs.to_stderr()
    os.nice(nice)
    settings = settings_module.load()
    watches = [_watch(settings, each) for each in part or ()]
    service = Service(settings, watches, alive_file)

    def stop(_number: int, _frame: FrameType | None) -> None:
        service.stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    service.run()


def _watch(settings: Settings, named: str) -> PartWatch:
    name, _, ready_file = named.partition("=")
    return PartWatch(name, Path(ready_file), settings.data_path / "logs" / f"{name}.log")


def _warn(text: str) -> None:
    log.warning("checks", message=text)


if __name__ == "__main__":
    typer.run(main)
