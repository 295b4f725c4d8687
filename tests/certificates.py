"""An authority of the tests' own, and the certificate of a server on this machine."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificates:
    """PEM files, valid for a day; `other_authority` has signed nothing.

    `server` is the certificate for localhost and 127.0.0.1, `key` its key, `store` both in one.
    """

    authority: Path
    other_authority: Path
    server: Path
    key: Path
    store: Path


def make(folder: Path) -> Certificates:
    """Make them with openssl; the test is skipped where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    _authority(folder, "ca")
    _authority(folder, "other")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    request = ("-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    _openssl(folder, "req", *_KEY, *request, "-addext", names)
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1")
    _openssl(
        folder, "x509", "-req", "-in", "request.pem", *signer, "-copy_extensions", "copy",
        "-out", "server.pem",
    )  # fmt: skip
    store = folder / "store.pem"
    store.write_text((folder / "key.pem").read_text() + (folder / "server.pem").read_text())
    return Certificates(
        folder / "ca.pem", folder / "other.pem", folder / "server.pem", folder / "key.pem", store
    )


def _authority(folder: Path, name: str) -> None:
    files = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "1")
    _openssl(folder, "req", "-x509", *_KEY, *files, "-subj", f"/CN=firehose-test-{name}")


def _openssl(folder: Path, *words: str) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificates")
    subprocess.run([openssl, *words], cwd=folder, check=True, capture_output=True)
