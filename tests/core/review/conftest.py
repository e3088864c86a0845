from collections.abc import Iterator

import pytest

from core.access.people import Person
from core.settings import Settings
from core.store import database
from tests import chain
from tests.chain import World


@pytest.fixture
def world(settings: Settings, mina: Person) -> Iterator[World]:
    """A task of 12 train samples, the first 3 of which the first rung answers right."""
    connection = database.connect(settings)
    yield chain.small(connection.cursor(), settings, mina, dev=2, train=12, gate=4, retain=2)
    connection.close()


@pytest.fixture
def queue_id(world: World) -> str:
    return chain.collect(world)
