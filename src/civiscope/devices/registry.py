"""The site's register of devices and channels, on the server's database; credentials lie sealed in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from civiscope.base import AppError, ChannelId, Clock, DeviceId, ErrorKind, StreamId, get_log, new_id
from civiscope.devices import rows
from civiscope.devices.address import CameraAddress, TypedAddress, parse_address
from civiscope.devices.model import (
    CAMERA_LIMIT,
    Binding,
    Camera,
    CameraDraft,
    StreamAddress,
    Transport,
    clean_credential,
    clean_fingerprint,
    clean_name,
)
from civiscope.security import IntegrityError, Secret, Vault
from civiscope.storage import Connection, Database


@dataclass(frozen=True, slots=True)
class _Checked:
    """A draft with every field proved."""

    name: str
    address: CameraAddress
    username: str
    password: Secret
    transport: Transport
    audio: bool
    tls_fingerprint: str | None


class Devices:
    """Adds, lists, renames, removes and restores cameras; tells the recorder's plan.

    `on_change` is called after each change of the plan has been stored (it must not block). Removing keeps
    the rows: recordings stay until their retention ends, and `restore_camera` brings the same channel back.
    """

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, on_change: Callable[[], None] | None = None
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._on_change = on_change or (lambda: None)
        self._log = get_log("civiscope.devices")

    async def add_camera(self, draft: CameraDraft) -> Camera:
        """Store a checked camera under fresh ids; CONFLICT when its address is already there."""
        checked = _check(draft)
        now_us = self._clock.now_us()
        device_id, channel_id, stream_id = DeviceId(new_id()), ChannelId(new_id()), StreamId(new_id())
        device_row = {
            "id": device_id,
            "driver": "rtsp",
            "credentials_sealed": self._seal_credentials(device_id, checked),
            "tls_fingerprint": checked.tls_fingerprint,
            "added_us": now_us,
        }
        channel_row = {"id": channel_id, "name": checked.name, "added_us": now_us}
        stream_row = {
            "id": stream_id,
            "channel_id": channel_id,
            "device_id": device_id,
            "profile": "main",
            "address": checked.address.shown,
            "url_sealed": self._seal_url(stream_id, checked.address),
            "transport": checked.transport.value,
            "audio": checked.audio,
        }

        def store(connection: Connection) -> Camera:
            self._refuse_known(connection, checked.address)
            rows.insert_camera(connection, device_row, channel_row, stream_row)
            rows.open_binding(connection, channel_id, device_id, now_us)
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

    async def edit_camera(
        self, channel_id: ChannelId, *, name: str | None = None, audio: bool | None = None
    ) -> Camera:
        """Rename it, or switch its sound on or off; what is None stays. A removed camera is MISSING."""
        new_name = None if name is None else clean_name(name)

        def store(connection: Connection) -> Camera:
            _living(rows.camera(connection, channel_id))
            if new_name is not None:
                rows.rename(connection, channel_id, new_name)
            if audio is not None:
                rows.set_audio(connection, channel_id, audio)
            return _present(rows.camera(connection, channel_id))

        return self._changed(await self._database.write(store))

    async def rename(self, channel_id: ChannelId, name: str) -> Camera:
        """The same channel under another name."""
        return await self.edit_camera(channel_id, name=name)

    async def remove_camera(self, channel_id: ChannelId) -> Camera:
        """Stop recording it and take it off the lists; recordings and rows stay. MISSING when not there."""
        now_us = self._clock.now_us()

        def store(connection: Connection) -> Camera:
            camera = _living(rows.camera(connection, channel_id))
            rows.close_binding(connection, channel_id, now_us)
            rows.set_removed(connection, camera, now_us)
            return _present(rows.camera(connection, channel_id))

        return self._changed(await self._database.write(store))

    async def restore_camera(self, channel_id: ChannelId) -> Camera:
        """Bring a removed camera back under its old ids; CONFLICT when its address was added anew since."""
        now_us = self._clock.now_us()

        def store(connection: Connection) -> Camera:
            camera = _present(rows.camera(connection, channel_id))
            if camera.removed_us is None:
                return camera
            self._refuse_known(connection, self._full_address(connection, camera.main.id))
            rows.set_removed(connection, camera, None)
            rows.open_binding(connection, channel_id, camera.device_id, now_us)
            return _present(rows.camera(connection, channel_id))

        return self._changed(await self._database.write(store))

    async def plan(self) -> list[StreamAddress]:
        """Every stream to record now, with what opens it; in the order of adding.

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

    def _seal_credentials(self, device_id: DeviceId, checked: _Checked) -> bytes:
        words = {"username": checked.username, "password": checked.password.reveal()}
        return self._vault.seal_secret(json.dumps(words).encode(), _credentials_context(device_id))

    def _seal_url(self, stream_id: StreamId, address: CameraAddress) -> bytes | None:
        if not address.has_secret:
            return None
        return self._vault.seal_secret(address.url.encode(), _url_context(stream_id))

    def _url(self, row: rows.StreamRow) -> str:
        if row.url_sealed is None:
            return row.address
        return self._vault.open_secret(row.url_sealed, _url_context(row.stream_id)).decode()

    def _full_address(self, connection: Connection, stream_id: StreamId) -> CameraAddress:
        row = rows.stream(connection, stream_id)
        return parse_address(self._url(row)).address

    def _stream_address(self, row: rows.StreamRow) -> StreamAddress:
        words: dict[str, str] = json.loads(self._opened(row))
        return StreamAddress(
            stream_id=row.stream_id,
            channel_id=row.channel_id,
            url=self._url(row),
            username=words["username"],
            password=Secret(words["password"]),
            transport=Transport(row.transport),
            tls_fingerprint=row.tls_fingerprint,
            audio=row.audio,
        )

    def _opened(self, row: rows.StreamRow) -> bytes:
        return self._vault.open_secret(row.credentials_sealed, _credentials_context(row.device_id))

    def _refuse_known(self, connection: Connection, address: CameraAddress) -> None:
        living = rows.streams(connection)
        if len(living) >= CAMERA_LIMIT:
            raise AppError(
                ErrorKind.EXHAUSTED, f"The site holds {CAMERA_LIMIT} cameras, more do not fit. Remove some."
            )
        for row in living:
            if row.address == address.shown and self._url(row) == address.url:
                raise AppError(
                    ErrorKind.CONFLICT,
                    f"The camera at {address.shown} is already there, as “{row.channel_name}”.",
                )


