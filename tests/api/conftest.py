"""One fresh site per test, all with the same keys."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop
from tests.api.town import HOST, Town, close_town, make_keys, open_town, prepare

from civiscope.api import ApiSettings
from civiscope.security import SiteKeys


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The product's own loop."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    """Keys and certificate of the site, made once."""
    return make_keys(tmp_path_factory.mktemp("site") / "keys")


@pytest.fixture
def api_settings(tmp_path: Path) -> ApiSettings:
    """Short limits, and a folder where the page would be."""
    return ApiSettings(
        hosts=frozenset({HOST, "127.0.0.1"}),
        static_folder=tmp_path / "static",
        answer_limit_s=4.0,
        probes_at_once=2,
    )


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, keys: SiteKeys) -> Path:
    """Databases to copy: `peopled` and `fresh`."""
    folder = tmp_path_factory.mktemp("prepared")
    asyncio.run(prepare(folder / "peopled", keys, people=True))
    asyncio.run(prepare(folder / "fresh", keys, people=False))
    return folder


@pytest.fixture
async def town(
    tmp_path: Path, keys: SiteKeys, prepared: Path, api_settings: ApiSettings
) -> AsyncIterator[Town]:
    """A site with one person of each role; the password of all is `PASSWORD`."""
    made = await open_town(shutil.copytree(prepared / "peopled", tmp_path / "home"), keys, api_settings)
    yield made
    await asyncio.to_thread(close_town, made)


@pytest.fixture
async def fresh_town(
    tmp_path: Path, keys: SiteKeys, prepared: Path, api_settings: ApiSettings
) -> AsyncIterator[Town]:
    """A site on its first day: nobody has an account."""
    made = await open_town(shutil.copytree(prepared / "fresh", tmp_path / "home"), keys, api_settings)
    yield made
    await asyncio.to_thread(close_town, made)
