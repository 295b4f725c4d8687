"""One broker for all cases of a file: its start costs more than most of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.broker import Broker, running_broker
from tests.chaos.exchange_process import MarketOrder
from tests.chaos.producer_world import World, world_of
from tests.chaos.seeds import SEED


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real Kafka that may be stopped and killed: whoever does so starts it again."""
    with running_broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, broker: Broker) -> Iterator[World]:
    """Trades flow; nothing is wrong yet."""
    with world_of(tmp_path, broker, MarketOrder(seed=SEED)) as made:
        made.start()
        yield made
