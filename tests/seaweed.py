"""A real S3 with a real REST catalog for tests, and the settings that lead there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from lakehouse.stack.process import ManagedProcess
from lakehouse.stack.seaweed import WAREHOUSE, Keys, SeaweedServer

KEYS: Final = Keys("lake", SecretStr("a-secret-of-the-lake"))


READER: Final = Keys("reader", SecretStr("a-secret-of-readers"))
_MAY: Final = {KEYS: ("Admin", "Read", "Write", "List", "Tagging"), READER: ("Read", "List")}


@contextmanager
def running_seaweed(folder: Path, with_reader: bool = False) -> Iterator[SeaweedServer]:
    """A server with its data and its log in `folder`; ended at the end.

    `with_reader`: a second key, READER, may only read.
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


def _identities(file: Path) -> Path:
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
    file.write_text(json.dumps({"identities": found}))
    return file


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
