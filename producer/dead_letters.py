"""How a frame that can't be read is written to the dead-letter topic. Pure."""

from hashlib import sha256
from typing import Final

from lakehouse.exchanges.binance import EXCHANGE
from lakehouse.messages import dead_letter_headers
from producer.protocol import DeadLetter

RAW_BYTES_HEADER: Final = "raw_bytes"
RAW_SHA256_HEADER: Final = "raw_sha256"
CUT_BYTES: Final = 16 * 1024

# Wider than what is written here: the type that confluent-kafka asks for.
Headers = list[tuple[str, str | bytes | None]]


def whole(letter: DeadLetter) -> tuple[bytes, Headers]:
    """Value and headers: the raw frame, byte for byte."""
    return letter.raw, [*dead_letter_headers(letter.reason, EXCHANGE, letter.ingest_time)]


def cut(letter: DeadLetter) -> tuple[bytes, Headers]:
    """Value and headers where the broker refuses the frame's size.

    The first CUT_BYTES of the frame; its true size and SHA-256 stand in the headers.
    """
    value, headers = whole(letter)
    digest = sha256(value).hexdigest().encode()
    size = str(len(value)).encode()
    return value[:CUT_BYTES], [*headers, (RAW_BYTES_HEADER, size), (RAW_SHA256_HEADER, digest)]
