"""One broker for all cases of a file: its start costs more than most of them."""

from collections.abc import Iterator

import pytest

from tests.chaos.broker import Broker, running_broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real Kafka that may be stopped and killed: whoever does so starts it again."""
    with running_broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running
