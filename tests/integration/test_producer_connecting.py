"""Opening a connection: servers that don't shake hands, addresses that are none, proxies."""

import asyncio

import pytest

from lakehouse.errors import SettingsError
from producer import connection as door
from producer.connection import Connection, ConnectionLostError, open_connection
from tests.integration.raw_websocket import raw_server, sending

REFUSALS = {
    "status": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 300\r\nContent-Length: 0\r\n\r\n",
    "nonsense": b"\x00\x01\x02\r\n\r\n",
    "another key": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("answer", REFUSALS.values(), ids=REFUSALS)
async def test_a_server_that_does_not_shake_hands_is_a_lost_connection(answer: bytes) -> None:
    async with raw_server(sending(then_close=True), answer) as url:
        with pytest.raises(ConnectionLostError) as lost:
            await opened(url)
    assert lost.value.reason and "Traceback" not in lost.value.reason


async def opened(url: str) -> None:
    async with asyncio.timeout(5), open_connection(url) as connection:
        assert isinstance(connection, Connection)


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "OPEN_SECONDS", 0.2)

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(play, b"HTTP/1.1 101") as url:
        with pytest.raises(ConnectionLostError, match=r"0\.2 s"):
            await opened(url)


async def test_nobody_listening_is_a_lost_connection() -> None:
    async with raw_server(sending()) as url:
        gone = url
    with pytest.raises(ConnectionLostError):
        await opened(gone)


async def test_an_address_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="BINANCE_WS_URL"):
        await opened("ws://")


@pytest.mark.parametrize("proxy", ["http://user:secret@", "ftp://user:secret@host:1", "://secret"])
async def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(ConnectionLostError) as lost:
        await opened("wss://exchange.invalid")
    assert "proxy" in lost.value.reason and "secret" not in lost.value.reason


async def through(proxy: str, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(ConnectionLostError):
        await opened(url)


async def test_a_proxy_of_the_environment_is_asked_but_not_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    async with proxy:
        await through(address, monkeypatch, "ws://exchange.invalid:9443/stream")
        assert asked == [b"CONNECT exchange.invalid:9443 HTTP/1.1\r\n"]
        async with raw_server(sending()) as url:
            await opened(url)
    assert len(asked) == 1
