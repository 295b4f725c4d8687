"""docs/summaries.md: each example of it is tried."""

from pathlib import Path

import pytest

from lakehouse.summary.completion import MOST_CHARACTERS, MOST_HEADLINE, MOST_TEXT
from lakehouse.summary.facts import MOST_SYMBOLS
from lakehouse.summary.prompts import prompt
from tests import documents
from tests.summaries import about_text, one

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "summaries.md").read_text("utf-8")


def examples(heading: str) -> list[tuple[str, str]]:
    """(text, what is said of it) of the table under a heading."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines()[2:]]
    return [(text.strip("`"), told) for text, told in rows]


def test_the_page_has_examples() -> None:
    counts = [len(examples(f"Refused: {kind}")) for kind in ("numbers", "words")]
    assert counts == [24, 14] and len(examples("Let through")) == 7


@pytest.mark.parametrize(("text", "why"), examples("Let through"))
def test_what_is_let_through(text: str, why: str) -> None:
    assert about_text(one(), text) == [], why


@pytest.mark.parametrize(
    ("text", "complaint"), [*examples("Refused: numbers"), *examples("Refused: words")]
)
def test_what_is_refused_and_why(text: str, complaint: str) -> None:
    assert any(complaint in told for told in about_text(one(), text))


def test_the_limits_are_those_of_the_code() -> None:
    numbers = f"the answer {MOST_CHARACTERS:,} characters, `headline` {MOST_HEADLINE}, `text` and"
    assert f"{numbers} `source` {MOST_TEXT}" in PAGE
    assert f"A pulse holds {MOST_SYMBOLS} symbols at most" in PAGE
    assert f"(`{prompt('pulse').version}`)" in PAGE


def test_the_files_that_it_names_are_there() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [name for piece in documents.code(PAGE) for name in piece.split() if "/" in name]
    kept = [name for name in files if name.startswith(("lakehouse/", "n8n/"))]
    assert kept and all((root / name).exists() for name in kept)
