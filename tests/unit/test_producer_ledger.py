"""The account of gaps: records that cover every id exactly, closed only when Kafka has it."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.gaps import GapMessage
from lakehouse.id_ranges import IdRanges
from lakehouse.trade import Source, Trade
from producer.ledger import Ledger
from producer.sequencer import Gap


def trade(agg_id: int, source: Source = "rest") -> Trade:
    return Trade("binance", "S", agg_id, "1.0", "2.0", 1, 1, 0, 0, True, 0, source)


def ledger() -> Ledger:
    return Ledger(lambda: 77)


def send(book: Ledger, *agg_ids: int, source: Source = "rest") -> None:
    for agg_id in agg_ids:
        then = book.sent(trade(agg_id, source))
        assert then is not None
        then()


def topic(book: Ledger) -> list[GapMessage]:
    """What the compacted topic holds: the newest record of each key."""
    newest = {each.message.key: each.message for each in book.outgoing}
    return sorted(newest.values(), key=lambda message: message.from_id)


def short(messages: list[GapMessage]) -> list[tuple[int, int, str]]:
    return [(message.from_id, message.to_id, message.status) for message in messages]


def test_a_gap_is_open_then_repaired_and_says_from_where() -> None:
    book, told = ledger(), []
    book.open(Gap("S", 5, 7), "", lambda: told.append(1))
    assert short(topic(book)) == [(5, 7, "open")]
    book.outgoing[0].then()
    assert told == [1]
    send(book, 5, 6)
    send(book, 7, source="ws")
    [message] = topic(book)
    assert short([message]) == [(5, 7, "repaired")]
    assert (message.repaired_from, message.repaired_at, message.detected_at) == ("rest+ws", 77, 77)
    assert (book.open_gaps, book.opened, book.repaired) == (0, 1, 1)


def test_what_is_sent_and_not_acknowledged_keeps_the_gap_open() -> None:
    book = ledger()
    book.open(Gap("S", 5, 6), "", lambda: None)
    send(book, 5)
    then = book.sent(trade(6))
    assert book.open_gaps == 1
    assert then is not None
    then()
    assert book.open_gaps == 0


def test_parts_that_end_differently_are_records_of_their_own() -> None:
    book = ledger()
    book.open(Gap("S", 1, 10), "", lambda: None)
    book.absent("S", 4, 5)
    send(book, *[1, 2, 3, 6, 7, 8, 9, 10])
    assert short(topic(book)) == [
        (1, 3, "repaired"), (4, 5, "unrepairable"), (6, 10, "repaired"),
    ]  # fmt: skip
    assert book.outgoing[-1].message.from_id == 1  # the old record covers all until the last


def test_progress_is_recorded_and_what_is_left_stays_open() -> None:
    book = ledger()
    book.open(Gap("S", 1, 10), "why", lambda: None)
    send(book, 1, 2, 3)
    book.checkpoint()
    assert short(topic(book)) == [(1, 3, "repaired"), (4, 10, "open")]
    assert topic(book)[1].reason == "why"
    send(book, *range(4, 11))
    assert short(topic(book)) == [(1, 3, "repaired"), (4, 10, "repaired")]
    assert book.open_gaps == 0


def test_a_restored_gap_knows_what_was_found_in_kafka() -> None:
    book = ledger()
    book.open(Gap("S", 1, 4), "", lambda: None)
    [message] = topic(book)
    again = ledger()
    again.restore(message, IdRanges([(2, 3), (9, 9)]))
    send(again, 1, 4)
    assert short(topic(again)) == [(1, 4, "repaired")]
    whole = ledger()
    whole.restore(message, IdRanges([(0, 9)]))
    assert short(topic(whole)) == [(1, 4, "repaired")]
    assert topic(whole)[0].repaired_from == "kafka"


def test_ids_in_no_gap_concern_nobody() -> None:
    book = ledger()
    book.open(Gap("S", 5, 6), "", lambda: None)
    assert book.sent(trade(7)) is book.sent(trade(4)) is None
    assert book.concerns("S") and not book.concerns("T")
    assert book.sent(trade(5)) is not None


def test_what_the_exchange_denies_may_be_on_its_way_all_the_same() -> None:
    book = ledger()
    book.open(Gap("S", 3, 5), "", lambda: None)
    then = book.sent(trade(4, "ws"))
    assert then is not None
    book.absent("S", 3, 5)
    then()
    assert book.open_gaps == 0
    book.open(Gap("S", 13, 15), "", lambda: None)
    send(book, 14)
    book.absent("S", 13, 15)
    assert short(topic(book))[1:] == [
        (13, 13, "unrepairable"), (14, 14, "repaired"), (15, 15, "unrepairable"),
    ]  # fmt: skip


def test_progress_is_recorded_while_more_of_the_gap_is_on_its_way() -> None:
    book = ledger()
    book.open(Gap("S", 1, 4), "", lambda: None)
    then = book.sent(trade(2))
    send(book, 1)
    mark = book.checkpoint()
    assert short(topic(book)) == [(1, 1, "repaired"), (2, 4, "open")]
    assert not book.safe(mark)
    for each in list(book.outgoing):
        each.then()
    assert book.safe(mark) and then is not None
    then()
    send(book, 3, 4)
    assert short(topic(book)) == [(1, 1, "repaired"), (2, 4, "repaired")]


@given(st.integers(0, 2**32))
def test_records_cover_the_gaps_exactly_whatever_happens(seed: int) -> None:
    rng, book = Random(seed), ledger()
    gaps = [Gap("S", start, start + rng.randrange(12)) for start in range(0, 100, 20)]
    rng.shuffle(gaps)
    for gap in gaps:
        book.open(gap, "", lambda: None)
    fate = {i: rng.choice(["sent", "absent", "open"]) for g in gaps for i in range(g[1], g[2] + 1)}
    for agg_id in rng.sample(sorted(fate), len(fate)):
        if fate[agg_id] == "sent":
            send(book, agg_id)
        elif fate[agg_id] == "absent":
            book.absent("S", agg_id, agg_id)
        if rng.random() < 0.2:
            book.checkpoint()
    book.checkpoint()
    status = {"sent": "repaired", "absent": "unrepairable", "open": "open"}
    covered = {
        agg_id: message.status
        for message in topic(book)
        for agg_id in range(message.from_id, message.to_id + 1)
    }
    assert sum(message.ids for message in topic(book)) == len(covered)
    assert covered == {agg_id: status[what] for agg_id, what in fate.items()}
