"""What n8n gets to read: its settings, its own variables, and no secret that is not for it."""

from pathlib import Path

import pytest

from lakehouse import settings as settings_module
from lakehouse.settings import Settings
from lakehouse.stack.n8n_environment import FOR_WORKFLOWS, environment

NODE = Path("/opt/node/bin")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_module.load(
        _env_file=None,
        data_dir=tmp_path,
        slack_webhook_url="https://example.org/hook",
        s3_secret_key="S3-SECRET",
        manifest_key="MANIFEST-SECRET",
    )


def test_it_is_on_the_loopback_with_its_state_in_the_data_folder(
    settings: Settings, tmp_path: Path
) -> None:
    found = environment(settings, 5999, NODE, {"PATH": "/bin"})
    assert (found["N8N_LISTEN_ADDRESS"], found["N8N_PORT"]) == ("127.0.0.1", "5999")
    assert found["N8N_USER_FOLDER"] == str(tmp_path / "n8n")
    assert found["N8N_RUNNERS_BROKER_PORT"] not in ("5999", "5679")
    assert found["PATH"] == "/opt/node/bin:/bin"


def test_workflows_read_every_setting_that_is_theirs(settings: Settings) -> None:
    found = environment(settings, 5999, NODE, {})
    values = settings.as_env()
    for name in set(FOR_WORKFLOWS) - {"N8N_EDITOR_BASE_URL"}:
        assert found[name] == values[name]
    assert found["SLACK_WEBHOOK_URL"] == "https://example.org/hook"
    assert found["N8N_BLOCK_ENV_ACCESS_IN_NODE"] == "false"


def test_nothing_else_is_passed_on(settings: Settings) -> None:
    strangers = {"AWS_SECRET_ACCESS_KEY": "AWS-SECRET", "SLACK_WEBHOOK_URL": "another", "X": "y"}
    found = environment(settings, 5999, NODE, {**strangers, "HTTPS_PROXY": "proxy:1"})
    assert not {"AWS_SECRET_ACCESS_KEY", "X", "S3_SECRET_KEY", "MANIFEST_KEY"} & set(found)
    assert not any("SECRET" in value for value in found.values())
    # Settings come from `.env` too, so they go before what this process happens to have.
    assert found["SLACK_WEBHOOK_URL"] == "https://example.org/hook"
    assert found["HTTPS_PROXY"] == "proxy:1"


def test_it_stays_off_the_network_unless_the_user_says_otherwise(settings: Settings) -> None:
    assert environment(settings, 5999, NODE, {})["N8N_DIAGNOSTICS_ENABLED"] == "false"
    wanted = {"N8N_TEMPLATES_ENABLED": "true", "DB_TYPE": "postgresdb", "N8N_PORT": "80"}
    found = environment(settings, 5999, NODE, wanted)
    assert (found["N8N_TEMPLATES_ENABLED"], found["DB_TYPE"]) == ("true", "postgresdb")
    assert found["N8N_PORT"] == "5999"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("", "http://127.0.0.1:5999"), ("https://n8n.example.org", "https://n8n.example.org")],
)
def test_links_lead_to_where_people_open_it(tmp_path: Path, given: str, wanted: str) -> None:
    settings = settings_module.load(_env_file=None, data_dir=tmp_path, n8n_editor_base_url=given)
    assert environment(settings, 5999, NODE, {})["N8N_EDITOR_BASE_URL"] == wanted
