"""Devices as boxes: their addresses, what is wanted of them, how they stood when they were last asked."""

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from civiscope.base import AppError, Clock, DeviceId, ErrorKind
from civiscope.devices import device_rows, rows
from civiscope.devices.address import FILE, CameraAddress, parse_address
from civiscope.devices.checked import CheckedDevice, check_device, refuse_import, streams_of
from civiscope.devices.equipment import DeviceAddress, DeviceDescription, Notification
from civiscope.devices.model import (
    Device,
    DeviceChange,
    DeviceCheck,
    DeviceDraft,
    Keep,
    Transport,
)
from civiscope.devices.seals import Credentials, Seals
from civiscope.security import Secret
from civiscope.storage import Connection, Database


class DeviceBook:
    """The devices of the register; `on_change` is called when what opens a stream has changed."""

    def __init__(
        self,
        database: Database,
        seals: Seals,
        clock: Clock,
        on_change: Callable[[], None],
        import_folders: Sequence[Path] = (),
    ) -> None:
        self._database = database
        self._seals = seals
        self._clock = clock
        self._on_change = on_change
        self._import_folders = tuple(import_folders)

    async def all(self) -> list[Device]:
        """Every device that watches for somebody, in the order of adding."""
        return await self._database.read(device_rows.devices)

    async def one(self, device_id: DeviceId) -> Device:
        """One device, removed or not; MISSING when there never was one."""
        return await self._database.read(lambda connection: _present(connection, device_id))

    async def username(self, device_id: DeviceId) -> str:
        """Under which name we sign in there; empty for none."""
        return (await self._opened(device_id)).credentials.username

    async def usernames(self) -> dict[DeviceId, str]:
        """Under which name we sign in at each device; those whose words do not open are left out."""

        def read(connection: Connection) -> dict[DeviceId, str]:
            names: dict[DeviceId, str] = {}
            for device_id, sealed in device_rows.sealed_credentials(connection):
                with contextlib.suppress(AppError):  # another vault key, or a locked vault
                    names[device_id] = self._seals.open_credentials(device_id, sealed).username
            return names

        return await self._database.read(read)

    async def reach(self, device_id: DeviceId) -> DeviceAddress:
        """What a driver needs to reach it; holds the password."""
        return device_address(await self._opened(device_id), self._import_folders)

    async def draft_of(self, device_id: DeviceId) -> DeviceDraft:
        """The device as a draft with all that opens it, to try it again as it is."""
        opened = await self._opened(device_id)
        return DeviceDraft(
            address=opened.address.url,
            driver=opened.driver,
            username=opened.credentials.username,
            password=opened.credentials.password,
            transport=opened.transport,
            tls_fingerprint=opened.tls_fingerprint,
        )

    async def edit(self, device_id: DeviceId, change: DeviceChange) -> Device:
        """Another address of the same kind, other credentials, other wishes; what was not named stays."""
        opened = await self._opened(device_id)
        checked = self._changed_device(opened, change)
        values: dict[str, object] = {
            "credentials_sealed": self._seals.seal_credentials(device_id, checked.credentials),
            "tls_fingerprint": checked.tls_fingerprint,
            "transport": checked.transport.value,
            "address": checked.address.shown,
            "address_sealed": self._seals.seal_device_url(device_id, checked.address),
        }
        if not isinstance(change.desired, Keep):
            values["desired"] = device_rows.desired_value(change.desired)

        def store(connection: Connection) -> Device:
            _present(connection, device_id)
            device_rows.change_device(connection, device_id, values)
            self._move_streams(connection, device_id, opened.address, checked)
            return _present(connection, device_id)

        device = await self._database.write(store)
        self._on_change()
        return device

    async def keep_check(self, device_id: DeviceId, check: DeviceCheck) -> Device:
        """Store what a look at the device found; a failed one leaves the drift as it was."""
        values: dict[str, object] = {
            "checked_us": check.at_us,
            "trouble": device_rows.trouble_value(check.trouble),
        }
        if check.trouble is None:
            values["drift"] = device_rows.drift_value(check.drift)
            values["clock_offset_ms"] = check.clock_offset_ms
        if check.identity is not None:
            values["identity"] = device_rows.identity_value(check.identity)

        def store(connection: Connection) -> Device:
            device_rows.change_device(connection, device_id, values)
            return _present(connection, device_id)

        return await self._database.write(store)

    async def keep_description(self, device_id: DeviceId, told: DeviceDescription) -> Device:
        """Store what the device tells of itself now; streams of inputs that it no longer has stay."""

        def store(connection: Connection) -> tuple[Device, bool]:
            device_rows.change_device(connection, device_id, device_rows.told_values(told))
            moved = False
            for row in rows.streams_of_device(connection, device_id):
                moved |= self._follow(connection, row, told)
            return _present(connection, device_id), moved

        device, moved = await self._database.write(store)
        if moved:
            self._on_change()
        return device

    async def keep_notification(self, device_id: DeviceId, told: Notification) -> None:
        """Store an event as the device told it; the last `NOTIFICATIONS_KEPT` stay."""
        await self._database.write(
            lambda connection: device_rows.keep_notification(connection, device_id, told)
        )

    async def notifications(self, device_id: DeviceId) -> list[Notification]:
        """The last events, newest first."""

        def read(connection: Connection) -> list[Notification]:
            _present(connection, device_id)
            return device_rows.notifications(connection, device_id)

        return await self._database.read(read)

    async def _opened(self, device_id: DeviceId) -> CheckedDevice:
        return await self._database.read(lambda connection: self._open(connection, device_id))

    def _open(self, connection: Connection, device_id: DeviceId) -> CheckedDevice:
        row = device_rows.device_row(connection, device_id)
        if row is None:
            raise missing_device()
        return CheckedDevice(
            address=parse_address(self._url(connection, device_id)).address,
            driver=row.driver,
            credentials=self._seals.open_credentials(device_id, row.credentials_sealed),
            transport=Transport(row.transport),
            tls_fingerprint=row.tls_fingerprint,
        )

    def _url(self, connection: Connection, device_id: DeviceId) -> str:
        """A device of schema 0001 keeps its secret address with its one stream only."""
        row = device_rows.device_row(connection, device_id)
        assert row is not None
        if row.address_sealed is None:
            for stream in rows.streams_of_device(connection, device_id):
                if stream.address == row.address and stream.url_sealed is not None:
                    return self._seals.open_stream_url(stream.stream_id, stream.url_sealed, "")
        return self._seals.open_device_url(device_id, row.address_sealed, row.address)

    def _changed_device(self, opened: CheckedDevice, change: DeviceChange) -> CheckedDevice:
        kept = opened.credentials
        wanted = DeviceDraft(
            address=opened.address.url if isinstance(change.address, Keep) else change.address,
            driver=opened.driver,
            transport=opened.transport if isinstance(change.transport, Keep) else change.transport,
            tls_fingerprint=(
                opened.tls_fingerprint if isinstance(change.tls_fingerprint, Keep) else change.tls_fingerprint
            ),
            username=kept.username if isinstance(change.username, Keep) else change.username,
            password=kept.password if isinstance(change.password, Keep) else change.password,
        )
        if not isinstance(change.username, Keep) and not change.username:
            wanted = replace(wanted, password=None)
        if not isinstance(change.address, Keep) and change.address != opened.address.url:
            refuse_import(opened.address)
            refuse_import(parse_address(change.address).address)
        if not isinstance(change.address, Keep):
            address = parse_address(change.address).address
            if address.driver is None and opened.driver == "onvif":
                wanted = replace(wanted, address=f"onvif://{address.url}")
            elif address.driver != opened.address.driver:
                raise AppError(
                    ErrorKind.INVALID,
                    "The new address is of another kind than the device's. Replace the device instead.",
                )
            if isinstance(change.password, Keep):
                wanted = _without_kept_password(opened, wanted)
        checked = check_device(wanted, self._import_folders)
        if isinstance(change.username, Keep) and isinstance(change.password, Keep):
            return checked
        return replace(checked, credentials=Credentials(wanted.username or "", checked.credentials.password))

    def _move_streams(
        self, connection: Connection, device_id: DeviceId, old: CameraAddress, checked: CheckedDevice
    ) -> None:
        """A device at another address has its streams there too."""
        for row in rows.streams_of_device(connection, device_id):
            values: dict[str, object] = {"id": row.stream_id, "transport": checked.transport.value}
            url = self._seals.open_stream_url(row.stream_id, row.url_sealed, row.address)
            if url == old.url:
                address = checked.address
            else:
                told = parse_address(url).address
                address = replace(told, host=checked.address.host) if told.host == old.host else told
            values |= {
                "address": address.shown,
                "url_sealed": self._seals.seal_stream_url(row.stream_id, address),
            }
            rows.put_stream(connection, values)

    def _follow(self, connection: Connection, row: rows.StreamRow, told: DeviceDescription) -> bool:
        """The stream's address as the device tells it now; True when it is another."""
        if row.input is None or row.input not in {one.index for one in told.inputs}:
            return False
        try:
            streams = streams_of(told, row.input, self._import_folders)
        except AppError:
            return False
        for stream in streams:
            old = self._seals.open_stream_url(row.stream_id, row.url_sealed, row.address)
            if stream.profile == row.profile and stream.address.url != old:
                values = {
                    "id": row.stream_id,
                    "address": stream.address.shown,
                    "url_sealed": self._seals.seal_stream_url(row.stream_id, stream.address),
                    "token": stream.token,
                }
                rows.put_stream(connection, values)
                return True
        return False


