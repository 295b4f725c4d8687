"""n8n's state with our workflows in it, made once; each module starts an n8n on a copy."""

from pathlib import Path

import pytest

from tests.n8n import processes


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of n8n after its first start, when it had installed and imported everything."""
    folder = tmp_path_factory.mktemp("seed")
    with processes.running(folder, *processes.n8n_words(folder), env={}) as n8n:
        assert n8n.told["webhook"].endswith("/webhook/firehose-spike")
    return folder / "n8n"
