"""Java's authorities and S3_CA_FILE's in one truststore, for Spark: S3 and the REST catalog."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from lakehouse.errors import MissingToolError, SettingsError

# It guards nothing: what is in the store is public.
PASSWORD: Final = "changeit"
_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.S)
_SECONDS: Final = 60.0


def make(ca_file: str, java_home: Path, file: Path) -> Path:
    """Write the store to `file`; it is whole or not there. SettingsError where Java refuses it."""
    keytool, own = java_home / "bin" / "keytool", java_home / "lib" / "security" / "cacerts"
    if not keytool.is_file() or not own.is_file():
        raise MissingToolError(
            f"Java in {java_home} has no keytool, which S3_CA_FILE needs.", "Install a whole JDK."
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".truststore-") as folder:
        store = Path(folder) / "store"
        shutil.copyfile(own, store)
        store.chmod(0o600)
        found = _CERTIFICATE.findall(Path(ca_file).read_text(encoding="ascii", errors="replace"))
        for number, text in enumerate(found):
            _add(keytool, store, f"firehose-{number}", text)
        store.replace(file)
    return file


def _add(keytool: Path, store: Path, alias: str, certificate: str) -> None:
    words = ["-importcert", "-noprompt", "-alias", alias, "-keystore", str(store)]
    done = subprocess.run(
        [str(keytool), *words, "-storepass", PASSWORD],
        input=certificate,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        told = (done.stdout + done.stderr).strip().splitlines()[:1]
        raise SettingsError(f"S3_CA_FILE: Java does not take it ({''.join(told)}).")
