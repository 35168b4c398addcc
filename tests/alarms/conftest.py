"""Alarms on a database of their own, with keys made once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.alarms.world import NOW_US, AlarmWorld, alarm_world

from civiscope.base import ManualClock
from civiscope.security import SiteKeys


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    return SiteKeys.create(tmp_path_factory.mktemp("site") / "keys", "Graz", (), ManualClock(NOW_US))


@pytest.fixture
def world(tmp_path: Path, made_keys: SiteKeys) -> Iterator[AlarmWorld]:
    with alarm_world(tmp_path, made_keys) as made:
        yield made