def stream_address_of(draft: CameraDraft) -> StreamAddress:
    """A draft checked as if it were added, for a probe; its ids are fresh and stored nowhere."""
    checked = _check(draft)
    return StreamAddress(
        stream_id=StreamId(new_id()),
        channel_id=ChannelId(new_id()),
        url=checked.address.url,
        username=checked.username,
        password=checked.password,
        transport=checked.transport,
        tls_fingerprint=checked.tls_fingerprint,
        audio=checked.audio,
    )


def _credentials_context(device_id: DeviceId) -> bytes:
    return b"device/" + device_id.bytes + b"/credentials"


def _url_context(stream_id: StreamId) -> bytes:
    return b"stream/" + stream_id.bytes + b"/url"


def _check(draft: CameraDraft) -> _Checked:
    typed = parse_address(draft.address)
    fingerprint = clean_fingerprint(draft.tls_fingerprint)
    if fingerprint and typed.address.scheme != "rtsps":
        raise AppError(
            ErrorKind.INVALID, "A certificate fingerprint goes with an rtsps:// address only. Leave it out."
        )
    username, password = _credentials(draft, typed)
    return _Checked(
        clean_name(draft.name), typed.address, username, password, draft.transport, draft.audio, fingerprint
    )


def _credentials(draft: CameraDraft, typed: TypedAddress) -> tuple[str, Secret]:
    """Fields win over the address, each for itself."""
    username = draft.username or typed.username or ""
    empty = Secret("")
    given = [secret for secret in (draft.password, typed.password) if secret is not None and secret != empty]
    password = given[0] if given else empty
    clean_credential(password.reveal(), "password")
    if given and not username:
        raise AppError(ErrorKind.INVALID, "There is a password but no user name. Type both, or neither.")
    return clean_credential(username, "user name"), password


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
