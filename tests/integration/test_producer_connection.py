"""A connection on real sockets: whole messages, back-pressure, and servers that break the rules."""

import asyncio
from contextlib import aclosing

import pytest

from producer import connection as door
from producer.connection import (
    HIGH_BYTES,
    WINDOW_BYTES,
    ConnectionLostError,
    open_connection,
)
from producer.topics import MAX_FRAME_BYTES
from tests.integration.producer_exchange import until
from tests.integration.raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    raw_server,
    read_frame,
    sending,
    wire,
)

GOOD = wire(b'{"good":1}')


async def everything(url: str, seconds: float = 5) -> tuple[list[bytes], ConnectionLostError]:
    """All messages up to the end of the connection, and what ended it."""
    messages: list[bytes] = []
    try:
        async with asyncio.timeout(seconds), open_connection(url) as connection:
            async for batch in connection.batches():
                assert batch.ingest_time > 1_700_000_000_000_000
                messages += batch.frames
    except ConnectionLostError as lost:
        return messages, lost
    raise AssertionError("batches() ended without ConnectionLostError")


async def test_messages_come_whole_and_unchanged_however_they_were_cut() -> None:
    payloads = [b"{}", b"\xff\x00", b"", b"x" * 125, b"y" * 126, b"z" * 70_000, b"w" * 3_000_000]
    whole = b"".join(
        wire(payload, BINARY if payload[:1] == b"\xff" else TEXT) for payload in payloads
    )
    pieces = [whole[:1], whole[1:3], whole[3:200], whole[200:201], whole[201:]]
    async with raw_server(sending(*pieces, then_close=True)) as url:
        messages, lost = await everything(url)
    assert messages == payloads
    assert lost.reason == "the line was cut" and not lost.oversized


async def test_fragments_are_put_together_and_control_frames_may_stand_between() -> None:
    parts = [
        wire(b"one ", fin=False),
        wire(b"?", PING),
        wire(b"two ", CONTINUATION, fin=False),
        wire(b"", CONTINUATION, fin=False),
        wire(b"three", CONTINUATION),
        wire(b"!", PONG),
        GOOD,
    ]
    async with raw_server(sending(b"".join(parts), then_close=True)) as url:
        messages, _ = await everything(url)
    assert messages == [b"one two three", b'{"good":1}']


