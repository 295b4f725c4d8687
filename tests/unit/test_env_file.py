"""The `.env` of the stack in containers: made once, kept to the letter, its owner's alone."""

import stat
from pathlib import Path

import pytest

from lakehouse import settings
from lakehouse.errors import ResourceError
from lakehouse.stack import env_file
from lakehouse.stack.env_file import GENERATED


def values(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def test_every_value_is_made_long_and_different_each_time(tmp_path: Path) -> None:
    made: list[str] = []
    for name in ("a", "b"):
        assert env_file.write(tmp_path / name) == list(GENERATED)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        made += values(tmp_path / name).values()
    assert len(set(made)) == 2 * len(GENERATED)
    assert all(len(value) >= 16 for value in made)
    assert not any(set(value) & set("$'\"# \\:/@") for value in made), "no quoting anywhere"


def test_what_is_there_stays_to_the_letter(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# mine\nAPI_KEY='a $b'\nSYMBOLS=BTCUSDT\n\nS3_SECRET_KEY=\nOTHER=\n")
    path.chmod(0o644)
    added = env_file.write(path)
    assert "API_KEY" not in added and "S3_SECRET_KEY" in added
    text = path.read_text()
    assert text.startswith("# mine\nAPI_KEY='a $b'\nSYMBOLS=BTCUSDT\n\nOTHER=\n")
    assert text.count("S3_SECRET_KEY=") == 1 and values(path)["S3_SECRET_KEY"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert env_file.write(path) == [] and path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_copy_of_the_example_becomes_settings_that_can_be_used(tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[2] / ".env.example"
    path = tmp_path / ".env"
    path.write_text(example.read_text())
    assert set(env_file.write(path)) == set(GENERATED)
    found = settings.load(_env_file=path)
    assert found.api_key.get_secret_value() == values(path)["API_KEY"]


def test_another_s3_gets_no_user_that_is_made_up(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("S3_ENDPOINT=https://s3.example.org\n")
    added = env_file.write(path)
    assert set(GENERATED) - set(added) == {"S3_READER_ACCESS_KEY", "S3_READER_SECRET_KEY"}
    assert env_file.write(path) == []


def test_rights_that_are_too_wide_are_mended_without_a_new_password(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    env_file.write(path)
    path.chmod(0o644)
    assert env_file.write(path) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="can't be written: No such file"):
        env_file.write(tmp_path / "nowhere" / ".env")
