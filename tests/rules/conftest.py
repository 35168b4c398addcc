"""A book of rules on a database of its own, with keys made once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.alarms.world import NOW_US
from tests.rules.world import RuleWorld, rule_world

from civiscope.base import ManualClock
from civiscope.security import SiteKeys


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    return SiteKeys.create(tmp_path_factory.mktemp("site") / "keys", "Graz", (), ManualClock(NOW_US))


@pytest.fixture
async def world(tmp_path: Path, made_keys: SiteKeys) -> AsyncIterator[RuleWorld]:
    with rule_world(tmp_path, made_keys) as made:
        await made.book.load()
        yield made
