"""`up.env`: keys that stay over starts, addresses that a shell takes, nobody else's to read."""

import stat
import subprocess
from pathlib import Path

from pydantic import SecretStr

from lakehouse import settings
from lakehouse.pipeline import up_file
from lakehouse.settings import Settings


def made(folder: Path, **values: object) -> Settings:
    return settings.load(_env_file=None, data_dir=folder, **values)


def kept(found: Settings) -> Settings:
    keys = up_file.keys(found)
    return found.model_copy(
        update={
            "s3_access_key": SecretStr(keys.access),
            "s3_secret_key": keys.secret,
            "spike_webhook_secret": up_file.webhook_secret(found),
        }
    )


def test_keys_are_new_for_a_new_folder_and_stay_in_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, other = kept(made(tmp_path / "a")), kept(made(tmp_path / "b"))
    assert first.s3_secret_key != other.s3_secret_key
    up_file.write(first)
    again = kept(made(tmp_path / "a"))
    assert again.s3_secret_key == first.s3_secret_key
    assert again.spike_webhook_secret == first.spike_webhook_secret
    given = made(tmp_path / "b", s3_access_key="mine", s3_secret_key="of mine")
    assert up_file.keys(given).credential == "mine:of mine"


def test_a_shell_takes_it_whatever_the_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "it's $HOME"
    folder.mkdir()
    found = kept(made(folder, kafka_bootstrap_servers="127.0.0.1:9"))
    up_file.write(found)
    path = up_file.path_of(found)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    words = ["sh", "-c", '. "$0"; printf "%s|" "$DATA_DIR" "$S3_SECRET_KEY"', str(path)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert told == f"{folder}|{found.s3_secret_key.get_secret_value()}|"
    assert up_file.keys(found).secret == found.s3_secret_key
