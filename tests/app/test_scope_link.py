"""Rights on a group follow the register: a camera that moves takes its viewers' rights with it."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from civiscope.app.scope_link import ScopeLink
from civiscope.base import ManualClock
from civiscope.devices import CameraDraft, ChannelChange, Devices, migrate_devices
from civiscope.security import ScopeBook, Vault
from civiscope.storage import Database


async def until(fact: object) -> None:
    assert callable(fact)
    async with asyncio.timeout(10):
        while not fact():
            await asyncio.sleep(0)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "server.db")
    migrate_devices(database)
    return database


async def test_groups_and_zone_are_followed(database: Database) -> None:
    scopes, links = ScopeBook(), list[ScopeLink]()
    vault = Vault(Vault.new_key())

    def changed() -> None:
        for link in links:
            link.look_again()

    devices = Devices(database, vault, ManualClock(5), changed)
    zones = ["Europe/Vienna"]
    links.append(ScopeLink(devices, scopes, lambda: zones[0]))
    await links[0].refresh()
    assert scopes.zone == ZoneInfo("Europe/Vienna")
    task = asyncio.create_task(links[0].run())
    harbour = await devices.groups.add("Harbour")
    pier = await devices.groups.add("Pier", harbour.id)
    camera = await devices.add_camera(CameraDraft("Mole", "rtsp://192.0.2.1/s"))
    await devices.change_cameras([camera.channel_id], ChannelChange(group_id=pier.id))
    await until(lambda: scopes.groups.get(harbour.id) == frozenset({camera.channel_id}))
    assert scopes.groups[pier.id] == frozenset({camera.channel_id})
    zones[0] = "Asia/Tokyo"
    await devices.change_cameras([camera.channel_id], ChannelChange(group_id=None))
    await until(lambda: not scopes.groups[harbour.id])
    assert scopes.zone == ZoneInfo("Asia/Tokyo")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    database.close()
