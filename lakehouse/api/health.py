"""How healthy the source of a figure is: what a summary of the market must say first. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from lakehouse import tables
from lakehouse.api.audit import Audit
from lakehouse.api.columns import MICROS, iso
from lakehouse.api.gaps import Gaps
from lakehouse.api.instants import MINUTE_MICROS

Status = Literal["ok", "degraded", "stale"]
# Tables that get a commit whenever trades come; the others may be quiet for good reason.
STEADY: Final = (tables.BRONZE, tables.SILVER, tables.GOLD)
# One failed look at the catalog is no news.
_CATALOG_GRACE_MICROS: Final = 10 * MICROS


class Layer(NamedTuple):
    """A table's rows, its newest commit (µs since 1970 UTC; null before the first), its files."""

    table: str
    rows: int
    committed_micros: int | None
    files: int = 0
    delete_files: int = 0


class Reason(NamedTuple):
    """Why the status is not ok: a stable code, and one sentence without ages."""

    code: str
    text: str
    stale: bool = False


@dataclass(frozen=True)
class Facts:
    """What a judgement stands on. Instants in µs since 1970 UTC; `newest_minute` since 1970."""

    newest_minute: int | None
    layers: Sequence[Layer]
    audit: Audit
    gaps: Gaps
    checked_micros: int
    fresh_seconds: float


def judge(facts: Facts, now_micros: int) -> tuple[Status, list[Reason]]:
    """The status now, and the reasons for it."""
    reasons = [*_of_data(facts, now_micros), *_of_catalog(facts, now_micros)]
    reasons += [*_of_layers(facts, now_micros), *_of_jobs(facts), *_of_gaps(facts)]
    if any(reason.stale for reason in reasons):
        return "stale", reasons
    return ("degraded" if reasons else "ok"), reasons


def minute_ends(minute: int) -> int:
    """The first instant after a minute, µs since 1970 UTC."""
    return (minute + 1) * MINUTE_MICROS


def _fresh(facts: Facts) -> int:
    return int(facts.fresh_seconds * MICROS)


def _of_data(facts: Facts, now: int) -> Iterator[Reason]:
    if facts.newest_minute is None:
        yield Reason("no_data", "Gold has no rows yet.", stale=True)
    elif now > minute_ends(facts.newest_minute) + _fresh(facts):
        at = iso(facts.newest_minute * MINUTE_MICROS)
        text = f"The newest minute in Gold is {at}, older than {facts.fresh_seconds:g} s."
        yield Reason("stale_data", text, stale=True)


def _of_catalog(facts: Facts, now: int) -> Iterator[Reason]:
    away = now - facts.checked_micros
    if away > _CATALOG_GRACE_MICROS:
        at = iso(facts.checked_micros // MICROS * MICROS)
        text = f"The lake can't be read since {at}; this is what it held then."
        yield Reason("lake_unreachable", text, stale=away > _fresh(facts))


def _of_layers(facts: Facts, now: int) -> Iterator[Reason]:
    for layer in facts.layers:
        if layer.table not in STEADY or layer.committed_micros is None:
            continue
        if now > layer.committed_micros + _fresh(facts):
            at = iso(layer.committed_micros)
            yield Reason("layer_behind", f"{layer.table} has had no commit since {at}.")


def _of_jobs(facts: Facts) -> Iterator[Reason]:
    for job in facts.audit.jobs.values():
        if job.last["status"] == "ok":
            continue
        at, check = job.last["finished_at"], job.name.removeprefix(tables.CHECK)
        if check != job.name:
            found = "warned" if job.last["status"] == "warn" else "failed"
            yield Reason("check_failed", f"The check {check} {found} at {at}.")
        else:
            yield Reason("job_failed", f"The last batch of {job.name} failed at {at}.")


def _of_gaps(facts: Facts) -> Iterator[Reason]:
    if facts.gaps.open:
        count, since = facts.gaps.missing_ids, facts.gaps.open_since
        text = (
            f"{count} trades are missing in {facts.gaps.open} open gaps, the oldest from {since}."
        )
        yield Reason("open_gaps", text)