def device_address(device: CheckedDevice, import_folders: Sequence[Path] = ()) -> DeviceAddress:
    """What a driver needs to reach it; the driver of files is told where files may be."""
    settings = json.dumps({"folders": [str(folder) for folder in import_folders]})
    return DeviceAddress(
        settings=settings if device.driver == FILE else "{}",
        address=device.address.url,
        username=device.credentials.username,
        password=device.credentials.password.reveal(),
        tls_fingerprint=device.tls_fingerprint,
    )


def missing_device() -> AppError:
    """In the same words for one that is not there and one that is nobody's business."""
    return AppError(ErrorKind.MISSING, "There is no such device. Load the list again.")


def _without_kept_password(opened: CheckedDevice, wanted: DeviceDraft) -> DeviceDraft:
    """The draft for another host, port or kind of connection, whose password must be typed with its address.

    Else whoever may edit a camera, and not read its password, could have it sent to a machine of his own.
    """
    typed = parse_address(wanted.address)
    old, new, none = opened.address, typed.address, Secret("")
    is_same = (old.scheme, old.host, old.port) == (new.scheme, new.host, new.port)
    if is_same or wanted.password in (None, none):
        return wanted
    if typed.password in (None, none):
        raise AppError(
            ErrorKind.INVALID,
            "The new address leads to another host, port or kind of connection. Type the password again: a "
            "stored one is sent only to where it was typed for.",
        )
    return replace(wanted, password=None)


def _present(connection: Connection, device_id: DeviceId) -> Device:
    found = device_rows.device(connection, device_id)
    if found is None:
        raise missing_device()
    return found
