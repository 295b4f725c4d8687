"""What S3 or the catalog refused, named by the settings; judged by the text of a library's error.
Pure."""

from typing import Final

from lakehouse.errors import SettingsError

_KEYS: Final = "Set them to a key that S3 knows; see docs/security.md."
# In this order: the more telling first. Each is any of the marks, the sentence, the way out.
_ALL: Final = (
    (
        ("CERTIFICATE_VERIFY_FAILED", "SSL peer certificate", "certificate verify failed"),
        "The certificate of S3 or of the catalog is not trusted",
        "Set S3_CA_FILE to the PEM file of the authority that signed it.",
    ),
    (
        ("ExpiredToken", "EXPIRED_TOKEN", "TokenRefreshRequired"),
        "S3_ACCESS_KEY and S3_SECRET_KEY have expired",
        _KEYS,
    ),
    (
        (
            "InvalidAccessKeyId",
            "INVALID_ACCESS_KEY_ID",
            "SignatureDoesNotMatch",
            "SIGNATURE_DOES_NOT_MATCH",
        ),
        "S3 refuses S3_ACCESS_KEY and S3_SECRET_KEY",
        _KEYS,
    ),
    (
        ("HTTP 403", "403 (Forbidden)", "AccessDenied", "ACCESS_DENIED", "Access Denied"),
        "S3 refuses S3_ACCESS_KEY and S3_SECRET_KEY, or does not let them do this",
        "Set them to a key with the rights that docs/security.md lists.",
    ),
)


def refused(error: Exception) -> SettingsError | None:
    """The error in words where user, key or certificate is refused; None where it is another."""
    text = str(error)
    for marks, sentence, hint in _ALL:
        if any(mark in text for mark in marks):
            return SettingsError(f"{sentence}: {_first_line(text)}.", hint)
    return None


def _first_line(text: str) -> str:
    line = next(iter(text.splitlines()), "")
    return (line if len(line) <= 300 else f"{line[:300]}…").rstrip(".")
