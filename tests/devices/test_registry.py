"""Cameras added, renamed, removed and brought back, on a real database with a real vault."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from civiscope.base import AppError, ChannelId, ErrorKind, ManualClock, new_id
from civiscope.devices import CameraDraft, Devices, Transport, migrate_devices, stream_address_of
from civiscope.security import Secret, Vault
from civiscope.storage import Database

DRAFT = CameraDraft(
    name=" North gate ", address="rtsp://admin:open-sesame@192.168.1.20/s1", transport=Transport.UDP
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "server.db") as database:
        migrate_devices(database)
        yield database


@pytest.fixture
def changes() -> list[int]:
    return []


@pytest.fixture
def devices(database: Database, clock: ManualClock, changes: list[int]) -> Devices:
    return Devices(database, Vault(bytes(32)), clock, lambda: changes.append(1))


async def test_add_gives_a_camera_with_fresh_ids(
    devices: Devices, clock: ManualClock, changes: list[int]
) -> None:
    camera = await devices.add_camera(DRAFT)
    assert camera.name == "North gate"
    assert camera.main.address == "rtsp://192.168.1.20/s1"
    assert {camera.channel_id.version, camera.device_id.version, camera.main.id.version} == {7}
    assert camera.added_us == clock.now_us()
    assert await devices.cameras() == [camera]
    assert await devices.camera(camera.channel_id) == camera
    assert changes == [1]


async def test_plan_has_what_opens_the_stream(devices: Devices) -> None:
    camera = await devices.add_camera(DRAFT)
    (address,) = await devices.plan()
    assert (address.stream_id, address.channel_id) == (camera.main.id, camera.channel_id)
    assert (address.url, address.username, address.password.reveal()) == (
        "rtsp://192.168.1.20/s1",
        "admin",
        "open-sesame",
    )
    assert address.transport is Transport.UDP
    assert "open-sesame" not in repr(address)


async def test_no_secret_lies_in_the_file(devices: Devices, database: Database, tmp_path: Path) -> None:
    await devices.add_camera(DRAFT)
    await devices.add_camera(
        CameraDraft("Query", "rtsp://cam/?user=a&password=hush_hush", "bob", Secret("whisper"))
    )
    assert [address.url for address in await devices.plan()][1] == "rtsp://cam/?user=a&password=hush_hush"
    database.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for word in (b"open-sesame", b"whisper", b"hush_hush"):
        assert word not in stored


async def test_fields_win_over_the_address(devices: Devices) -> None:
    await devices.add_camera(CameraDraft("A", "rtsp://x:y@cam/1", "bob", Secret("word")))
    (address,) = await devices.plan()
    assert (address.username, address.password.reveal()) == ("bob", "word")


@pytest.mark.parametrize(
    ("draft", "word"),
    [
        (CameraDraft(" ", "rtsp://cam/"), "no name"),
        (CameraDraft("x" * 121, "rtsp://cam/"), "121"),
        (CameraDraft("a\x07b", "rtsp://cam/"), "cannot be shown"),
        (CameraDraft("a", "rtsp://cam/", None, Secret("word")), "no user name"),
        (CameraDraft("a", "rtsp://cam/", "x\n", Secret("word")), "control"),
        (CameraDraft("a", "rtsp://cam/", "x", Secret("w" * 256)), "longer"),
        (CameraDraft("a", "rtsp://cam/", tls_fingerprint="ab" * 32), "rtsps"),
        (CameraDraft("a", "rtsps://cam/", tls_fingerprint="ab"), "64"),
    ],
)
async def test_a_wrong_draft_is_refused(devices: Devices, draft: CameraDraft, word: str) -> None:
    with pytest.raises(AppError, match=word) as caught:
        await devices.add_camera(draft)
    assert caught.value.kind is ErrorKind.INVALID
    assert await devices.cameras() == []


async def test_the_same_address_twice_is_a_conflict(devices: Devices) -> None:
    await devices.add_camera(DRAFT)
    with pytest.raises(AppError, match="North gate") as caught:
        await devices.add_camera(CameraDraft("Other", "rtsp://192.168.1.20:554/s1"))
    assert caught.value.kind is ErrorKind.CONFLICT


async def test_addresses_that_differ_in_the_secret_only_are_two(devices: Devices) -> None:
    await devices.add_camera(CameraDraft("A", "rtsp://cam/?password=a"))
    await devices.add_camera(CameraDraft("B", "rtsp://cam/?password=b"))
    assert len(await devices.cameras()) == 2


async def test_edit_renames_and_switches_sound(devices: Devices) -> None:
    camera = await devices.add_camera(DRAFT)
    assert (await devices.rename(camera.channel_id, "South")).name == "South"
    edited = await devices.edit_camera(camera.channel_id, audio=True)
    assert (edited.name, edited.main.audio) == ("South", True)
    assert (await devices.plan())[0].audio


async def test_removed_cameras_can_be_restored(devices: Devices, clock: ManualClock) -> None:
    camera = await devices.add_camera(DRAFT)
    clock.advance(1_000_000)
    removed = await devices.remove_camera(camera.channel_id)
    assert removed.removed_us == clock.now_us()
    assert await devices.cameras() == []
    assert await devices.plan() == []
    assert await devices.cameras(removed=True) == [removed]
    clock.advance(1_000_000)
    assert await devices.restore_camera(camera.channel_id) == camera
    assert await devices.restore_camera(camera.channel_id) == camera
    first, second = await devices.bindings(camera.channel_id)
    assert (first.to_us, second.from_us - first.from_us, second.to_us) == (
        removed.removed_us,
        2_000_000,
        None,
    )
    assert len(await devices.plan()) == 1


async def test_a_clock_set_back_does_not_end_a_binding_before_it_began(
    devices: Devices, clock: ManualClock
) -> None:
    camera = await devices.add_camera(DRAFT)
    clock.step_wall(-60_000_000)
    await devices.remove_camera(camera.channel_id)
    (binding,) = await devices.bindings(camera.channel_id)
    assert binding.to_us == binding.from_us


async def test_restoring_beside_a_new_one_is_a_conflict(devices: Devices) -> None:
    camera = await devices.add_camera(DRAFT)
    await devices.remove_camera(camera.channel_id)
    await devices.add_camera(DRAFT)
    with pytest.raises(AppError) as caught:
        await devices.restore_camera(camera.channel_id)
    assert caught.value.kind is ErrorKind.CONFLICT


async def test_what_is_not_there_is_missing(devices: Devices) -> None:
    camera = await devices.add_camera(DRAFT)
    await devices.remove_camera(camera.channel_id)
    unknown = ChannelId(new_id())
    for attempt in (
        devices.camera(unknown),
        devices.rename(unknown, "x"),
        devices.remove_camera(unknown),
        devices.restore_camera(unknown),
        devices.remove_camera(camera.channel_id),
        devices.rename(camera.channel_id, "x"),
    ):
        with pytest.raises(AppError) as caught:
            await attempt
        assert caught.value.kind is ErrorKind.MISSING


async def test_a_lost_vault_key_leaves_the_others_recording(
    devices: Devices, database: Database, clock: ManualClock
) -> None:
    await devices.add_camera(DRAFT)
    later = Devices(database, Vault(bytes([1]) * 32), clock)
    fresh = await later.add_camera(CameraDraft("New", "rtsp://cam/2"))
    assert [address.channel_id for address in await later.plan()] == [fresh.channel_id]


async def test_sealed_words_do_not_open_elsewhere(
    devices: Devices, database: Database, tmp_path: Path
) -> None:
    first = await devices.add_camera(DRAFT)
    second = await devices.add_camera(CameraDraft("B", "rtsp://cam/2", "u", Secret("w")))
    with sqlite3.connect(tmp_path / "server.db") as raw:
        raw.execute(
            "UPDATE device SET credentials_sealed = "
            "(SELECT credentials_sealed FROM device WHERE id = ?) WHERE id = ?",
            (first.device_id.hex, second.device_id.hex),
        )
    raw.close()
    assert [address.channel_id for address in await devices.plan()] == [first.channel_id]


def test_a_draft_is_checked_for_a_probe_as_for_adding() -> None:
    address = stream_address_of(DRAFT)
    assert (address.url, address.username) == ("rtsp://192.168.1.20/s1", "admin")
    with pytest.raises(AppError):
        stream_address_of(CameraDraft("x", "http://cam/"))
