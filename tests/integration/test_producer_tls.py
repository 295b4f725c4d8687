"""Connections over TLS, as to the real exchange."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from producer.connection import ConnectionLostError, open_connection
from tests.integration.producer_exchange import until
from tests.integration.raw_websocket import CLOSE, raw_server, sending, wire

SUBJECT = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cert.pem and key.pem for localhost, valid for a day."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = str(folder / "key.pem"), str(folder / "cert.pem")
    made = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    files = ("-keyout", key, "-out", cert, "-days", "1")
    subprocess.run([openssl, *made, *files, *SUBJECT], check=True, capture_output=True)
    return folder


@pytest.fixture
def tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's TLS whose certificate this process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


async def test_messages_come_whole_over_tls_and_who_rests_gets_them_later(
    tls: ssl.SSLContext,
) -> None:
    wanted, sent, payload = 60_000, 0, b"x" * 500

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(wanted // 100):
            writer.write(wire(payload) * 100)
            await writer.drain()
            sent += 100

    count = 0
    async with raw_server(play, tls=tls) as url, open_connection(url) as connection:
        assert url.startswith("wss://")
        await until(lambda: sent > 0)
        await asyncio.sleep(0.5)
        assert sent < wanted
        with pytest.raises(ConnectionLostError):
            async for batch in connection.batches():
                count += len(batch.frames)
    assert count == wanted


async def test_a_broken_protocol_over_tls_is_a_lost_connection(tls: ssl.SSLContext) -> None:
    messages: list[bytes] = []
    async with raw_server(sending(wire(b"{}"), wire(b"{}", rsv=7), wire(b"{}")), tls=tls) as url:
        with pytest.raises(ConnectionLostError, match="reserved"):
            async with asyncio.timeout(5), open_connection(url) as connection:
                async for batch in connection.batches():
                    messages += batch.frames
    assert messages == [b"{}"]


async def test_a_good_bye_of_the_exchange_over_tls_is_taken_at_its_word(
    tls: ssl.SSLContext,
) -> None:
    goodbye = wire((1001).to_bytes(2, "big") + b"too old", CLOSE)
    async with raw_server(sending(wire(b"{}") + goodbye), tls=tls) as url:
        with pytest.raises(ConnectionLostError, match="1001 too old"):
            async with asyncio.timeout(5), open_connection(url) as connection:
                async for batch in connection.batches():
                    assert batch.frames == [b"{}"]


async def test_leaving_a_server_that_says_no_good_bye_takes_a_second(tls: ssl.SSLContext) -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)

    async with raw_server(play, tls=tls) as url, asyncio.timeout(5), open_connection(url):
        pass


async def test_a_certificate_that_nobody_trusts_is_refused(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with raw_server(sending(), tls=tls) as url:
        with pytest.raises(ConnectionLostError, match=r"(?i)certificate"):
            async with open_connection(url):
                raise AssertionError("it was let in")
