"""Signatures of webhooks: made as RFC 2104 says, checked without giving anything away."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.signing import TOLERANCE_SECONDS, signature, verify

NOW = 1_795_000_000
SECRET, BODY = "it's a secret", b'{"event_id":"binance-BTCUSDT-2026-11-21T13:30:00Z"}'


def test_a_known_signature() -> None:
    # printf '1795000000.{}' | openssl dgst -sha256 -hmac key
    assert signature("key", 1_795_000_000, b"{}") == (
        "sha256=" + hmac.digest(b"key", b"1795000000.{}", "sha256").hex()
    )
    told = "sha256=" + hashlib.sha256(b"").hexdigest()
    assert len(signature("key", 0, b"")) == len(told)


@given(st.text(min_size=1), st.binary(max_size=200))
def test_what_was_signed_is_verified(secret: str, body: bytes) -> None:
    try:
        secret.encode()
    except UnicodeEncodeError:
        return
    assert verify(secret, str(NOW), body, signature(secret, NOW, body), NOW)


@pytest.mark.parametrize("age", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_it_is_good_for_a_while(age: int) -> None:
    assert verify(SECRET, str(NOW - age), BODY, signature(SECRET, NOW - age, BODY), NOW)


def forgeries() -> dict[str, tuple[str, str, bytes, str]]:
    """Name → secret, timestamp, body, signature: each is wrong in one thing."""
    good = signature(SECRET, NOW, BODY)
    old = NOW - TOLERANCE_SECONDS - 1
    return {
        "other body": (SECRET, str(NOW), BODY + b" ", good),
        "other secret": ("another", str(NOW), BODY, good),
        "other time": (SECRET, str(NOW + 1), BODY, good),
        "time moved into the body": (SECRET, "1", b"795000000." + BODY, good),
        "replayed": (SECRET, str(old), BODY, signature(SECRET, old, BODY)),
        "of the future": (SECRET, str(NOW + 301), BODY, signature(SECRET, NOW + 301, BODY)),
        "no scheme": (SECRET, str(NOW), BODY, good.removeprefix("sha256=")),
        "upper case": (SECRET, str(NOW), BODY, good.upper()),
        "cut off": (SECRET, str(NOW), BODY, good[:-1]),
        "nothing": (SECRET, str(NOW), BODY, ""),
        "no ASCII": (SECRET, str(NOW), BODY, "sha256=é\udce9"),
        "no time": (SECRET, "", BODY, good),
        "signed time": (SECRET, f"+{NOW}", BODY, good),
        "spaced time": (SECRET, f" {NOW}", BODY, good),
        "digits of another script": (SECRET, "١٧٩٥٠٠٠٠٠٠", BODY, good),
        "endless time": (SECRET, "9" * 10_000, BODY, good),
        "empty secret": ("", str(NOW), BODY, signature("", NOW, BODY)),
    }


@pytest.mark.parametrize("name", forgeries())
def test_a_forgery_is_refused(name: str) -> None:
    secret, timestamp, body, given_signature = forgeries()[name]
    assert not verify(secret, timestamp, body, given_signature, NOW)
