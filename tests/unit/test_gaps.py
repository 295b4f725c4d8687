"""Gap and position messages: what is written is what is read; what breaks the contract is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import UnreadableError
from lakehouse.gaps import GapMessage, PositionMessage, read_gap, read_position

IDS = st.integers(0, 2**53)


@given(st.builds(GapMessage, exchange=st.just("binance"), symbol=st.just("BTCUSDT")))
def test_a_gap_comes_back_as_it_was(gap: GapMessage) -> None:
    assert read_gap(gap.value()) == gap


@given(st.dictionaries(st.integers(0, 999), IDS), st.dictionaries(st.text(min_size=1), IDS))
def test_a_position_comes_back_as_it_was(offsets: dict[int, int], last: dict[str, int]) -> None:
    position = PositionMessage(
        producer="p", exchange="binance", topic="t", offsets=offsets,
        first_ids=last, last_ids=last, written_at=1,
    )  # fmt: skip
    assert read_position(position.value()) == position


def test_keys_name_what_is_replaced() -> None:
    gap = GapMessage(
        exchange="binance", symbol="BTCUSDT", from_id=7, to_id=9, status="open", detected_at=1
    )
    assert gap.key == b"binance|BTCUSDT|7"
    assert gap.ids == 3


@pytest.mark.parametrize("value", [b"", b"[]", b'{"status":"lost"}', b'{"from_id":"7"}'])
def test_what_breaks_the_contract_is_refused(value: bytes) -> None:
    with pytest.raises(UnreadableError, match="contract_broken"):
        read_gap(value)
    with pytest.raises(UnreadableError, match="contract_broken"):
        read_position(value)
