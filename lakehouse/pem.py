"""Certificates of authorities in PEM files: KAFKA_CA_FILE, S3_CA_FILE."""

import ssl
from pathlib import Path


def check(path: str) -> str:
    """The absolute path; ValueError (for a setting) where the file holds no readable certificate.

    Empty stays empty: the system's authorities are trusted then.
    """
    if not path:
        return ""
    file = Path(path).expanduser().resolve()
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=str(file))
    except ssl.SSLError:
        raise ValueError(f"{file} holds no certificate in PEM form") from None
    except OSError as error:
        raise ValueError(f"{file} can't be read ({error.strerror})") from None
    return str(file)


def context(path: str) -> ssl.SSLContext:
    """A client's TLS that trusts the file's authorities alone; the system's where it is empty."""
    return ssl.create_default_context(cafile=path or None)


def text(path: str) -> str:
    """The file's content; empty for none."""
    return Path(path).read_text(encoding="ascii", errors="replace") if path else ""
