"""The `.env` of the Compose stack: passwords are made where none stands, and none is changed.

What the file says already stays to the letter. Each missing value is a new random one, so no two
installations share a password and nothing has a default.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from lakehouse import private_file
from lakehouse.errors import ResourceError

_BYTES: Final = 24
_ASSIGNMENT: Final = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")
_HEADER: Final = "# Made by `make env`: keep these, the volumes know them."


def _password() -> str:
    return secrets.token_urlsafe(_BYTES)


def _access_key() -> str:
    # S3 access keys are 3 to 20 letters and digits.
    return f"firehose{secrets.token_hex(4)}"


# Name → how a value of it is made. What stands in docker-compose.yml as ${NAME:?run make env}, and
# the user of MinIO who may only read.
GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    "MINIO_ROOT_USER": _access_key,
    "MINIO_ROOT_PASSWORD": _password,
    "S3_ACCESS_KEY": _access_key,
    "S3_SECRET_KEY": _password,
    "S3_READER_ACCESS_KEY": _access_key,
    "S3_READER_SECRET_KEY": _password,
    "POSTGRES_PASSWORD": _password,
    "MARQUEZ_DB_PASSWORD": _password,
    "GRAFANA_ADMIN_PASSWORD": _password,
    "N8N_ENCRYPTION_KEY": _password,
    "API_KEY": _password,
    "SPIKE_WEBHOOK_SECRET": _password,
    "NOTEBOOK_TOKEN": _password,
}

_READER: Final = frozenset({"S3_READER_ACCESS_KEY", "S3_READER_SECRET_KEY"})


def complete(text: str) -> tuple[str, list[str]]:
    """`text` of a `.env` with what it lacks added at its end, and the names that were added.

    An empty value counts as lacking, as it does to our settings: its line goes.
    """
    given = {found[1] for line in text.splitlines() if (found := _assigned(line))}
    # Another S3 knows no user that is made up here.
    left_out = _READER if "S3_ENDPOINT" in given else frozenset()
    missing = [name for name in GENERATED if name not in given | left_out]
    if not missing:
        return text, []
    kept = [line for line in text.splitlines() if not _is_empty(line, missing)]
    made = [f"{name}={GENERATED[name]()}" for name in missing]
    gap = [""] if kept and kept[-1] else []
    return "\n".join([*kept, *gap, _HEADER, *made]) + "\n", missing


def write(path: Path) -> list[str]:
    """Complete the file, readable by its owner alone; the names that were added.

    ResourceError where it can't be read or written.
    """
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after, added = complete(before)
        if added:
            # Half a file would look like passwords that were never given.
            private_file.write(path, after)
        elif path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except (OSError, UnicodeDecodeError) as error:
        raise ResourceError(
            f"{path} can't be written: {getattr(error, 'strerror', None) or error}.",
            "Mend the rights of the file and its folder.",
        ) from None
    return added


def _assigned(line: str) -> re.Match[str] | None:
    """The line's name and value, where it gives one."""
    found = _ASSIGNMENT.match(line)
    return found if found and found[2] not in ("", "''", '""') else None


def _is_empty(line: str, names: list[str]) -> bool:
    found = _ASSIGNMENT.match(line)
    return found is not None and found[1] in names
