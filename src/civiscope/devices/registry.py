"""The site's register of channels and the devices bound to them, on the server's database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import AppError, ChannelId, Clock, DeviceId, ErrorKind, StreamId, get_log, new_id
from civiscope.devices import device_rows, rows
from civiscope.devices.address import CameraAddress, parse_address
from civiscope.devices.checked import (
    CheckedChannel,
    CheckedDevice,
    CheckedStream,
    channel_values,
    check_changed_sound,
    check_channels,
    check_device,
    check_import,
    device_draft_of,
    plain_description,
    refuse_import,
)
from civiscope.devices.device_book import DeviceBook
from civiscope.devices.equipment import DeviceDescription
from civiscope.devices.groups import Groups, find_group, read_groups
from civiscope.devices.model import (
    CAMERA_LIMIT,
    MAIN,
    Binding,
    Camera,
    CameraDraft,
    ChannelChange,
    ChannelDraft,
    DeviceDraft,
    GroupId,
    Keep,
    StreamAddress,
    Transport,
    check_position,
)
from civiscope.devices.seals import Seals
from civiscope.security import IntegrityError, Vault
from civiscope.storage import Connection, Database


@dataclass(frozen=True, slots=True)
class RegisterSettings:
    """What the installation allows of this room."""

    import_folders: tuple[Path, ...] = ()
    """Where files may be that stand for cameras."""
    records_sub: bool = False
    """Whether sub streams are recorded too; they are in the plan in any case."""
    keep_us: Callable[[], int | None] = lambda: None
    """How long recordings are kept: an import must not be older. None: as long as there is room."""


class Devices:
    """Adds, changes, replaces, removes and restores channels with their devices; tells the recorder's plan.

    `on_change` is called after each change of the plan or of groups has been stored (it must not block).
    Removing keeps the rows: recordings stay until their retention ends, and `restore_camera` brings the same
    channel back. Devices as boxes are in `book`, the tree of groups in `groups`.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        on_change: Callable[[], None] | None = None,
        settings: RegisterSettings | None = None,
    ) -> None:
        self._database = database
        self._seals = Seals(vault)
        self._clock = clock
        self._on_change = on_change or (lambda: None)
        self._settings = settings or RegisterSettings()
        self._log = get_log("civiscope.devices")
        self.book = DeviceBook(database, self._seals, clock, self._on_change, self._settings.import_folders)
        self.groups = Groups(database, self._on_change)

    @property
    def import_folders(self) -> tuple[Path, ...]:
        """Where files may be that stand for cameras."""
        return self._settings.import_folders

    async def add_camera(self, draft: CameraDraft) -> Camera:
        """Store a camera that was not asked: its address is its stream. CONFLICT when it is already there."""
        return await self.add_unasked(device_draft_of(draft))

    async def add_unasked(self, device: DeviceDraft) -> Camera:
        """Store a device of one stream, which is its address, with the one channel that the draft names."""
        checked = check_device(device, self._settings.import_folders)
        if checked.driver == "onvif":
            raise AppError(
                ErrorKind.INVALID,
                "An ONVIF device must be asked for its streams before it is added. Try it first.",
            )
        return (await self.add_device(device, plain_description(checked.address)))[0]

    async def add_device(self, draft: DeviceDraft, told: DeviceDescription) -> list[Camera]:
        """Store a device with a channel for each input that the draft names, by what it told of itself.

        All or nothing: CONFLICT when a stream of it is recorded already, INVALID in plain words.
        """
        folders = self._settings.import_folders
        checked = check_device(draft, folders)
        channels = check_channels(draft.channels, told, folders)
        device_id, now_us = DeviceId(new_id()), self._clock.now_us()
        check_import(checked.address, now_us, self._settings.keep_us())
        device_row = self._device_row(device_id, checked, told, now_us)

        def store(connection: Connection) -> list[Camera]:
            self._refuse_too_many(connection, len(channels))
            device_rows.insert_device(connection, device_row)
            return [
                self._insert_channel(connection, device_id, checked, channel, now_us) for channel in channels
            ]

        cameras = await self._database.write(store)
        self._on_change()
        return cameras

    async def replace(
        self, channel_id: ChannelId, draft: DeviceDraft, told: DeviceDescription, index: int = 0
    ) -> Camera:
        """From now on another device watches for the channel; its id, name, streams' ids, recordings stay."""
        checked = check_device(draft, self._settings.import_folders)
        refuse_import(checked.address)
        device_id, now_us = DeviceId(new_id()), self._clock.now_us()
        device_row = self._device_row(device_id, checked, told, now_us)

        def store(connection: Connection) -> Camera:
            old = _living(rows.camera(connection, channel_id))
            as_before = ChannelDraft(old.name, index, audio=old.main.audio)
            (channel,) = check_channels((as_before,), told, self._settings.import_folders)
            self._refuse_known(connection, channel.streams[0].address, but=channel_id)
            rows.close_binding(connection, channel_id, now_us)
            _remove_idle_device(connection, old.device_id, now_us)
            device_rows.insert_device(connection, device_row)
            self._put_streams(connection, channel_id, device_id, checked, channel)
            rows.open_binding(connection, channel_id, device_id, index, now_us)
            return _present(rows.camera(connection, channel_id))

        return self._changed(await self._database.write(store))

    async def cameras(self, *, removed: bool = False) -> list[Camera]:
        """All cameras in the order they were added; with `removed`, those that were removed instead."""
        return await self._database.read(lambda connection: rows.cameras(connection, removed))

    async def camera(self, channel_id: ChannelId) -> Camera:
        """One camera, removed or not; MISSING when there never was one."""
        return await self._database.read(lambda connection: _present(rows.camera(connection, channel_id)))

    async def bindings(self, channel_id: ChannelId) -> list[Binding]:
        """Which device watched for this channel, and when; oldest first."""
        return await self._database.read(lambda connection: rows.bindings(connection, channel_id))

    async def group_channels(self) -> dict[GroupId, frozenset[ChannelId]]:
        """Each group's channels, with those of every group below it."""
        return await self.groups.channels()

    async def edit_camera(
        self, channel_id: ChannelId, *, name: str | None = None, audio: bool | None = None
    ) -> Camera:
        """Rename it, or switch its sound on or off; what is None stays. A removed camera is MISSING."""
        change = ChannelChange(
            name=Keep.KEEP if name is None else name, audio=Keep.KEEP if audio is None else audio
        )
        return (await self.change_cameras([channel_id], change))[0]

    async def change_cameras(self, channel_ids: Sequence[ChannelId], change: ChannelChange) -> list[Camera]:
        """The same change for all of them or for none; a removed one is MISSING."""
        values = channel_values(change)

        def store(connection: Connection) -> list[Camera]:
            if not isinstance(change.group_id, Keep) and change.group_id is not None:
                find_group(read_groups(connection), change.group_id)
            for channel_id in channel_ids:
                camera = _living(rows.camera(connection, channel_id))
                _check_changed_position(camera, change)
                check_changed_sound(camera, change)
                rows.change_channel(connection, channel_id, values)
                if not isinstance(change.audio, Keep):
                    rows.set_audio(connection, channel_id, change.audio)
            return [_present(rows.camera(connection, channel_id)) for channel_id in channel_ids]

        cameras = await self._database.write(store)
        self._on_change()
        return cameras

    async def rename(self, channel_id: ChannelId, name: str) -> Camera:
        """The same channel under another name."""
        return await self.edit_camera(channel_id, name=name)

    async def remove_camera(self, channel_id: ChannelId) -> Camera:
        """Stop recording it and take it off the lists; recordings and rows stay. MISSING when not there."""
        now_us = self._clock.now_us()

        def store(connection: Connection) -> Camera:
            camera = _living(rows.camera(connection, channel_id))
            rows.close_binding(connection, channel_id, now_us)
            rows.change_channel(connection, channel_id, {"removed_us": now_us})
            _remove_idle_device(connection, camera.device_id, now_us)
            return _present(rows.camera(connection, channel_id))

        return self._changed(await self._database.write(store))

    async def restore_camera(self, channel_id: ChannelId) -> Camera:
        """Bring a removed camera back under its old ids; CONFLICT when its address was added anew since."""
        now_us = self._clock.now_us()

        def store(connection: Connection) -> Camera:
            camera = _present(rows.camera(connection, channel_id))
            if camera.removed_us is None:
                return camera
            self._refuse_too_many(connection, 1)
            main = rows.streams_of_channel(connection, channel_id)[0]
            self._refuse_known(connection, parse_address(self._url(main)).address)
            index = rows.bindings(connection, channel_id)[-1].input
            if other := rows.who_watches_by(connection, camera.device_id, index):
                raise AppError(ErrorKind.CONFLICT, f"The camera's input is bound to “{other}” now.")
            rows.change_channel(connection, channel_id, {"removed_us": None})
            device_rows.change_device(connection, camera.device_id, {"removed_us": None})
            rows.open_binding(connection, channel_id, camera.device_id, index, now_us)
            return _present(rows.camera(connection, channel_id))

        return self._changed(await self._database.write(store))

    async def plan(self) -> list[StreamAddress]:
        """Every stream to take in now, with what opens it; in the order of adding. Main streams are recorded.

        A camera whose sealed words do not open (another vault key) is left out and logged.
        """
        living = await self._database.read(rows.streams)
        addresses: list[StreamAddress] = []
        for row in living:
            try:
                addresses.append(self._stream_address(row))
            except IntegrityError as error:
                self._log.error("camera left out of the plan", channel=row.channel_id, why=error.message)
        return addresses

    def _changed(self, camera: Camera) -> Camera:
        self._on_change()
        return camera

    def _device_row(
        self, device_id: DeviceId, checked: CheckedDevice, told: DeviceDescription, now_us: int
    ) -> dict[str, object]:
        return {
            "id": device_id,
            "driver": checked.driver,
            "credentials_sealed": self._seals.seal_credentials(device_id, checked.credentials),
            "tls_fingerprint": checked.tls_fingerprint,
            "address": checked.address.shown,
            "address_sealed": self._seals.seal_device_url(device_id, checked.address),
            "transport": checked.transport.value,
            "added_us": now_us,
            **device_rows.told_values(told),
        }

    def _insert_channel(
        self,
        connection: Connection,
        device_id: DeviceId,
        checked: CheckedDevice,
        channel: CheckedChannel,
        now_us: int,
    ) -> Camera:
        self._refuse_known(connection, channel.streams[0].address)
        draft, channel_id = channel.draft, ChannelId(new_id())
        if draft.group_id is not None:
            find_group(read_groups(connection), draft.group_id)
        values = {
            "id": channel_id,
            "name": draft.name,
            "added_us": now_us,
            "place": draft.place,
            "latitude": draft.latitude,
            "longitude": draft.longitude,
            "purpose": draft.purpose,
            "group_id": draft.group_id,
        }
        rows.insert_channel(connection, values)
        self._put_streams(connection, channel_id, device_id, checked, channel)
        rows.open_binding(connection, channel_id, device_id, draft.input, now_us)
        return _present(rows.camera(connection, channel_id))

    def _put_streams(
        self,
        connection: Connection,
        channel_id: ChannelId,
        device_id: DeviceId,
        checked: CheckedDevice,
        channel: CheckedChannel,
    ) -> None:
        """The channel's streams are the new device's; those of a profile keep their id."""
        known = {row.profile: row.stream_id for row in rows.streams_of_channel(connection, channel_id)}
        for stream in channel.streams:
            stream_id = known.pop(stream.profile, None) or StreamId(new_id())
            values = {
                "id": stream_id,
                "channel_id": channel_id,
                "device_id": device_id,
                **self._stream_values(stream_id, stream),
                "transport": checked.transport.value,
                "audio": channel.draft.audio,
            }
            rows.put_stream(connection, values)
        for stream_id in known.values():
            rows.delete_stream(connection, stream_id)

    def _stream_values(self, stream_id: StreamId, stream: CheckedStream) -> dict[str, object]:
        return {
            "profile": stream.profile,
            "token": stream.token,
            "address": stream.address.shown,
            "url_sealed": self._seals.seal_stream_url(stream_id, stream.address),
        }

    def _url(self, row: rows.StreamRow) -> str:
        return self._seals.open_stream_url(row.stream_id, row.url_sealed, row.address)

    def _stream_address(self, row: rows.StreamRow) -> StreamAddress:
        words = self._seals.open_credentials(row.device_id, row.credentials_sealed)
        recorded = row.profile == MAIN or self._settings.records_sub
        return StreamAddress(
            stream_id=row.stream_id,
            channel_id=row.channel_id,
            url=self._url(row),
            username=words.username,
            password=words.password,
            transport=Transport(row.transport),
            tls_fingerprint=row.tls_fingerprint,
            audio=row.audio and recorded,
            recorded=recorded,
        )

    def _refuse_too_many(self, connection: Connection, more: int) -> None:
        if rows.living_count(connection) + more > CAMERA_LIMIT:
            raise AppError(
                ErrorKind.EXHAUSTED, f"The site holds {CAMERA_LIMIT} cameras, more do not fit. Remove some."
            )

    def _refuse_known(
        self, connection: Connection, address: CameraAddress, but: ChannelId | None = None
    ) -> None:
        for row in rows.streams_at(connection, address.shown):
            if row.channel_id != but and self._url(row) == address.url:
                raise AppError(
                    ErrorKind.CONFLICT,
                    f"The camera at {address.shown} is already there, as “{row.channel_name}”.",
                )


def _check_changed_position(camera: Camera, change: ChannelChange) -> None:
    latitude = camera.latitude if isinstance(change.latitude, Keep) else change.latitude
    longitude = camera.longitude if isinstance(change.longitude, Keep) else change.longitude
    check_position(latitude, longitude)


def _remove_idle_device(connection: Connection, device_id: DeviceId, now_us: int) -> None:
    """A device that watches for nobody any more is off the lists."""
    if not rows.is_bound(connection, device_id):
        device_rows.change_device(connection, device_id, {"removed_us": now_us})


def _present(camera: Camera | None) -> Camera:
    if camera is None:
        raise AppError(
            ErrorKind.MISSING, "There is no such camera. It may be of another site; reload the list."
        )
    return camera


def _living(camera: Camera | None) -> Camera:
    present = _present(camera)
    if present.removed_us is not None:
        raise AppError(ErrorKind.MISSING, f"The camera “{present.name}” was removed. Restore it first.")
    return present
