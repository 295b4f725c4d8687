"""As much of HTTP/1.1 as a proxy needs that changes nothing: where a message ends."""

import asyncio
from typing import Final, NamedTuple

Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_BLOCK: Final = 65_536


class Head(NamedTuple):
    """The first lines of a request or an answer, as they came, and what they say of the body."""

    raw: bytes
    first: bytes
    length: int
    chunked: bool
    measured: bool  # whether it says at all how long the body is

    @property
    def interim(self) -> bool:
        """An answer before the answer: 100 Continue."""
        return self.first.split(b" ")[1].startswith(b"1")

    @property
    def bodiless(self) -> bool:
        """An answer that has no body whatever its fields say."""
        return self.first.split(b" ")[1] in (b"204", b"304")

    @property
    def closes(self) -> bool:
        """Whether the connection ends with this answer."""
        return not (self.measured or self.bodiless) or b"connection: close" in self.raw.lower()


async def head(reader: asyncio.StreamReader) -> Head | None:
    """The next head; None where the connection ends instead."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = raw.split(b"\r\n")
    fields = dict(line.lower().split(b":", 1) for line in lines if b":" in line)
    chunked = b"chunked" in fields.get(b"transfer-encoding", b"")
    length = int(fields.get(b"content-length", b"0"))
    return Head(raw, first, length, chunked, chunked or b"content-length" in fields)


async def pass_body(of: Head, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on the body that a head announces."""
    if of.chunked:
        await _chunks(source, sink)
    else:
        await _bytes(of.length, source, sink)
    await sink.drain()


async def pass_answer(
    request: Head, answer: Head, source: asyncio.StreamReader, sink: asyncio.StreamWriter
) -> None:
    """Pass on an answer's body; one without a length goes on to the end of the connection."""
    if request.first.startswith(b"HEAD ") or answer.bodiless:
        await sink.drain()
    elif answer.measured:
        await pass_body(answer, source, sink)
    else:
        while block := await source.read(_BLOCK):
            sink.write(block)
            await sink.drain()


async def _bytes(count: int, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while count:
        block = await source.read(min(count, _BLOCK))
        if not block:
            raise ConnectionResetError("the body ended early")
        count -= len(block)
        sink.write(block)
        await sink.drain()


async def _chunks(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while True:
        line = await source.readuntil(b"\r\n")
        sink.write(line)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            break
        await _bytes(size + 2, source, sink)
    while True:  # trailers, then an empty line
        line = await source.readuntil(b"\r\n")
        sink.write(line)
        if line == b"\r\n":
            return
