"""Websocket bytes, damaged at random: whatever comes, whole messages or a lost connection."""

import asyncio
from random import Random

import pytest

from producer.connection import ConnectionLostError, open_connection
from tests.integration.raw_websocket import CONTINUATION, PING, TEXT, raw_server, sending, wire

STREAMS = 60


def stream(rng: Random) -> bytes:
    """Some frames of all kinds and sizes, in a row that need not make sense."""
    frames = []
    for _ in range(rng.randrange(1, 8)):
        size = rng.choice([0, 1, 90, 125, 126, 200, 70_000])
        opcode = rng.choice([TEXT, TEXT, TEXT, CONTINUATION, PING, rng.randrange(16)])
        frames.append(wire(rng.randbytes(size), opcode, fin=rng.random() < 0.8))
    return b"".join(frames)


def damaged(raw: bytes, rng: Random) -> bytes:
    """A few bytes changed, left out or doubled; often in the headers, as frames are short."""
    out = bytearray(raw)
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(out))
        out[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    return bytes(out)


async def taken(url: str) -> list[bytes]:
    messages: list[bytes] = []
    with pytest.raises(ConnectionLostError) as lost:
        async with asyncio.timeout(5), open_connection(url) as connection:
            async for batch in connection.batches():
                messages += batch.frames
    assert lost.value.reason
    return messages


@pytest.mark.parametrize("seed", range(5))
async def test_any_bytes_end_in_a_lost_connection_and_nothing_else(seed: int) -> None:
    rng = Random(seed)
    for _ in range(STREAMS):
        raw = damaged(stream(rng), rng)
        cut = rng.randrange(len(raw) + 1)
        async with raw_server(sending(raw[:cut], raw[cut:], then_close=True)) as url:
            messages = await taken(url)
        # Nothing is invented: every message is made of bytes that were sent.
        assert sum(map(len, messages)) <= len(raw)


@pytest.mark.parametrize("seed", range(3))
async def test_well_formed_messages_come_whole_at_any_cut(seed: int) -> None:
    rng = Random(seed)
    for _ in range(STREAMS // 2):
        wanted = [rng.randbytes(rng.choice([0, 1, 125, 126, 5000])) for _ in range(20)]
        raw = b"".join(wire(message) for message in wanted)
        cuts = sorted(rng.randrange(len(raw)) for _ in range(3))
        pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
        async with raw_server(sending(*pieces, then_close=True)) as url:
            assert await taken(url) == wanted
