"""What the catalog knows, for readers: each table's name and where its newest metadata stands."""

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from lakehouse import lake_refusals
from lakehouse.errors import FirehoseError, SettingsError, UnreachableError
from lakehouse.s3_names import CA_FILE
from lakehouse.settings import Settings
from lakehouse.tables import ALL, CATALOG, NAMESPACE

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

_FILL = "Fill one first with `firehose run` or `make demo`, or name another with --data-dir."
# lakehouse/lake_io.py, which takes a second to import.
_FILE_IO: Final = "lakehouse.lake_io.LakeFileIO"
_TABLES = """
SELECT table_name, metadata_location FROM iceberg_tables
WHERE catalog_name = ? AND table_namespace = ? AND metadata_location IS NOT NULL
"""


def table_locations(settings: Settings) -> dict[str, str]:
    """Table name → address of its newest metadata file, all read at one moment where possible.

    SettingsError where there is no lake yet, UnreachableError where the catalog does not answer.
    """
    if settings.lake_catalog_type == "rest":
        return rest_locations(rest_catalog(settings), settings.lake_catalog_uri)
    return _from_sqlite(settings)


def rest_catalog(settings: Settings) -> "Catalog":
    """The REST catalog of LAKE_CATALOG_URI.

    SettingsError where it refuses LAKE_CATALOG_CREDENTIAL, UnreachableError where it does not
    answer.
    """
    # Imported here because it takes a second, which the embedded catalog need not pay.
    from pyiceberg.catalog import load_catalog
    from pyiceberg.exceptions import RESTError

    if settings.s3_ca_file:
        # pyiceberg has a property for it, over which its HTTP library prefers the environment.
        os.environ["REQUESTS_CA_BUNDLE"] = settings.s3_ca_file
    wanted = {
        "type": "rest",
        "uri": settings.lake_catalog_uri,
        "warehouse": settings.lake_warehouse,
        "credential": settings.lake_catalog_credential.get_secret_value(),
        "oauth2-server-uri": f"{settings.lake_catalog_uri.rstrip('/')}/v1/oauth/tokens",
        **s3_properties(settings),
    }
    try:
        return load_catalog(CATALOG, **{name: value for name, value in wanted.items() if value})
    except (OSError, ValueError, RESTError) as error:
        raise _rest_failure(settings.lake_catalog_uri, error) from None


def s3_properties(settings: Settings) -> dict[str, str]:
    """The S3 settings as pyiceberg's file access wants them; those that are empty left out."""
    found = {
        "s3.endpoint": settings.s3_endpoint,
        "s3.region": settings.s3_region,
        "s3.access-key-id": settings.s3_access_key.get_secret_value(),
        "s3.secret-access-key": settings.s3_secret_key.get_secret_value(),
    }
    if settings.s3_ca_file:
        found |= {"py-io-impl": _FILE_IO, CA_FILE: settings.s3_ca_file}
    return {name: value for name, value in found.items() if value}


def rest_locations(catalog: "Catalog", where: str) -> dict[str, str]:
    """As `table_locations`, of a REST catalog that is at hand; `where` is its address."""
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError, RESTError

    found: dict[str, str] = {}
    try:
        # One after the other, so a layer before the one that it is made from: then it never holds
        # what that one has not.
        for identifier in sorted(catalog.list_tables(NAMESPACE), key=_last_in_line_first):
            try:
                found[identifier[-1]] = catalog.load_table(identifier).metadata_location
            except NoSuchTableError:
                continue  # dropped since it was listed
    except NoSuchNamespaceError:
        raise SettingsError(f"The catalog {where} holds no namespace {NAMESPACE}.", _FILL) from None
    except (OSError, ValueError, RESTError) as error:
        raise _rest_failure(where, error) from None
    return found


def _last_in_line_first(identifier: tuple[str, ...]) -> int:
    return -ALL.index(identifier[-1]) if identifier[-1] in ALL else 0


def _from_sqlite(settings: Settings) -> dict[str, str]:
    # Java's JDBC catalog and pyiceberg's SqlCatalog share this one table, and asking SQLite for
    # it spares a second of imports. Nothing is written: mode=rw neither creates the file nor
    # fails, as mode=ro does, on the journal that a killed writer leaves behind.
    path = settings.catalog_db
    if not path.is_file():
        raise SettingsError(f"There is no lake in {settings.data_path} yet.", _FILL)
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=10)) as con:
            return dict(con.execute(_TABLES, (CATALOG, NAMESPACE)).fetchall())
    except sqlite3.Error as error:
        if "no such table" in str(error):
            raise SettingsError(f"The lake in {settings.data_path} is empty.", _FILL) from None
        raise _unreachable(str(path), error) from None


def _rest_failure(where: str, error: Exception) -> FirehoseError:
    from pyiceberg.exceptions import ForbiddenError, OAuthError, UnauthorizedError

    if isinstance(error, OAuthError | UnauthorizedError | ForbiddenError):
        return SettingsError(
            f"The catalog {where} refuses LAKE_CATALOG_CREDENTIAL: {_first_line(error)}.",
            "Set it to client-id:client-secret as the catalog knows them.",
        )
    return lake_refusals.refused(error) or _unreachable(where, error)


def _unreachable(where: str, error: Exception) -> UnreachableError:
    return UnreachableError(
        f"The catalog {where} can't be read: {_first_line(error)}.",
        "Is it running, and are LAKE_CATALOG_URI and the S3 settings right?",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
