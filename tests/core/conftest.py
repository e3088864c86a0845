"""A core test's world: a real database in a folder of its own and somebody who may do everything."""

from pathlib import Path

import pytest

from core.access import roles
from core.access.people import Person
from core.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


@pytest.fixture
def mina() -> Person:
    return Person(person_id="mina", name="Mina", roles=frozenset(roles.ROLES))
