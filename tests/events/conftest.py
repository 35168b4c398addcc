"""A store of events on a file of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.events.world import NOW_US

from civiscope.base import ManualClock
from civiscope.events import EventStore, migrate_events, open_database


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_US)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[EventStore]:
    with open_database(tmp_path / "events.db", clock) as database:
        migrate_events(database)
        yield EventStore(database, clock)
