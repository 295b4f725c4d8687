"""What the doctor finds, and what it advises."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse import doctor
from lakehouse.settings import Settings, load
from lakehouse.stack.ports import free_ports

GIB = 1 << 30


def settings(tmp_path: Path, **overrides: object) -> Settings:
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    values = {"data_dir": tmp_path / "data", "jars_dir": tmp_path / "jars"}
    return load(**{**values, "binance_rest_url": nobody, **overrides})


def by_name(checks: list[doctor.Check]) -> dict[str, doctor.Check]:
    assert len({check.name for check in checks}) == len(checks)
    return {check.name: check for check in checks}


@pytest.mark.parametrize(
    ("version", "ok"), [((3, 11), True), ((3, 12), True), ((3, 10), False), ((3, 13), False)]
)
def test_python(version: tuple[int, int], ok: bool) -> None:
    check = doctor.check_python(version)
    assert check.ok == ok
    assert bool(check.hint) != ok


@pytest.mark.parametrize(
    ("heap", "available", "ok"),
    [("2g", 4 * GIB, True), ("2g", 3 * GIB, False), ("1024m", 3 * GIB, True)],
)
def test_memory(tmp_path: Path, heap: str, available: int, ok: bool) -> None:
    check = doctor.check_memory(settings(tmp_path, spark_driver_memory=heap), available)
    assert (check.ok, check.required) == (ok, False)
    assert ("SPARK_DRIVER_MEMORY" in check.hint) != ok


def test_what_a_run_fetches_or_can_do_without_is_but_a_warning(tmp_path: Path) -> None:
    found = by_name(doctor.checks(settings(tmp_path)))
    assert {"Python", "Java", "settings", "memory", "jars", "data folder", "exchange"} == {*found}
    assert found["data folder"].ok
    assert not found["jars"].ok
    assert not found["exchange"].ok
    assert "python -m lakehouse.stack.jars" in found["jars"].hint
    assert not found["jars"].required
    assert not found["exchange"].required
    assert [*tmp_path.iterdir()] == [], "the doctor leaves nothing behind"


def test_servers_are_asked_where_settings_name_them(tmp_path: Path) -> None:
    kafka, catalog, s3 = free_ports(3)
    asked = settings(
        tmp_path,
        kafka_bootstrap_servers=f"127.0.0.1:{kafka}",
        lake_catalog_type="rest",
        lake_catalog_uri=f"http://me:secret@127.0.0.1:{catalog}",
        s3_endpoint=f"http://127.0.0.1:{s3}",
    )
    found = by_name(doctor.check_servers(asked))
    for name, port in (("broker", kafka), ("catalog", catalog), ("S3", s3)):
        assert not found[name].ok
        assert found[name].required
        assert f"127.0.0.1:{port}" in found[name].detail
        assert "refused" in found[name].detail
    assert "secret" not in str(found)


def test_a_server_that_refuses_is_reachable(tmp_path: Path, refusing_server: str) -> None:
    found = by_name(doctor.check_servers(settings(tmp_path, binance_rest_url=refusing_server)))
    assert found["exchange"].ok
    assert found["exchange"].detail == f"{refusing_server} answers (403)"


@pytest.fixture
def refusing_server() -> Iterator[str]:
    """A server that answers 403 to anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            link, _ = listening.accept()
            with link:
                link.recv(4096)
                link.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(2)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = by_name(doctor.checks(settings(tmp_path, data_dir=tmp_path / "file" / "data")))
    assert not found["data folder"].ok
    assert f"{tmp_path}/file/data can't be written" in found["data folder"].detail
    assert "--data-dir" in found["data folder"].hint


def test_settings_that_cannot_be_read_are_a_finding() -> None:
    found = by_name(doctor.examine(symbols="btcusdt"))
    assert not found["settings"].ok
    assert "SYMBOLS" in found["settings"].detail
    assert found["settings"].hint
    assert "Java" in found, "the machine is looked at all the same"


def test_a_webhook_for_spikes_without_a_secret_is_a_finding(tmp_path: Path) -> None:
    wrong = {"data_dir": tmp_path, "spike_webhook_url": "http://127.0.0.1:9/TOKEN"}
    found = by_name(doctor.examine(**wrong))["settings"]
    assert not found.ok and found.required
    assert "SPIKE_WEBHOOK_SECRET" in found.detail and "TOKEN" not in found.detail + found.hint


def test_what_is_half_set_up_for_summaries_is_but_a_warning(tmp_path: Path) -> None:
    assert doctor.check_summaries(settings(tmp_path)) == []
    half = {"llm_base_url": "http://127.0.0.1:1/v1", "telegram_bot_token": "1:SECRET"}
    whole = {"slack_webhook_url": "http://127.0.0.1:1/SECRET"}
    found = by_name(doctor.check_summaries(settings(tmp_path, **half, **whole)))
    assert {name: check.ok for name, check in found.items()} == {
        "model": False, "Slack": True, "Telegram": False,
    }  # fmt: skip
    assert found["model"].detail == "LLM_MODEL is empty"
    assert "TELEGRAM_CHAT_ID" in found["Telegram"].hint
    assert not any(check.required or "SECRET" in str(check) for check in found.values())
