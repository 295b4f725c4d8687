"""Which records of quarantine are meant, and how they are shown."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse import quarantine
from lakehouse.commands import quarantine_options as options
from lakehouse.commands import quarantine_view as view
from lakehouse.errors import SettingsError
from lakehouse.quarantine import DUCKDB_MARK, SPARK_MARK, Released, Selection
from lakehouse.query import Lake
from lakehouse.raw_view import printable, shown
from lakehouse.rules import MEANING
from lakehouse.tables import QUARANTINE
from tests import selections
from tests.lakes import LakeWriter


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    writer = LakeWriter(tmp_path_factory.mktemp("lake"))
    writer.append(QUARANTINE, selections.held_rows())
    return Lake(writer.settings)


@given(selections.drawn())
def test_a_selection_means_the_same_in_duckdb_as_in_words(lake: Lake, chosen: Selection) -> None:
    text, values = chosen.condition(DUCKDB_MARK)
    found = lake.rows(f"SELECT kafka_offset FROM {QUARANTINE} WHERE {text} ORDER BY ALL", values)
    assert [row["kafka_offset"] for row in found] == selections.wanted(chosen)


@given(selections.drawn())
def test_a_selection_survives_the_way_to_another_process(chosen: Selection) -> None:
    assert Selection.model_validate_json(chosen.model_dump_json()) == chosen
    assert chosen.condition(DUCKDB_MARK).values == chosen.condition(SPARK_MARK).values


def test_values_are_bound_and_never_part_of_the_text() -> None:
    evil = "'; DROP TABLE x; --"
    text, values = Selection(symbols=(evil,), reasons=(evil,), topic=evil).condition(SPARK_MARK)
    assert "DROP" not in text
    assert set(values.values()) == {evil}


def test_options_become_a_selection() -> None:
    chosen = options.selection(
        ["qty_missing", "qty_missing"], ["BTCUSDT"], "2026-08-09", "2026-08-09T02:00+03:00",
        "t", 1, ["5", "7-9"],
    )  # fmt: skip
    assert chosen == Selection(
        reasons=("qty_missing",),
        symbols=("BTCUSDT",),
        since=datetime(2026, 8, 9, tzinfo=UTC),
        until=datetime(2026, 8, 8, 23, tzinfo=UTC),
        topic="t",
        partition=1,
        offsets=((5, 5), (7, 9)),
    )


@pytest.mark.parametrize("words", ["", "-3", "5-4", "x", "1-", "1-2-3", str(2**63)])
def test_an_offset_that_is_none_is_told(words: str) -> None:
    with pytest.raises(SettingsError, match="is no offset"):
        quarantine.offsets(words)


def test_a_time_is_utc_unless_it_says_otherwise() -> None:
    assert quarantine.instant(None, "--since") is None
    east = timezone(timedelta(hours=3))
    said = datetime(2026, 8, 9, 14, 30, tzinfo=east)
    assert quarantine.instant("2026-08-09T14:30+03:00", "--since") == said
    with pytest.raises(SettingsError, match="--since yesterday is no time"):
        quarantine.instant("yesterday", "--since")


def test_a_rule_that_is_none_is_told_with_the_nearest() -> None:
    with pytest.raises(SettingsError) as caught:
        options.selection(["price_not_positiv"], None, None, None, None, None, None)
    assert caught.value.message == "There is no rule price_not_positiv."
    assert caught.value.hint.startswith("Did you mean price_not_positive?")
    with pytest.raises(SettingsError, match="exclude each other"):
        options.released_or_not(True, True)


@given(st.text())
def test_no_text_can_give_a_terminal_an_order(text: str) -> None:
    safe = printable(text)
    assert all(char.isprintable() or char in "\n\t" for char in safe)
    if all(char.isprintable() for char in text):
        assert safe == text


@given(st.binary(max_size=300), st.none() | st.integers(1, 50))
def test_bytes_of_any_kind_are_shown_safely(raw: bytes, most: int | None) -> None:
    safe = shown(raw, most)
    assert all(char.isprintable() or char in "\n\t" for char in safe)
    if raw:
        assert f"{len(raw):,} bytes" in safe
        more = len(raw) - (len(raw) if most is None else most)
        assert (f"and {more:,} more bytes" in safe) == (more > 0)


def test_bytes_are_text_where_they_are_utf8_and_hex_where_not() -> None:
    assert shown('{"s":"币"}'.encode(), None) == '11 bytes, text:\n{"s":"币"}'
    assert shown(b"a\x1b[31mb\xe2\x80\xae", None) == "10 bytes, text:\na\\x1b[31mb\\u202e"
    assert shown(b"\xff\xfe{", None) == "3 bytes, hex:\nff fe 7b"
    # The cut goes through a character.
    assert shown("币币".encode(), 4) == "6 bytes, text:\n币\n… and 2 more bytes"
    assert shown(b"", None) == "empty"


def test_every_rule_has_words() -> None:
    assert all(words and not words.endswith(".") for words in MEANING.values())


def test_an_outcome_in_words() -> None:
    assert view.outcome_in_words(Released(done=True)) == "Nothing in quarantine matches."
    would = Released(
        done=False, selected=1206, judged=1203, fresh=1000, known=200, failing=3,
        failing_by_rule={"qty_missing": 2, "price_not_positive": 1}, of_gaps=3,
    )  # fmt: skip
    assert view.outcome_in_words(would).splitlines() == [
        "1,206 records of quarantine chosen.",
        "  1,200 would keep every rule now: 1,000 would go to Silver, 200 are there already.",
        "  3 would still break a rule and stay: qty_missing 2, price_not_positive 1.",
        "  3 are messages of the gap topic, no trades, and can't be released this way "
        "(docs/quality.md).",
        "Nothing has been changed. --yes does it.",
    ]
    did = would.model_copy(update={"done": True, "of_gaps": 0})
    assert view.outcome_in_words(did).splitlines()[1:] == [
        "  1,200 keep every rule now: 1,000 went to Silver, 200 are there already.",
        "  3 still break a rule and stay: qty_missing 2, price_not_positive 1.",
    ]
