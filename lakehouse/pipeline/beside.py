"""What `firehose up` runs beside the main job: S3 and catalog before it, API and n8n after it."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.request import Request

from pydantic import SecretStr

from lakehouse.errors import StackError
from lakehouse.pipeline import up_file
from lakehouse.pipeline.direct import OPENER
from lakehouse.pipeline.parts import Part, Parts
from lakehouse.settings import Settings
from lakehouse.stack.address import Address
from lakehouse.stack.embedded import Stack
from lakehouse.stack.n8n import WEBHOOK_PATH
from lakehouse.stack.seaweed import WAREHOUSE, Keys, SeaweedServer

Show = Callable[[Sequence[Address]], None]
_API_SECONDS: Final = 120.0
# It is installed first where it is missing: 2.6 GB.
_N8N_SECONDS: Final = 1200.0
_STOP_SECONDS: Final = 15.0
_N8N_STOP_SECONDS: Final = 45.0
_MOST_STORAGE_RESTARTS: Final = 3


class Beside:
    """S3, catalog, API and, where wanted, n8n; `show` is told their addresses when all answer."""

    def __init__(self, report: Callable[[str], None], show: Show, with_n8n: bool) -> None:
        self._report = report
        self._show = show
        self._with_n8n = with_n8n
        self._server: SeaweedServer | None = None
        self._storage_restarts = 0
        self._parts: list[Part] = []

    def storage(self, stack: Stack, settings: Settings) -> Settings:
        """Start S3 and catalog, unless the settings name one; the settings that lead there."""
        found: dict[str, object] = {}
        if settings.lake_catalog_type == "sql":
            found |= self._start_storage(stack, up_file.keys(settings))
        if self._with_n8n:
            found |= _n8n_settings(settings)
        return settings.model_copy(update=found)

    def start(self, parts: Parts, settings: Settings) -> None:
        """Start API and n8n, wait for both, show every address. Raises as `Parts.wait_ready`."""
        api = parts.start("api", _api_command)
        self._parts.append(api)
        api_url = str(parts.wait_ready(api, _API_SECONDS)["url"])
        parts.wait_until(lambda: _is_ready(api_url, settings), _API_SECONDS, "The API")
        found = [*_addresses(settings), Address("api", api_url, "page and API")]
        if self._with_n8n:
            found.append(self._start_n8n(parts, settings, api_url))
        up_file.write(settings)
        self._show(found)

    def tend(self, parts: Parts) -> None:
        """Start again what died; its error where that does not help."""
        process = self._server.process if self._server else None
        if self._server and process and not process.alive:
            if self._storage_restarts >= _MOST_STORAGE_RESTARTS:
                raise StackError("SeaweedFS ended again and again.", f"Log: {process.log_path}")
            self._storage_restarts += 1
            self._report(f"SeaweedFS ended (code {process.returncode}); it is started again.")
            self._server.start()
        for part in self._parts:
            parts.revive(part)

    def stop(self) -> None:
        """End API and n8n; storage ends with the stack, after the streams."""
        for part in reversed(self._parts):
            part.process.stop(_N8N_STOP_SECONDS if part.name == "n8n" else _STOP_SECONDS)

    def _start_storage(self, stack: Stack, keys: Keys) -> dict[str, object]:
        folder = stack.settings.data_path / "seaweedfs"
        self._server = SeaweedServer(folder, keys, stack.spawn)
        self._server.start()
        self._report("S3 and the REST catalog answer (SeaweedFS).")
        return {
            "lake_catalog_type": "rest",
            "lake_catalog_uri": "http://{}:{}".format(*self._server.catalog),
            "lake_catalog_credential": SecretStr(keys.credential),
            "lake_warehouse": WAREHOUSE,
            "s3_endpoint": "http://{}:{}".format(*self._server.s3),
            "s3_access_key": SecretStr(keys.access),
            "s3_secret_key": keys.secret,
        }

    def _start_n8n(self, parts: Parts, settings: Settings, api_url: str) -> Address:
        self._report("n8n is started; it is installed first where it is missing (2.6 GB, once).")
        n8n = parts.start("n8n", _n8n_command, {"API_URL": api_url})
        self._parts.append(n8n)
        url = str(parts.wait_ready(n8n, _N8N_SECONDS)["url"])
        return Address("n8n", url, "workflows; it asks for an account at the first visit")


def _addresses(settings: Settings) -> list[Address]:
    return [
        Address("kafka", settings.kafka_bootstrap_servers, "the broker"),
        Address("s3", settings.s3_endpoint, settings.lake_warehouse),
        Address("catalog", settings.lake_catalog_uri, "Iceberg REST catalog"),
    ]


def _n8n_settings(settings: Settings) -> dict[str, object]:
    """Where the streams tell of spikes, signed with a key that both get."""
    url = f"http://127.0.0.1:{settings.n8n_port}{WEBHOOK_PATH}"
    given = settings.spike_webhook_url.get_secret_value()
    return {
        "spike_webhook_url": SecretStr(given or url),
        "spike_webhook_secret": up_file.webhook_secret(settings),
    }


def _api_command(ready_file: Path) -> list[str]:
    return [sys.executable, "-m", "lakehouse.cli", "api", "--ready-file", str(ready_file)]


def _n8n_command(ready_file: Path) -> list[str]:
    return [sys.executable, "-m", "lakehouse.cli", "n8n", "--ready-file", str(ready_file)]


def _is_ready(url: str, settings: Settings) -> bool:
    """Whether the API has read the lake; one that has not answers 503."""
    key = settings.api_key.get_secret_value()
    request = Request(f"{url}/health/ready", headers={"X-API-Key": key} if key else {})
    try:
        with OPENER.open(request, timeout=5):
            return True
    except OSError:
        return False
