"""How a frame that can't be read is written to the dead-letter topic. Pure."""

from hashlib import sha256
from typing import Final

from lakehouse.exchanges.binance import EXCHANGE
from lakehouse.messages import dead_letter_headers
from producer.protocol import DeadLetter

RAW_BYTES_HEADER: Final = "raw_bytes"
RAW_SHA256_HEADER: Final = "raw_sha256"
CUT_BYTES: Final = 16 * 1024
_OVERHEAD: Final = 1024  # headers and the frame of a record batch, amply

# Wider than what is written here: the type that confluent-kafka asks for.
Headers = list[tuple[str, str | bytes | None]]


def whole(letter: DeadLetter) -> tuple[bytes, Headers]:
    """Value and headers: the raw frame, byte for byte."""
    return letter.raw, [*dead_letter_headers(letter.reason, EXCHANGE, letter.ingest_time)]


def fitted(letter: DeadLetter, limit: int) -> tuple[bytes, Headers, bool]:
    """As `whole` where a message may hold `limit` bytes; else cut, and the third is true.

    Of a frame too large the first CUT_BYTES are kept; its true size and SHA-256 stand in the
    headers.
    """
    value, headers = whole(letter)
    if len(value) + _OVERHEAD <= limit:
        return value, headers, False
    digest = sha256(value).hexdigest().encode()
    size = str(len(value)).encode()
    headers += [(RAW_BYTES_HEADER, size), (RAW_SHA256_HEADER, digest)]
    return value[:CUT_BYTES], headers, True
