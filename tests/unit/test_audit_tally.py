"""The audit's counting against a plain list, and its reading of messages against the contract."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse import kafka_audit
from lakehouse.errors import UnreadableError
from lakehouse.gaps import GapMessage
from lakehouse.id_ranges import IdRanges
from lakehouse.kafka_audit import GapTopic
from lakehouse.messages import decode, encode
from lakehouse.trade import Trade
from producer.audit import decoding
from producer.audit.report import Findings, gap_topic
from producer.audit.tally import HOUR_MICROS, Tally

START = 1_723_161_600_000_000
MIDNIGHT = datetime(2024, 8, 9, tzinfo=UTC)
BTC = ("binance", "BTCUSDT")


def message(agg_id: int, source: Any = "ws", hour: int = 0, symbol: str = "BTCUSDT") -> bytes:
    at = START + hour * HOUR_MICROS
    trade = Trade("binance", symbol, agg_id, "1.50", "2", 1, 1, at, at, True, at, source)
    return encode(trade)


def gap(from_id: int, to_id: int, status: Any, reason: str = "") -> bytes:
    return GapMessage(
        exchange=BTC[0], symbol=BTC[1], from_id=from_id, to_id=to_id, status=status,
        detected_at=START, reason=reason,
    ).value()  # fmt: skip


def tallied(*values: bytes | None, begin_late: tuple[int, ...] = ()) -> Tally:
    tally = Tally(begin_late=begin_late)
    tally.add(0, values)
    tally.finish()
    return tally


RECORD = st.tuples(st.integers(0, 60), st.sampled_from(["ws", "rest"]), st.integers(0, 2))


@given(st.lists(st.tuples(st.integers(0, 1), RECORD), max_size=80))
def test_agrees_with_a_plain_list(records: list[tuple[int, tuple[int, str, int]]]) -> None:
    tally = Tally()
    for partition, (agg_id, source, hour) in records:
        tally.add(partition, [message(agg_id, source, hour)])
    tally.finish()
    found = Findings(tally.symbols, GapTopic())
    ids = IdRanges.from_ids(agg_id for _, (agg_id, _, _) in records)
    assert [(g.from_id, g.to_id) for g in found.gaps] == ids.missing()
    if not records:
        assert found.symbols == []
        return
    [symbol] = found.symbols
    assert (symbol.first_id, symbol.last_id, symbol.trades) == (ids.first, ids.last, len(records))
    assert symbol.missing == sum(hi - lo + 1 for lo, hi in ids.missing()) == symbol.unrecorded
    assert symbol.duplicates == len(records) - len(ids)
    assert symbol.sources == dict(Counter(source for _, (_, source, _) in records))
    by_hour = Counter(hour for _, (_, _, hour) in records)
    assert {(h.hour - MIDNIGHT).seconds // 3600: h.trades for h in found.hours if h.hour} == by_hour
    assert sum(hour.missing for hour in found.hours) >= symbol.missing
    wrong = late = 0
    for number in (0, 1):
        other = {agg_id for partition, (agg_id, _, _) in records if partition != number}
        mine = [record for partition, record in records if partition == number]
        for at, (agg_id, source, _) in enumerate(mine):
            live = [each for each, kind, _ in mine[:at] if kind == "ws"]
            again = any(each == agg_id for each, _, _ in mine[:at])
            behind = source == "ws" and any(each > agg_id for each in live)
            wrong += behind and not again and agg_id not in other
            late += source == "rest" and any(each > agg_id for each, _, _ in mine[:at])
    assert (symbol.out_of_order, symbol.late_repairs) == (wrong, late)


def test_gaps_are_explained_by_the_gap_topic_and_unrecorded_ones_told() -> None:
    known = gap_topic([gap(3, 4, "unrepairable", "the exchange has none"), gap(7, 8, "open"), b"?"])
    tally = tallied(*(message(n) for n in (1, 2, 5, 6, 9, 12)))
    found = Findings(tally.symbols, known)
    [symbol] = found.symbols
    assert (symbol.missing, symbol.unrepairable, symbol.unrecorded, symbol.gaps) == (6, 2, 2, 3)
    assert [(g.from_id, g.unrepairable, g.reason) for g in found.gaps] == [
        (3, 2, "the exchange has none"),
        (7, 0, ""),
        (10, 0, ""),
    ]
    assert (found.hours[0].missing, found.hours[0].unrepairable) == (6, 2)
    assert (len(known.open), known.unreadable) == (1, 1)


def test_a_gap_belongs_to_the_hour_of_the_trade_before() -> None:
    found = Findings(tallied(message(1), message(2), message(9, hour=2)).symbols, GapTopic())
    assert [(hour.trades, hour.missing) for hour in found.hours] == [(2, 6), (1, 0)]
    assert found.gaps[0].hour == MIDNIGHT
    assert found.hours[1].hour == MIDNIGHT + timedelta(hours=2)


def test_what_is_left_of_deleted_records_makes_no_gap() -> None:
    values = [message(5, "rest"), message(6, "rest"), message(51), message(52), message(54)]
    [whole] = Findings(tallied(*values).symbols, GapTopic()).symbols
    assert (whole.first_id, whole.missing) == (5, 45)
    [cut] = Findings(tallied(*values, begin_late=(0,)).symbols, GapTopic()).symbols
    assert (cut.first_id, cut.missing, cut.trades) == (51, 1, 5)


def test_what_the_lake_has_in_quarantine_makes_no_hole_and_no_disorder() -> None:
    tally = Tally()
    tally.add(0, [message(10), message(11)])
    tally.add_held(0, [message(10**15), b"{"], stray=True)
    tally.add_held(0, [message(14)], stray=False)
    tally.add(0, [message(12), message(13), message(15)])
    tally.finish()
    found = tally.symbols[BTC]
    assert list(found.ids) == [(10, 15)] and found.out_of_order == 0
    assert tally.records[0] == 8
    assert tally.unreadable == {"in_quarantine": 2}


def test_unreadable_records_and_other_symbols_are_counted() -> None:
    tally = Tally(symbols=["ETHUSDT"])
    wide = message(1).replace(b'"agg_id":1', b'"agg_id":99999999999999999999')
    tally.add(3, [None, b"{", message(1), message(2, symbol="ETHUSDT"), wide])
    tally.finish()
    assert tally.unreadable == {"no_value": 1, "contract_broken:value": 1, "agg_id_too_long": 1}
    assert (tally.skipped, tally.records[3], set(tally.symbols)) == (1, 5, {("binance", "ETHUSDT")})


def test_times_of_no_calendar_are_no_reason_to_fail() -> None:
    odd = message(2).replace(f'"trade_time":{START}'.encode(), b'"trade_time":9' + b"0" * 24)
    found = Findings(tallied(message(1), odd).symbols, GapTopic())
    assert [hour.hour for hour in found.hours] == [MIDNIGHT, None]
    audit = kafka_audit.KafkaAudit(
        "t", "g", MIDNIGHT, 0.5, (), 2, 0, {}, 0, {}, tuple(found.symbols), tuple(found.hours),
        tuple(found.gaps), gap_topic([gap(1, 2, "open")]),
    )  # fmt: skip
    assert kafka_audit.decode(kafka_audit.encode(audit)) == audit
    assert audit.open_gaps[0].detected_at == MIDNIGHT


VALUES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
)
VALUES |= st.sampled_from(["ws", "rest", "1.5", "1e5", "-1", "", 1, 1.0])


@given(st.sampled_from([*Trade._fields, "schema_version", "more"]), VALUES, st.booleans())
def test_reading_agrees_with_the_contract(name: str, value: Any, drop: bool) -> None:
    fields = json.loads(message(7))
    fields[name] = value
    if drop:
        del fields[name]
    text = json.dumps(fields).encode()
    try:
        wanted = decode(text)
    except UnreadableError as error:
        with pytest.raises(UnreadableError, match=error.reason.replace("[", ".")):
            decoding.read(text)
        return
    if abs(wanted.agg_id) >= 2**63:
        return
    found = decoding.read(text)
    assert found.agg_id == wanted.agg_id and found.trade_time == wanted.trade_time
    assert (found.exchange, found.symbol, found.source) == (
        wanted.exchange, wanted.symbol, wanted.source,
    )  # fmt: skip
