"""`firehose n8n` as a process: on the loopback alone, with little environment, one for a folder."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import commands
from tests.n8n import processes
from tests.n8n.processes import Told

SECRETS = {"S3_SECRET_KEY": "S3-SECRET", "AWS_SECRET_ACCESS_KEY": "AWS-SECRET"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("n8n")


@pytest.fixture(scope="module")
def n8n(folder: Path, seed: Path) -> Iterator[Told]:
    processes.copy_seed(seed, folder)
    ready = ("--ready-file", str(folder / "ready.json"))
    with processes.running(folder, *processes.n8n_words(folder), *ready, env=SECRETS) as found:
        yield found


def parts(n8n: Told) -> list[psutil.Process]:
    """What `firehose n8n` started."""
    return psutil.Process(n8n.process.pid).children(recursive=True)


def test_a_seeded_folder_is_not_seeded_again(n8n: Told, folder: Path) -> None:
    assert "Importing" not in (folder / "stderr.log").read_text()
    assert (folder / "ready.json").read_bytes() == processes.line_of(n8n)


def test_it_listens_on_the_loopback_alone(n8n: Told) -> None:
    found = [
        link.laddr
        for part in parts(n8n)
        for link in part.net_connections("inet")
        if link.status == psutil.CONN_LISTEN
    ]
    assert int(n8n.told["port"]) in {address.port for address in found}
    assert {address.ip for address in found} == {"127.0.0.1"}


def test_its_environment_is_its_own(n8n: Told) -> None:
    nodes = [part for part in parts(n8n) if "node" in Path(part.cmdline()[0]).name]
    assert len(nodes) >= 2, "n8n and its task runner"
    for part in nodes:
        assert not set(SECRETS) & set(part.environ())


def test_a_second_one_in_the_same_folder_is_refused(n8n: Told, folder: Path) -> None:
    done = commands.firehose(folder, *processes.n8n_words(folder))
    assert done.returncode == 4 and "Another n8n uses the folder" in done.stdout


def test_a_port_in_use_is_one_sentence(n8n: Told, tmp_path: Path) -> None:
    done = commands.firehose(tmp_path, *processes.n8n_words(tmp_path, int(n8n.told["port"])))
    assert done.returncode == 4 and "N8N_PORT" in done.stdout
    assert "Traceback" not in done.stdout


def test_it_ends_with_all_that_it_started(n8n: Told) -> None:
    started = parts(n8n)
    processes.stop(n8n)
    assert started and not any(part.is_running() for part in started)


def test_a_dead_n8n_ends_the_command_with_an_error(folder: Path, n8n: Told) -> None:
    again = processes.start_n8n(folder, {})
    [*_, node] = [part for part in parts(again) if "start" in part.cmdline()]
    node.kill()
    assert again.process.wait(processes.END_SECONDS) == 6
    assert "n8n ended" in (folder / "stderr.log").read_text()