BROKEN = {
    "reserved bit": wire(b"{}", rsv=4),
    "reserved bits of a fragment": wire(b"{}", fin=False, rsv=1),
    "unknown opcode": wire(b"{}", 0x3),
    "long ping": bytes([0x80 | PING, 126]) + b"\x00\x7f" + b"p" * 127,
    "ping in fragments": wire(b"p", PING, fin=False),
    "continuation of nothing": wire(b"{}", CONTINUATION),
    "message inside a message": wire(b"{", fin=False) + wire(b"{}"),
    "masked": b"\x81\x82abcd..",
    "length not the shortest": b"\x81\x7e\x00\x05{}{}{",
    "length beyond all": b"\x81\x7f\xff" + b"\xff" * 7,
    "close of one byte": wire(b"\x03", CLOSE),
    "close with a code that nobody may send": wire(b"\x03\xed", CLOSE),
    "no websocket at all": b"\x00HTTP nonsense\r\n" * 20,
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("together", [True, False], ids=["in one read", "in its own read"])
async def test_a_broken_protocol_ends_the_connection_after_what_was_whole(
    broken: bytes, together: bool
) -> None:
    pieces = [GOOD + broken + GOOD] if together else [GOOD, broken, GOOD, GOOD]
    async with raw_server(sending(*pieces)) as url:
        messages, lost = await everything(url)
    assert messages == [b'{"good":1}']
    assert lost.reason and not lost.oversized


async def test_a_frame_that_the_cut_line_left_unfinished_is_no_message() -> None:
    async with raw_server(sending(GOOD + wire(b"x" * 1000)[:-1], then_close=True)) as url:
        messages, lost = await everything(url)
    assert messages == [b'{"good":1}'] and lost.reason == "the line was cut"


BIG = b"x" * (MAX_FRAME_BYTES + 1)
TOO_BIG = {
    "one frame": [wire(BIG), GOOD],
    "promised only": [b"\x82\x7f" + (1 << 40).to_bytes(8, "big"), b"x" * 100_000, GOOD],
    "fragments": [
        wire(BIG[: MAX_FRAME_BYTES // 2], fin=False),
        *[wire(BIG[: MAX_FRAME_BYTES // 4], CONTINUATION, fin=False)] * 3,
        GOOD,
    ],
    "empty fragments without end": [
        wire(b"", fin=False) + wire(b"", CONTINUATION, fin=False) * 5000
    ],
}


@pytest.mark.parametrize("pieces", TOO_BIG.values(), ids=TOO_BIG)
async def test_a_message_over_the_limit_ends_the_connection(pieces: list[bytes]) -> None:
    async with raw_server(sending(GOOD, *pieces)) as url:
        messages, lost = await everything(url)
    assert messages == [b'{"good":1}'] and lost.oversized


async def test_the_largest_message_is_taken() -> None:
    largest = b"\xff" * MAX_FRAME_BYTES
    async with raw_server(sending(wire(largest, BINARY), then_close=True)) as url:
        messages, _ = await everything(url)
    assert messages == [largest]


async def test_pings_are_answered_with_their_payload_and_text_is_sent_masked() -> None:
    heard: list[tuple[int, bytes]] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD + wire(b"1723161255", PING))
        heard.append(await read_frame(reader))
        heard.append(await read_frame(reader))

    async with raw_server(play) as url, open_connection(url) as connection:
        async with aclosing(connection.batches()) as batches:
            assert (await anext(batches)).frames == [b'{"good":1}']
        connection.send('{"id":1}')
        await until(lambda: len(heard) == 2)
    assert heard == [(PONG, b"1723161255"), (TEXT, b'{"id":1}')]


async def test_a_close_of_the_exchange_is_told_with_its_code_and_reason() -> None:
    goodbye = wire((1001).to_bytes(2, "big") + b"Connection is too old", CLOSE)
    async with raw_server(sending(GOOD + goodbye + GOOD)) as url:
        messages, lost = await everything(url)
    assert messages == [b'{"good":1}']
    assert lost.reason == "closed by the exchange: 1001 Connection is too old"


async def test_closing_waits_for_what_is_on_its_way() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD)
        opcode, payload = await read_frame(reader)
        assert opcode == CLOSE
        writer.write(GOOD * 10 + wire(payload, CLOSE))

    messages: list[bytes] = []
    async with raw_server(play) as url, open_connection(url) as connection:
        with pytest.raises(ConnectionLostError):
            async for batch in connection.batches():
                messages += batch.frames
                await connection.close()
    assert len(messages) == 11


async def test_a_server_that_does_not_say_good_bye_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "CLOSE_SECONDS", 0.1)

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)

    async with asyncio.timeout(1), raw_server(play) as url, open_connection(url) as connection:
        await connection.close()


async def test_who_does_not_take_stops_the_reading_and_then_gets_everything() -> None:
    wanted, sent = 60_000, 0
    payload = b"x" * 500

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(wanted // 100):
            writer.write(wire(payload) * 100)
            await writer.drain()
            sent += 100

    count = 0
    async with raw_server(play) as url, open_connection(url) as connection:
        await until(lambda: sent > 0)
        await asyncio.sleep(0.5)
        # What the client holds, what its kernel holds, and the sending side's own buffers.
        assert sent * len(payload) < HIGH_BYTES + 2 * WINDOW_BYTES + 8_000_000 < wanted * 500
        with pytest.raises(ConnectionLostError):
            async for batch in connection.batches():
                count += len(batch.frames)
    assert count == wanted


async def test_an_error_of_our_own_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise RuntimeError("our own fault")

    monkeypatch.setattr("producer.inbox.Inbox._begin", broken)
    async with raw_server(sending(GOOD)) as url:
        with pytest.raises(RuntimeError, match="our own fault"):
            await everything(url)
