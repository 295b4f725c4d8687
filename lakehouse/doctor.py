"""What is missing on this machine or wrong in the settings, and how to mend it.

Looks only: nothing is fetched, started or left behind.
"""

import http.client
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil

from lakehouse import delivery, migration_state, s3_probe, spark_master, symbol_spec
from lakehouse import settings as settings_module
from lakehouse.errors import (
    FirehoseError,
    MissingToolError,
    ResourceError,
    SettingsError,
    UnreachableError,
)
from lakehouse.migrations import Standing
from lakehouse.settings import Settings
from lakehouse.stack import jars, java, kafka_probe
from lakehouse.stack.embedded import LEAST_FREE_BYTES, require_space

_PYTHONS: Final = ((3, 11), (3, 12))
_SECONDS: Final = 5.0
_GIB: Final = 1 << 30
# Part of the summaries → the settings that it needs, all or none.
_SUMMARIES: Final = {
    "model": ("LLM_BASE_URL", "LLM_MODEL"),
    "Slack": delivery.SETTINGS["slack"],
    "Telegram": delivery.SETTINGS["telegram"],
    "Jira": ("JIRA_BASE_URL", "JIRA_EMAIL", "JIRA_API_TOKEN", "JIRA_PROJECT"),
}
# What the broker, the producer and Python need beside the heap of Spark's driver.
_BESIDE_SPARK_BYTES: Final = 3 * _GIB // 2


@dataclass(frozen=True)
class Check:
    """One finding. `required` false: `firehose demo` works without it, so it is but a warning."""

    name: str
    ok: bool
    detail: str
    hint: str = ""
    required: bool = True


def examine(**overrides: object) -> list[Check]:
    """Load the settings and check everything; settings that can't be read are a finding too."""
    try:
        settings = settings_module.load(**overrides)
    except SettingsError as error:
        return [*_machine(), Check("settings", False, error.message, error.hint)]
    return checks(settings)


def checks(settings: Settings) -> list[Check]:
    """All findings for these settings; takes seconds only where a server does not answer."""
    return [
        *_machine(),
        Check("settings", True, f"symbols: {symbol_spec.in_words(settings.symbols)}"),
        check_memory(settings, psutil.virtual_memory().available),
        check_jars(settings),
        _guarded("data folder", lambda: _data_folder(settings.data_path)),
        *check_servers(settings),
        *check_lake(settings),
        *check_summaries(settings),
    ]


def check_python(version: tuple[int, int]) -> Check:
    """Whether this is a Python that the project is tested on."""
    wanted = " or ".join(f"{major}.{minor}" for major, minor in _PYTHONS)
    hint = "" if version in _PYTHONS else f"Use Python {wanted}: `make setup` fetches one."
    return Check("Python", version in _PYTHONS, f"{version[0]}.{version[1]}", hint)


def check_memory(settings: Settings, available_bytes: int) -> Check:
    """Whether Spark's driver and the processes beside it fit into the free memory."""
    number, unit = settings.spark_driver_memory[:-1], settings.spark_driver_memory[-1]
    needed = int(number) * (_GIB if unit == "g" else 1 << 20) + _BESIDE_SPARK_BYTES
    ok = available_bytes >= needed
    detail = f"{available_bytes / _GIB:.1f} GiB free, {needed / _GIB:.1f} GiB needed"
    hint = "" if ok else "End other programs, or set SPARK_DRIVER_MEMORY lower, to 1g at least."
    return Check("memory", ok, detail, hint, required=False)


def check_jars(settings: Settings) -> Check:
    """Whether the jars are there and whole; the first run fetches them, so this is a warning."""

    def look() -> str:
        folder, wrong = jars.folder_of(settings), jars.problems(settings)
        hint = "The next run fetches them; or now: `python -m lakehouse.stack.jars`."
        if not folder.exists():
            raise MissingToolError(f"not in {settings.jars_path} yet", hint)
        if wrong:
            raise MissingToolError(f"{len(wrong)} not in order, first: {wrong[0]}", hint)
        return f"all in {folder}"

    return _guarded("jars", look, required=False)


