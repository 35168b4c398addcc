"""Files to be imported, in the register: when they are refused, and what cannot be changed of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.devices import (
    Camera,
    ChannelChange,
    ChannelDraft,
    DeviceChange,
    DeviceDescription,
    DeviceDraft,
    DeviceIdentity,
    Devices,
    OfferedInput,
    OfferedStream,
    RegisterSettings,
    migrate_devices,
)
from civiscope.security import Vault
from civiscope.storage import Database

HOUR_US = 3_600_000_000
CLOCK = ManualClock()


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[Devices]:
    with Database(tmp_path / "server.db") as database:
        migrate_devices(database)
        settings = RegisterSettings((Path("/srv/films"),), keep_us=lambda: 72 * HOUR_US)
        yield Devices(database, Vault(bytes(32)), CLOCK, None, settings)


def told(url: str) -> DeviceDescription:
    stream = OfferedStream("main", "", url)
    return DeviceDescription(DeviceIdentity(), (OfferedInput(0, "", "", (stream,)),), ())


def film(hours_ago: float) -> str:
    return f"file:///srv/films/day%20one?import={CLOCK.now_us() - int(hours_ago * HOUR_US)}"


async def add(devices: Devices, url: str) -> Camera:
    return await devices.add_unasked(DeviceDraft(url, channels=(ChannelDraft("Day one"),)))


async def test_the_plan_has_the_time_of_the_import(devices: Devices) -> None:
    camera = await add(devices, film(71))
    assert camera.driver == "file"
    (stream,) = await devices.plan()
    assert stream.url == camera.main.address == film(71)
    with pytest.raises(AppError) as twice:
        await add(devices, film(71))
    assert twice.value.kind is ErrorKind.CONFLICT


@pytest.mark.parametrize(("hours_ago", "words"), [(73, "settings page Recording"), (-1, "future")])
async def test_a_time_at_which_nothing_can_be_kept_is_refused(
    devices: Devices, hours_ago: float, words: str
) -> None:
    with pytest.raises(AppError) as refused:
        await add(devices, film(hours_ago))
    assert refused.value.kind is ErrorKind.INVALID
    assert words in refused.value.message
    assert await devices.cameras() == []


async def test_a_folder_itself_may_be_imported_and_nothing_beside_it(devices: Devices) -> None:
    await add(devices, f"file:///srv/films?import={CLOCK.now_us()}")
    for path in ("/srv/filmsx/a.mp4", "/srv/film", "/etc/passwd"):
        with pytest.raises(AppError, match="import_folders"):
            await add(devices, f"file://{path}?import={CLOCK.now_us()}")


async def test_neither_time_nor_sound_of_an_import_changes(devices: Devices) -> None:
    camera = await add(devices, film(5))
    for address in (film(6), "file:///srv/films/other.mp4"):
        with pytest.raises(AppError, match="camera of its own"):
            await devices.book.edit(camera.device_id, DeviceChange(address=address))
    with pytest.raises(AppError, match="settled when it is added"):
        await devices.change_cameras([camera.channel_id], ChannelChange(audio=True))
    renamed = await devices.change_cameras([camera.channel_id], ChannelChange(name="Day 1", audio=False))
    assert renamed[0].name == "Day 1"
    assert (await devices.plan())[0].url == film(5)


async def test_no_import_lands_on_a_camera_that_is_there(devices: Devices) -> None:
    live = await add(devices, "file:///srv/films/loop.mp4")
    with pytest.raises(AppError, match="camera of its own"):
        await devices.book.edit(live.device_id, DeviceChange(address=film(5)))
    with pytest.raises(AppError, match="camera of its own"):
        await devices.replace(live.channel_id, DeviceDraft(film(5)), told(film(5)))
    imported = await add(devices, film(5))
    by = await devices.replace(
        imported.channel_id, DeviceDraft("rtsp://192.168.1.20/s1"), told("rtsp://192.168.1.20/s1")
    )
    assert by.main.id == imported.main.id  # a camera may take the place of an import that is over
