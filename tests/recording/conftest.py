"""A site for all recording tests, and a room with one volume for each."""

from pathlib import Path

import pytest
from tests.recording.footage import Room, Site, make_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Real keys, made once."""
    return make_site(tmp_path_factory.mktemp("site") / "keys")


@pytest.fixture
def room(site: Site, tmp_path: Path) -> Room:
    """A new volume."""
    return Room(site, tmp_path / "volume")
