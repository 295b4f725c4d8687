"""A DuckDB session that reads Iceberg, without a network and without touching the home folder."""

import importlib.resources
from collections.abc import Iterable
from pathlib import Path

import duckdb

from lakehouse import lake_refusals
from lakehouse.errors import FirehoseError, MissingToolError, SettingsError, UnreachableError
from lakehouse.settings import Settings


def connect(spill_to: Path) -> duckdb.DuckDBPyConnection:
    """A session in memory, in UTC, that spills into the folder `spill_to` when memory is short."""
    con = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "temp_directory": str(spill_to),
        }
    )
    con.execute("SET TimeZone = 'UTC'")
    load_extensions(con, ("avro", "iceberg"))
    return con


def load_extensions(con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Load extensions out of their wheels; MissingToolError where a wheel does not fit.

    They are loaded where they lie: INSTALL would copy 30 MB into the home folder, which
    a container need not have and which two processes would write at once.
    """
    for name in names:
        try:
            con.load_extension(str(_extension_file(name)))
        except (ImportError, duckdb.Error) as error:
            raise MissingToolError(
                f"DuckDB's extension {name} can't be loaded: {_first_line(error)}.",
                "Run `make setup` again: it installs the extensions that fit this DuckDB.",
            ) from None


def use_s3(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Let the session read s3:// with the S3 settings; their keys are bound, never in the text."""
    load_extensions(con, ("httpfs",))
    if settings.s3_ca_file:
        con.execute("SET ca_cert_file = '" + settings.s3_ca_file.replace("'", "''") + "'")
    con.execute("SET enable_server_cert_verification = true")
    scheme, _, host = settings.s3_endpoint.rpartition("://")
    values = {
        "key_id": settings.s3_access_key.get_secret_value(),
        "secret": settings.s3_secret_key.get_secret_value(),
        "region": settings.s3_region,
        "endpoint": host,
    }
    given = {name: value for name, value in values.items() if value}
    # Servers other than Amazon's rarely have a host name for each bucket.
    style = f", url_style 'path', use_ssl {scheme != 'http'}" if host else ""
    options = ", ".join(f"{name} ${name}" for name in given)
    con.execute(f"CREATE OR REPLACE SECRET lake_s3 (TYPE s3, {options}{style})", given)


def as_user_error(error: Exception) -> FirehoseError:
    """DuckDB's error as one sentence that a user can act on."""
    if (refusal := lake_refusals.refused(error)) is not None:
        return refusal
    message = _first_line(error).rstrip(".!")
    if isinstance(error, duckdb.IOException | duckdb.HTTPException):
        return UnreachableError(
            f"The lake's files can't be read: {message}.",
            "If maintenance removed them just now, ask again; else see the S3 settings.",
        )
    return SettingsError(
        f"The query can't be run: {message}.",
        "It is DuckDB's SQL; `show all tables` and `describe <table>` tell what the lake holds.",
    )


def _extension_file(name: str) -> Path:
    wheel = Path(str(importlib.resources.files(f"duckdb_extension_{name}")))
    return wheel / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
