"""The environment that n8n gets: what its workflows may read, and nothing else.

Whoever edits a workflow can read `$env`. So n8n does not inherit this process's environment: the
keys of S3 or of a cloud are none of its business.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lakehouse.settings import Settings
from lakehouse.stack import ports

# The settings that workflows and credentials name as `$env.NAME`.
FOR_WORKFLOWS: Final = (
    "API_URL",
    "API_KEY",
    "LLM_BASE_URL",
    "LLM_MODEL",
    "LLM_API_KEY",
    "LLM_TIMEOUT_SECONDS",
    "SLACK_WEBHOOK_URL",
    "TELEGRAM_BOT_TOKEN",
    "TELEGRAM_CHAT_ID",
    "TELEGRAM_BASE_URL",
    "JIRA_BASE_URL",
    "JIRA_EMAIL",
    "JIRA_API_TOKEN",
    "JIRA_PROJECT",
    "PULSE_MINUTES",
    "SPIKE_WEBHOOK_SECRET",
    "N8N_EDITOR_BASE_URL",
)
# Passed on from this process: where n8n finds the machine, and n8n's own settings.
_OF_THE_MACHINE: Final = frozenset(
    {"HOME", "LANG", "LC_ALL", "TMPDIR", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "GENERIC_TIMEZONE"}
    | {
        name
        for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
        for name in (proxy, proxy.lower())
    }
)
_OF_N8N: Final = ("N8N_", "DB_", "EXECUTIONS_", "QUEUE_")
_OFFLINE: Final = {
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_DISABLED_MODULES": "mcp-registry,community-packages",
}
_NEEDED: Final = {
    "N8N_BLOCK_ENV_ACCESS_IN_NODE": "false",
    "NODE_FUNCTION_ALLOW_BUILTIN": "crypto",
    "NODE_OPTIONS": "",
    # Otherwise an error's answer holds a stack trace.
    "NODE_ENV": "production",
}


def environment(
    settings: Settings, port: int, node_folder: Path, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Every variable of n8n's process: it listens on 127.0.0.1:`port`, its state in the data
    folder. What the user set for n8n goes before what keeps it off the network."""
    passed = {
        name: value
        for name, value in inherited.items()
        if name in _OF_THE_MACHINE or name.startswith(_OF_N8N)
    }
    return {
        **_OFFLINE,
        **passed,
        **_NEEDED,
        **_settings(settings, port),
        **_places(settings, port),
        # Its task runner starts `node` by name.
        "PATH": f"{node_folder}{os.pathsep}{inherited.get('PATH', os.defpath)}",
    }


def _settings(settings: Settings, port: int) -> dict[str, str]:
    values = settings.as_env()
    found = {name: values[name] for name in FOR_WORKFLOWS}
    found["N8N_EDITOR_BASE_URL"] = found["N8N_EDITOR_BASE_URL"] or f"http://{ports.LOOPBACK}:{port}"
    return found


def _places(settings: Settings, port: int) -> dict[str, str]:
    [broker_port] = ports.free_ports(1)
    return {
        "N8N_USER_FOLDER": str(settings.data_path / "n8n"),
        "N8N_LISTEN_ADDRESS": ports.LOOPBACK,
        "N8N_PORT": str(port),
        "N8N_RUNNERS_BROKER_PORT": str(broker_port),
    }
