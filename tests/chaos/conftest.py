"""One broker for all cases of a file: its start costs more than most of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import lanes
from tests.chaos.broker import Broker, running_broker
from tests.chaos.exchange_process import MarketOrder
from tests.chaos.producer_world import World, world_of
from tests.chaos.seeds import SEED


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what another process runs (`python -m tests.chaos`)."""
    chosen = lanes.of_this_lane(items)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


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
