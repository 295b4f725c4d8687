"""Writing in the background: nothing that was reported is lost, nothing stands twice."""

import threading
from collections.abc import Sequence

import pytest

from lakehouse.api.problems import ProblemError
from lakehouse.api.scribe import MOST_WAITING, Row, Scribe
from lakehouse.api.summaries import MOST_ROWS, must_stay, summaries_of
from lakehouse.errors import UnreachableError


class Table:
    """Takes rows, or refuses them for a while."""

    def __init__(self, refusals: int = 0) -> None:
        self.commits: list[list[str]] = []
        self.refusals = refusals
        self.gate = threading.Event()
        self.gate.set()

    def append(self, rows: Sequence[Row]) -> None:
        assert self.gate.wait(10)
        if self.refusals:
            self.refusals -= 1
            raise UnreachableError("The catalog is away.")
        self.commits.append([row["summary_id"] for row in rows])

    def has(self, _: str) -> bool:
        return False

    def names(self) -> list[str]:
        return [name for commit in self.commits for name in commit]


def row(name: str) -> Row:
    return {"summary_id": name}


def test_what_waits_is_one_commit() -> None:
    table = Table()
    table.gate.clear()
    scribe = Scribe(table.append, table.has)
    waiting = [scribe.put(row(name)) for name in "abcb"]
    table.gate.set()
    for each in waiting:
        each.result(10)
    assert sorted(table.names()) == ["a", "b", "c"] and len(table.commits) <= 2
    scribe.put(row("a")).result(1)
    assert sorted(table.names()) == ["a", "b", "c"]


def test_what_was_refused_is_told_and_tried_again_by_itself() -> None:
    table = Table(refusals=1)
    scribe = Scribe(table.append, table.has, again_seconds=0.05)
    with pytest.raises(UnreachableError):
        scribe.put(row("a")).result(10)
    scribe.put(row("b")).result(10)
    assert sorted(table.names()) == ["a", "b"]


def test_a_row_that_can_not_be_written_holds_up_no_other() -> None:
    table = Table()
    table.gate.clear()
    taken = table.append

    def append(rows: Sequence[Row]) -> None:
        taken(rows)
        if any(each["summary_id"] == "bad" for each in rows):
            table.commits.pop()
            raise ValueError("bad")

    scribe = Scribe(append, table.has)
    waiting = {name: scribe.put(row(name)) for name in ("a", "bad", "b")}
    table.gate.set()
    for name, each in waiting.items():
        error = each.exception(10)
        assert isinstance(error, ValueError) == (name == "bad")
    assert sorted(table.names()) == ["a", "b"]


def test_what_is_on_record_already_is_not_written_again() -> None:
    table = Table()
    scribe = Scribe(table.append, {"a"}.__contains__)
    scribe.put(row("a")).result(10)
    assert table.names() == []


def test_too_many_are_refused() -> None:
    table = Table()
    table.gate.clear()
    scribe = Scribe(table.append, table.has)
    for number in range(MOST_WAITING):
        scribe.put(row(str(number)))
    with pytest.raises(ProblemError, match="Too many"):
        scribe.put(row("more"))
    table.gate.set()
    scribe.close()
    assert len(table.names()) == MOST_WAITING


def test_the_end_writes_what_is_left_or_tells_it(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(refusals=2)
    scribe = Scribe(table.append, table.has, again_seconds=3600)
    with pytest.raises(UnreachableError):
        scribe.put(row("a")).result(10)
    scribe.close()
    assert table.names() == []
    assert "summary_not_recorded" in capsys.readouterr().err
    Scribe(table.append, table.has).close()


def summary(number: int, event: str | None = None, sent: str = "ok") -> dict[str, str | None]:
    at = f"2026-11-21T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    return {"summary_id": str(number), "event_id": event, "created_at": at, "sent_slack": sent,
            "sent_telegram": "off", "sent_jira": "off"}  # fmt: skip


def test_the_view_keeps_the_newest_rows_and_all_recent_spikes() -> None:
    rows = [summary(0, "old"), *(summary(n) for n in range(1, MOST_ROWS + 2))]
    view = summaries_of(rows, None)
    assert [each["summary_id"] for each in view.rows[:2]] == [str(MOST_ROWS + 1), str(MOST_ROWS)]
    assert len(view.rows) == MOST_ROWS and view.rows_since is not None
    assert view.handled == {"old": "0"}
    left = [each["summary_id"] for each in rows if must_stay(view, each)]
    assert left == ["0", *map(str, range(2, MOST_ROWS + 2))]
    assert summaries_of([summary(1, "x", "failed")], None).handled == {}
