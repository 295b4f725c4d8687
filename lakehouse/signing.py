"""HMAC-SHA256 signatures of webhooks: made by the sender, checked by the receiver. Pure.

What is signed is `<timestamp>.<body>`, so that neither can be changed, and an old request that
somebody sends once more is known by its age.
"""

import hashlib
import hmac
from typing import Final

SCHEME: Final = "sha256="
TOLERANCE_SECONDS: Final = 300
# Room for seconds until the year 5138; more digits are no time, and int() would take its time.
_MOST_DIGITS: Final = 11


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of the signature header: `sha256=` and 64 hexadecimal digits.

    `timestamp`: s since 1970 UTC, in the request's own header too.
    """
    signed = f"{timestamp}.".encode() + body
    return SCHEME + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def verify(
    secret: str,
    timestamp: str,
    body: bytes,
    given: str,
    now: float,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> bool:
    """Whether the holder of the secret signed this body, no longer than the tolerance ago.

    `timestamp` and `given` as they stand in the headers; `now`: s since 1970 UTC. An empty secret
    verifies nothing.
    """
    if not secret or not (timestamp.isascii() and timestamp.isdecimal()):
        return False
    if len(timestamp) > _MOST_DIGITS or abs(now - int(timestamp)) > tolerance_seconds:
        return False
    wanted = signature(secret, int(timestamp), body)
    return hmac.compare_digest(wanted.encode(), given.encode(errors="replace"))
