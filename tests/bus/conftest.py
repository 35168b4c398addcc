"""Endpoints on real sockets and files, stopped at the end of the test whatever happened in it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from civiscope.base import NodeId, OrganisationId, SiteId, SystemClock, new_id
from civiscope.bus import BusIdentity, BusSettings, Endpoint, SubscriptionSettings
from civiscope.bus.outbox import OutboxSettings
from civiscope.storage import Database, DatabaseSettings

IDENTITY = BusIdentity(OrganisationId(new_id()), SiteId(new_id()), NodeId(new_id()))
QUICK = BusSettings(
    outbox=OutboxSettings(linger_s=0.002),
    subscription=SubscriptionSettings(first_retry_s=0.005, retry_limit_s=0.02, handler_limit_s=2.0),
)
MakeEndpoint = Callable[..., Endpoint]


async def until(is_true: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Wait for a fact, not for a time."""
    async with asyncio.timeout(limit_s):
        while not is_true():
            await asyncio.sleep(0.002)


async def until_async(is_true: Callable[[], Awaitable[bool]], limit_s: float = 10.0) -> None:
    """The same for a fact that must be asked for."""
    async with asyncio.timeout(limit_s):
        while not await is_true():
            await asyncio.sleep(0.002)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    assert len(os.fsencode(folder)) < 90
    return folder


@pytest.fixture
async def make_endpoint(tmp_path: Path, run_folder: Path) -> AsyncIterator[MakeEndpoint]:
    """Endpoints of roles; one role made again finds its old file, as after a restart."""
    made: list[tuple[Endpoint, Database]] = []

    def make(role: str, settings: BusSettings = QUICK, identity: BusIdentity = IDENTITY) -> Endpoint:
        database = Database(tmp_path / f"{role}-bus.db", DatabaseSettings(busy_s=0.1))
        endpoint = Endpoint(role, run_folder, database, identity, SystemClock(), settings)
        made.append((endpoint, database))
        return endpoint

    yield make
    for endpoint, database in reversed(made):
        await endpoint.stop()
        database.close()
