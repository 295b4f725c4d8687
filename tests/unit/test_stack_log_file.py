"""Log files of child processes."""

from pathlib import Path

import pytest

from lakehouse.stack.log_file import open_log, tail, telling_line


def test_a_log_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "kafka.log"
    for text in (b"one\n", b"two\n"):
        with open_log(path) as log:
            log.write(text)
    assert tail(path, 10) == ["one", "two"]
    assert tail(path, 1) == ["two"]
    assert tail(path, 0) == []


def test_a_log_that_is_too_long_is_put_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for text in (b"first", b"second", b"third"):
        with open_log(path, most_bytes=4) as log:
            log.write(text)
    assert path.read_bytes() == b"third"
    assert (tmp_path / "a.log.1").read_bytes() == b"second"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_end_of_a_huge_log_is_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"\xff\xfe line\n" * 500_000 + b"the end\n")
    assert tail(path, 1) == ["the end"]
    assert 1_000 < len(tail(path, 10**9)) < 100_000


def test_no_log_has_no_lines(tmp_path: Path) -> None:
    assert tail(tmp_path / "none.log", 5) == []


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "It said nothing."),
        (["", "  started  ", ""], "started"),
        (["INFO a", "ERROR disk on fire", "INFO bye"], "ERROR disk on fire"),
        (["java.lang.OutOfMemoryError: heap", "  at x.Y"], "java.lang.OutOfMemoryError: heap"),
        (["x" * 1000], "x" * 300),
    ],
)
def test_the_line_that_names_the_error_is_told(lines: list[str], told: str) -> None:
    assert telling_line(lines) == told
