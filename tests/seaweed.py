"""A real S3 with a real REST catalog for tests, and the settings that lead there."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from lakehouse.stack.process import ManagedProcess
from lakehouse.stack.seaweed import WAREHOUSE, Keys, SeaweedServer

KEYS: Final = Keys("lake", SecretStr("a-secret-of-the-lake"))

# Another client of the catalog, which may do all: S3 alone can then refuse KEYS.
CLERK: Final = Keys("clerk", SecretStr("a-secret-of-the-catalog"))
READER: Final = Keys("reader", SecretStr("a-secret-of-readers"))
# SeaweedFS' words for who may only read its catalog.
_LOOK: Final = ("s3tables:ListTables", "s3tables:GetTable", "s3tables:GetNamespace")
_ALL: Final = ("Admin", "Read", "Write", "List", "Tagging")
_MAY: Final = {KEYS: _ALL, CLERK: _ALL, READER: ("Read", "List", *_LOOK)}


@contextmanager
def running_seaweed(folder: Path, with_reader: bool = False) -> Iterator[SeaweedServer]:
    """A server with its data and its log in `folder`; ended at the end.

    `with_reader`: there are READER, who may only read, in S3 and in the catalog, and CLERK.
    """
    made = SeaweedServer(
        folder / "data",
        KEYS,
        lambda name, argv, env, grace: ManagedProcess(name, argv, folder / "log", env, grace),
        _identities(folder / "identities.json") if with_reader else None,
    )
    made.start()
    try:
        yield made
    finally:
        if made.process is not None:
            made.process.stop()


def renew_key(server: SeaweedServer, folder: Path, secret: str) -> None:
    """KEYS gets another secret while the server runs; the one before is refused soon after."""
    _identities(folder / "identities.json", secret)
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGHUP)


def _identities(file: Path, secret: str = "") -> Path:
    found = [
        {
            "name": keys.access,
            "credentials": [
                {"accessKey": keys.access, "secretKey": keys.secret.get_secret_value()}
            ],
            "actions": actions,
        }
        for keys, actions in _MAY.items()
    ]
    if secret:
        found[0]["credentials"] = [{"accessKey": KEYS.access, "secretKey": secret}]
    file.write_text(json.dumps({"identities": found}))
    return file


def reading(server: SeaweedServer) -> dict[str, str]:
    """As `lake_there`, for READER."""
    secret = READER.secret.get_secret_value()
    return lake_there(server) | {
        "LAKE_CATALOG_CREDENTIAL": READER.credential,
        "S3_ACCESS_KEY": READER.access,
        "S3_SECRET_KEY": secret,
    }


def lake_there(server: SeaweedServer, secret: str | None = None) -> dict[str, str]:
    """The settings of a lake in this server, by their names in the environment."""
    chosen = secret or KEYS.secret.get_secret_value()
    return {
        "LAKE_CATALOG_TYPE": "rest",
        "LAKE_CATALOG_URI": "http://{}:{}".format(*server.catalog),
        "LAKE_CATALOG_CREDENTIAL": f"{KEYS.access}:{chosen}",
        "LAKE_WAREHOUSE": WAREHOUSE,
        "S3_ENDPOINT": "http://{}:{}".format(*server.s3),
        "S3_ACCESS_KEY": KEYS.access,
        "S3_SECRET_KEY": chosen,
    }
