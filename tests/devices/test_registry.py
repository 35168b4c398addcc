"""Cameras added, renamed, removed and brought back, on a real database with a real vault."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from civiscope.base import AppError, ChannelId, DeviceId, ErrorKind, ManualClock, new_id
from civiscope.devices import (
    Ability,
    CameraDraft,
    ChannelChange,
    ChannelDraft,
    DesiredSettings,
    DeviceChange,
    DeviceCheck,
    DeviceDescription,
    DeviceDraft,
    DeviceIdentity,
    Devices,
    Drift,
    GroupId,
    Notification,
    OfferedInput,
    OfferedStream,
    RegisterSettings,
    Transport,
    Trouble,
    TroubleReport,
    migrate_devices,
    stream_address_of,
)
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
    with pytest.raises(AppError, match="import_folders"):
        stream_address_of(CameraDraft("x", "file:///etc/passwd"))
    with pytest.raises(AppError, match="host alone"):
        stream_address_of(CameraDraft("x", "192.168.1.20"))


def told_of(host: str = "192.168.1.20", *, inputs: int = 2, sub: bool = True) -> DeviceDescription:
    """An ONVIF device with lenses beside each other."""

    def lens(index: int) -> OfferedInput:
        main = OfferedStream("main", f"M{index}", f"rtsp://{host}/m{index}", "h264", 1280, 720)
        small = OfferedStream("sub", f"S{index}", f"rtsp://{host}/s{index}", "h264", 640, 360)
        streams = (main, small) if sub else (main,)
        return OfferedInput(index, f"V{index}", f"Lens {index}", streams, has_ptz=index == 1)

    identity = DeviceIdentity("Acme", "Dome 2", "1.0", "S-7", "H", "urn:uuid:7")
    abilities = (Ability.ENCODER, Ability.PTZ, Ability.CLOCK)
    return DeviceDescription(identity, tuple(lens(index) for index in range(inputs)), abilities, 700)


BOX = DeviceDraft(
    "onvif://192.168.1.20",
    username="admin",
    password=Secret("open-sesame"),
    channels=(
        ChannelDraft("Left", 0, "Pier", 42.5, 27.5, "public_safety"),
        ChannelDraft("Right", 1),
    ),
)


async def test_a_device_of_two_lenses_is_two_channels(devices: Devices) -> None:
    left, right = await devices.add_device(BOX, told_of())
    assert (left.name, left.place, left.latitude, left.purpose) == ("Left", "Pier", 42.5, "public_safety")
    assert left.device_id == right.device_id
    assert [(one.input, one.driver, one.can_steer) for one in (left, right)] == [
        (0, "onvif", False),
        (1, "onvif", True),
    ]
    assert [stream.profile for stream in right.streams] == ["main", "sub"]
    assert right.sub is not None
    assert right.sub.address == "rtsp://192.168.1.20/s1"
    (box,) = await devices.book.all()
    assert box.channel_ids == (left.channel_id, right.channel_id)
    assert (box.identity.model, box.clock_offset_ms) == ("Dome 2", 700)
    assert box.desired == DesiredSettings()
    assert [address.url for address in await devices.plan() if address.recorded] == [
        "rtsp://192.168.1.20/m0",
        "rtsp://192.168.1.20/m1",
    ]
    assert await devices.book.username(box.id) == "admin"
    reached = await devices.book.reach(box.id)
    assert (reached.address, reached.password) == (
        "http://192.168.1.20/onvif/device_service",
        "open-sesame",
    )


@pytest.mark.parametrize("records_sub", [False, True])
async def test_sub_streams_are_in_the_plan_and_recorded_when_the_site_says_so(
    database: Database, clock: ManualClock, records_sub: bool
) -> None:
    devices = Devices(database, Vault(bytes(32)), clock, settings=RegisterSettings(records_sub=records_sub))
    await devices.add_device(BOX, told_of())
    plan = await devices.plan()
    assert [one.recorded for one in plan] == [True, records_sub, True, records_sub]


@pytest.mark.parametrize(
    ("channels", "word"),
    [
        ((), "No channel"),
        ((ChannelDraft("A", 0), ChannelDraft("B", 0)), "same input"),
        ((ChannelDraft("A", 5),), "no input 5"),
        ((ChannelDraft("A", 0, latitude=1.0),), "go together"),
        ((ChannelDraft("A", 0, latitude=91.0, longitude=0.0),), "globe"),
        ((ChannelDraft("A", 0, latitude=float("nan"), longitude=0.0),), "globe"),
        ((ChannelDraft("A", 0, "x" * 201),), "place"),
        ((ChannelDraft("A", 0, group_id=GroupId(new_id())),), "no such group"),
    ],
)
async def test_a_wrong_channel_stores_nothing(
    devices: Devices, channels: tuple[ChannelDraft, ...], word: str
) -> None:
    with pytest.raises(AppError, match=word):
        await devices.add_device(DeviceDraft("onvif://cam", channels=channels), told_of())
    assert await devices.cameras() == []
    assert await devices.book.all() == []


async def test_onvif_is_not_added_unasked(devices: Devices) -> None:
    with pytest.raises(AppError, match="must be asked"):
        await devices.add_camera(CameraDraft("A", "onvif://192.168.1.20"))


async def test_removing_one_lens_leaves_the_other(devices: Devices) -> None:
    left, right = await devices.add_device(BOX, told_of())
    await devices.remove_camera(left.channel_id)
    (box,) = await devices.book.all()
    assert box.channel_ids == (right.channel_id,)
    await devices.remove_camera(right.channel_id)
    assert await devices.book.all() == []
    assert await devices.restore_camera(right.channel_id) == right
    assert len(await devices.book.all()) == 1


async def test_a_replaced_device_leaves_channel_and_streams(devices: Devices, clock: ManualClock) -> None:
    left, right = await devices.add_device(BOX, told_of())
    await devices.change_cameras([left.channel_id], ChannelChange(audio=True))
    clock.advance(1_000_000)
    new_box = DeviceDraft("onvif://192.168.1.99", username="root", password=Secret("other"))
    replaced = await devices.replace(left.channel_id, new_box, told_of("192.168.1.99"), 1)
    assert replaced.channel_id == left.channel_id
    assert (replaced.name, replaced.place, replaced.purpose) == ("Left", "Pier", "public_safety")
    assert [stream.id for stream in replaced.streams] == [stream.id for stream in left.streams]
    assert replaced.device_id != left.device_id
    assert (replaced.input, replaced.can_steer, replaced.main.audio) == (1, True, True)
    first, second = await devices.bindings(left.channel_id)
    assert (first.device_id, first.to_us) == (left.device_id, clock.now_us())
    assert (second.device_id, second.input, second.to_us) == (replaced.device_id, 1, None)
    planned = {address.stream_id: address for address in await devices.plan()}
    assert planned[left.main.id].url == "rtsp://192.168.1.99/m1"
    assert planned[left.main.id].password.reveal() == "other"
    assert planned[right.main.id].password.reveal() == "open-sesame"
    assert {box.id for box in await devices.book.all()} == {left.device_id, replaced.device_id}


async def test_a_replacement_without_a_small_stream_has_none(devices: Devices) -> None:
    camera = await devices.add_camera(DRAFT)
    with_sub = await devices.replace(camera.channel_id, DeviceDraft("onvif://b"), told_of("b"))
    assert [stream.profile for stream in with_sub.streams] == ["main", "sub"]
    without = await devices.replace(
        camera.channel_id, DeviceDraft("onvif://c"), told_of("c", inputs=1, sub=False)
    )
    assert [stream.id for stream in without.streams] == [camera.main.id]
    assert len(await devices.book.all()) == 1


async def test_a_replacement_by_a_known_camera_is_a_conflict(devices: Devices) -> None:
    camera = await devices.add_camera(DRAFT)
    await devices.add_device(BOX, told_of())
    with pytest.raises(AppError, match="Left") as caught:
        await devices.replace(camera.channel_id, BOX, told_of())
    assert caught.value.kind is ErrorKind.CONFLICT
    assert len(await devices.bindings(camera.channel_id)) == 1


async def test_a_change_is_for_all_or_none(devices: Devices, changes: list[int]) -> None:
    left, right = await devices.add_device(BOX, told_of())
    group = await devices.groups.add("Harbour")
    ids = [left.channel_id, right.channel_id]
    changed = await devices.change_cameras(ids, ChannelChange(place="Quay", group_id=group.id, purpose=None))
    assert [(one.place, one.group_id, one.purpose) for one in changed] == [("Quay", group.id, None)] * 2
    assert [one.name for one in changed] == ["Left", "Right"]
    with pytest.raises(AppError):
        await devices.change_cameras([*ids, ChannelId(new_id())], ChannelChange(place="Nowhere"))
    assert {one.place for one in await devices.cameras()} == {"Quay"}
    assert len(changes) == 3


async def test_a_device_at_another_address_takes_its_streams_along(devices: Devices) -> None:
    await devices.add_device(BOX, told_of())
    (box,) = await devices.book.all()
    moved = await devices.book.edit(box.id, DeviceChange(address="192.168.1.77", password=Secret("new")))
    assert moved.address == "http://192.168.1.77/onvif/device_service"
    first = (await devices.plan())[0]
    assert (first.url, first.username, first.password.reveal()) == ("rtsp://192.168.1.77/m0", "admin", "new")
    with pytest.raises(AppError, match="another kind"):
        await devices.book.edit(box.id, DeviceChange(address="rtsp://192.168.1.77/x"))
    bare = await devices.book.edit(box.id, DeviceChange(username=None))
    assert await devices.book.username(bare.id) == ""


@pytest.mark.parametrize("address", ["10.66.6.6", "192.168.1.20:8080", "https://192.168.1.20/onvif/x"])
async def test_a_kept_password_is_not_sent_to_another_machine(devices: Devices, address: str) -> None:
    """Who may edit a camera may not read its password, and so may not have it sent to a host of his own."""
    await devices.add_device(BOX, told_of())
    (box,) = await devices.book.all()
    before = await devices.plan()
    for change in (DeviceChange(address=address), DeviceChange(address=address, username="me")):
        with pytest.raises(AppError, match="Type the password again") as caught:
            await devices.book.edit(box.id, change)
        assert caught.value.kind is ErrorKind.INVALID
    assert await devices.plan() == before
    beside = "http://192.168.1.20/onvif/device_service?2"
    assert (await devices.book.edit(box.id, DeviceChange(address=beside))).address == beside
    given = await devices.book.edit(box.id, DeviceChange(address="onvif://admin:fresh@10.66.6.6"))
    assert (await devices.book.reach(given.id)).password == "fresh"


async def test_a_plain_camera_at_another_address(devices: Devices) -> None:
    camera = await devices.add_camera(DRAFT)
    change = DeviceChange(address="rtsp://192.168.1.21/?password=hush", password=Secret("secret"))
    await devices.book.edit(camera.device_id, change)
    (planned,) = await devices.plan()
    assert planned.url == "rtsp://192.168.1.21/?password=hush"
    (seen,) = await devices.cameras()
    assert seen.main.address == "rtsp://192.168.1.21/?password=***"


async def test_what_is_wanted_and_found_is_kept(devices: Devices, clock: ManualClock) -> None:
    await devices.add_device(BOX, told_of())
    (box,) = await devices.book.all()
    wanted = DesiredSettings(sub=None, clock=False, ntp_server="10.0.0.1")
    assert (await devices.book.edit(box.id, DeviceChange(desired=wanted))).desired == wanted
    drift = (Drift(0, "sub.fps", "5", "25"),)
    found = await devices.book.keep_check(box.id, DeviceCheck(clock.now_us(), drift, 40))
    assert (found.drift, found.clock_offset_ms, found.checked_us) == (drift, 40, clock.now_us())
    trouble = TroubleReport(Trouble.UNREACHABLE, "Nobody answers.", "Check the cable.")
    clock.advance(5)
    away = await devices.book.keep_check(box.id, DeviceCheck(clock.now_us(), trouble=trouble))
    assert (away.drift, away.trouble, away.checked_us) == (drift, trouble, clock.now_us())


async def test_new_stream_addresses_are_followed(devices: Devices, changes: list[int]) -> None:
    await devices.add_device(BOX, told_of())
    (box,) = await devices.book.all()
    await devices.book.keep_description(box.id, told_of())
    assert len(changes) == 1
    told = told_of("192.168.1.20:8554")
    await devices.book.keep_description(box.id, told)
    assert (await devices.plan())[0].url == "rtsp://192.168.1.20:8554/m0"
    assert len(changes) == 2


async def test_the_last_notifications_are_kept(devices: Devices) -> None:
    await devices.add_device(BOX, told_of())
    (box,) = await devices.book.all()
    for number in range(203):
        told = Notification(number, "RuleEngine/Motion", "Changed", (("Source", "V0"),), (("State", "true"),))
        await devices.book.keep_notification(box.id, told)
    await devices.book.keep_notification(DeviceId(new_id()), Notification(1, "x", ""))
    kept = await devices.book.notifications(box.id)
    assert [one.at_us for one in kept] == list(range(202, 2, -1))
    assert kept[0].data == (("State", "true"),)
    with pytest.raises(AppError):
        await devices.book.notifications(DeviceId(new_id()))


async def test_a_file_needs_leave(database: Database, clock: ManualClock) -> None:
    settings = RegisterSettings(import_folders=(Path("/srv/clips"),))
    devices = Devices(database, Vault(bytes(32)), clock, settings=settings)
    added = await devices.add_camera(CameraDraft("Clip", "file:///srv/clips/a.mp4"))
    assert added.driver == "file"
    assert (await devices.book.reach(added.device_id)).settings == '{"folders": ["/srv/clips"]}'
    for address in ("file:///etc/passwd", "file:///srv/clips2/a.mp4"):
        with pytest.raises(AppError, match="import_folders"):
            await devices.add_camera(CameraDraft("No", address))