def check_servers(settings: Settings) -> list[Check]:
    """Whether the servers answer that the settings name; the embedded ones are not asked."""
    found = []
    if settings.kafka_bootstrap_servers:
        found.append(_guarded("broker", lambda: f"{kafka_probe.check(settings, _SECONDS)} answers"))
    if settings.lake_catalog_type == "rest":
        url = f"{settings.lake_catalog_uri.rstrip('/')}/v1/config"
        found.append(_guarded("catalog", lambda: _answers(url, "LAKE_CATALOG_URI")))
    if settings.s3_endpoint:
        found.append(_guarded("S3", lambda: _s3(settings)))
    if spark_master.addresses(settings.spark_master):
        found.append(_guarded("Spark master", lambda: _master(settings.spark_master)))
    return [*found, _exchange(settings)]


def _s3(settings: Settings) -> str:
    told = _answers(settings.s3_endpoint, "S3_ENDPOINT")
    s3_probe.require(settings, _SECONDS)
    return told


def _master(address: str) -> str:
    spark_master.require(address, _SECONDS)
    return f"{address} answers"


def check_lake(settings: Settings) -> list[Check]:
    """Whether the lake's tables are those of this version; nothing where there is no lake yet.

    Behind is but a warning, as the next start mends it; a lake that is ahead stops every run.
    """
    if settings.lake_catalog_type == "sql" and not settings.catalog_db.is_file():
        return []
    try:
        found = migration_state.standing(settings)
    except UnreachableError:
        return []  # the catalog's own check tells
    except FirehoseError as error:
        return [Check("lake", False, error.message, error.hint, required=False)]
    if found.pending and not found.beyond and not found.changed:
        names = ", ".join(str(migration) for migration in found.pending)
        hint = "The next run applies it; or now: `firehose migrate`."
        return [Check("lake", False, f"to be migrated: {names}", hint, required=False)]
    return [_guarded("lake", lambda: _usable(found))]


def check_summaries(settings: Settings) -> list[Check]:
    """Where summaries go, and who writes them; a part that lacks a setting is a warning.

    Nothing is asked, as a question to a webhook would be a message.
    """
    given = settings.as_env()
    found = []
    for part, names in _SUMMARIES.items():
        missing = [name for name in names if not given[name]]
        if not missing:
            found.append(Check(part, True, "set up", required=False))
        elif len(missing) < len(names):
            hint = f"Set {', '.join(missing)}, or none of {', '.join(names)}."
            found.append(Check(part, False, f"{missing[0]} is empty", hint, required=False))
    return found


def _usable(found: Standing) -> str:
    found.require_usable()
    return "its tables are those of this version"


def _machine() -> list[Check]:
    return [check_python((sys.version_info.major, sys.version_info.minor)), _guarded("Java", _java)]


def _java() -> str:
    found = java.find()
    return f"{found.version} in {found.home}"


def _data_folder(folder: Path) -> str:
    place = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=".firehose-"):
            free = require_space(place, LEAST_FREE_BYTES)
    except OSError as error:
        raise ResourceError(
            f"{folder} can't be written: {error.strerror}.",
            "Choose another folder with --data-dir or DATA_DIR, or mend its permissions.",
        ) from None
    return f"{folder}, {free / _GIB:.0f} GiB free"


def _exchange(settings: Settings) -> Check:
    def ask() -> str:
        return _answers(f"{settings.binance_rest_url}/api/v3/ping", "BINANCE_REST_URL")

    return _guarded("exchange", ask, required=False)


def _answers(url: str, setting: str) -> str:
    """Any HTTP answer will do, also a refusal: the server is there."""
    try:
        # Not with the user's password: reaching the server is all that is asked.
        parts = urlsplit(url)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        with urllib.request.urlopen(bare, timeout=_SECONDS) as answer:
            return f"{_place(url)} answers ({answer.status})"
    except urllib.error.HTTPError as error:
        return f"{_place(url)} answers ({error.code})"
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UnreachableError(
            f"{_place(url)} does not answer: {reason}.", f"Check {setting} and the network."
        ) from None


def _place(url: str) -> str:
    # Without user and password, which may stand in an address.
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _guarded(name: str, look: Callable[[], str], required: bool = True) -> Check:
    try:
        return Check(name, True, look(), required=required)
    except FirehoseError as error:
        return Check(name, False, error.message, error.hint, required)
