"""`up.env` in the data folder: what leads other commands to the stack of `firehose up`.

Its keys are made at the first start and kept, as the S3 server in the same folder knows them.
"""

import secrets
import shlex
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from pydantic import SecretStr

from lakehouse import private_file
from lakehouse.settings import Settings
from lakehouse.stack.seaweed import Keys

NAME: Final = "up.env"
_TELLS: Final = (
    "DATA_DIR",
    "KAFKA_BOOTSTRAP_SERVERS",
    "LAKE_CATALOG_TYPE",
    "LAKE_CATALOG_URI",
    "LAKE_CATALOG_CREDENTIAL",
    "LAKE_WAREHOUSE",
    "S3_ENDPOINT",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "S3_REGION",
    "SPIKE_WEBHOOK_SECRET",
)


def keys(settings: Settings) -> Keys:
    """The keys of S3 and catalog: of the last start, else the settings', else new ones."""
    before = _before(settings)
    given = settings.s3_access_key.get_secret_value(), settings.s3_secret_key.get_secret_value()
    access = before.get("S3_ACCESS_KEY") or given[0] or "firehose"
    secret = before.get("S3_SECRET_KEY") or given[1] or secrets.token_urlsafe(24)
    return Keys(access, SecretStr(secret))


def webhook_secret(settings: Settings) -> SecretStr:
    """What signs the events of spikes: the settings', else of the last start, else a new one."""
    given = settings.spike_webhook_secret.get_secret_value()
    kept = _before(settings).get("SPIKE_WEBHOOK_SECRET")
    return SecretStr(given or kept or secrets.token_urlsafe(24))


def path_of(settings: Settings) -> Path:
    """The file; `set -a; . FILE` makes a shell's commands use the stack."""
    return settings.data_path / NAME


def write(settings: Settings) -> None:
    """Write it anew, readable by its owner alone."""
    values = settings.as_env() | {"DATA_DIR": str(settings.data_path)}
    lines = [f"{name}={shlex.quote(values[name])}\n" for name in _TELLS if values[name]]
    private_file.write(path_of(settings), "".join(lines))


def _before(settings: Settings) -> dict[str, str | None]:
    return dotenv_values(path_of(settings), interpolate=False)
