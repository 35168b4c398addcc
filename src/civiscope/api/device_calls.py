"""Devices as boxes: found, tried, added, changed, checked, configured."""

from collections.abc import Iterable
from uuid import UUID

from fastapi import Request

from civiscope.api.calls import Call
from civiscope.api.channels import ChannelBook
from civiscope.api.device_answers import csv_answer, device_answer, tried_answer, trouble_answer
from civiscope.api.device_shapes import (
    AddDeviceBody,
    CsvBody,
    CsvLinesBody,
    DeviceChangeBody,
    DiscoverBody,
    TryBody,
)
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.importing import Importing
from civiscope.api.trial import Trials
from civiscope.base import AppError, DeviceId, ErrorKind
from civiscope.devices import Device, DeviceBook, FoundDevice, Upkeep, parse_address
from civiscope.security import AuditEntry, Outcome, Permission, Principal, channels_with


class DeviceCalls:
    """Handlers of `/drivers`, `/purposes` and `/devices`; each change leaves an audit entry."""

    def __init__(self, faces: Faces, trials: Trials) -> None:
        self._faces = faces
        self._trials = trials
        self._channels = ChannelBook(faces.devices, faces.streams)
        self._book: DeviceBook = faces.devices.book
        self._upkeep = Upkeep(faces.drivers, faces.devices.book, faces.clock)
        self._importing = Importing(faces, trials)

    def calls(self) -> list[Call]:
        """The rows of the table."""
        add, edit, one = Permission.CAMERA_ADD, Permission.CAMERA_EDIT, "/devices/{device_id}"
        troubled = {409: "Already there.", 422: "The device cannot be asked: error.trouble says why."}
        return [
            Call("GET", "/drivers", add, self.drivers),
            Call("GET", "/purposes", Permission.CHANNEL_LIST, self.purposes, scoped=True),
            Call("POST", "/devices/discover", add, self.discover_devices),
            Call("POST", "/devices/try", add, self.try_device),
            Call("POST", "/devices/import/read", add, self.read_import),
            Call("POST", "/devices/import", add, self.import_devices),
            Call("POST", "/devices", add, self.add_device, 201, troubled),
            Call("GET", "/devices", Permission.CHANNEL_LIST, self.devices, scoped=True),
            Call("PATCH", one, edit, self.change_device, scoped=True),
            Call("POST", one + "/check", edit, self.check_device, scoped=True),
            Call("POST", one + "/configure", edit, self.configure_device, scoped=True),
            Call("GET", one + "/notifications", Permission.SYSTEM_READ, self.notifications),
        ]

    async def drivers(self) -> list[dict[str, object]]:
        """Every installed driver, loaded or not, and why."""
        return [
            {
                "name": one.name,
                "title": one.title,
                "schemes": list(one.schemes),
                "abilities": [ability.value for ability in one.abilities],
                "state": one.state,
                "why": one.why,
                "settings_schema": one.settings_schema,
            }
            for one in await self._faces.drivers.drivers()
        ]

    async def purposes(self) -> list[dict[str, object]]:
        """Why a camera may hang somewhere: the register's purposes."""
        found = await self._faces.purposes.purposes()
        return [{"id": one.id, "title": one.title, "legal_basis": one.legal_basis} for one in found]

    async def discover_devices(self, request: Request, body: DiscoverBody) -> dict[str, object]:
        """Ask the network who is there; nothing of an answer is believed until the device is tried."""
        start_us = self._faces.clock.monotonic_us()
        found = await self._faces.drivers.discover(body.listen_s)
        known = await self._book.all()
        await self._note(request, "device.discover", "network", {"found": len(found)})
        took_ms = (self._faces.clock.monotonic_us() - start_us) // 1000
        return {"devices": [_found(one, known) for one in found], "took_ms": took_ms}

    async def try_device(self, request: Request, body: TryBody) -> dict[str, object]:
        """Ask a device and open it once, without storing anything; a trouble is an answer."""
        tried = await self._trials.try_device(body.draft(), body.input)
        return tried_answer(tried, await self._trials.picture(request, tried))

    async def add_device(self, request: Request, body: AddDeviceBody) -> dict[str, object]:
        """Add a device with its channels; it is asked again, and recorded from now on."""
        channels = tuple(one.draft() for one in body.channels)
        await self._trials.refuse_unknown_purposes(one.purpose for one in channels)
        draft = body.draft(channels)
        asked = await self._trials.ask(request, draft)
        assert asked.told is not None  # a trouble was raised
        cameras = await self._faces.devices.add_device(asked.draft, asked.told)
        for camera in cameras:
            details: dict[str, object] = {
                "address": camera.main.address,
                "device": str(camera.device_id),
            }
            await self._note(request, "camera.add", str(camera.channel_id), details)
        device = await self._book.one(cameras[0].device_id)
        return {
            "device": device_answer(device, None, await self._book.username(device.id)),
            "channels": [await self._channels.one(camera) for camera in cameras],
        }

    async def read_import(self, body: CsvBody) -> dict[str, object]:
        """Read a table of devices; nothing is asked or stored."""
        return {"rows": [csv_answer(row) for row in await self._importing.read(body.csv)]}

    async def import_devices(self, request: Request, body: CsvLinesBody) -> list[dict[str, object]]:
        """Try a few lines of a table and add those that are good."""
        results = await self._importing.add(request, body.csv, body.lines)
        return [
            {
                "line": one.line,
                "channel_id": None if one.channel_id is None else str(one.channel_id),
                "trouble": None if one.trouble is None else trouble_answer(one.trouble),
                "problem": one.problem,
            }
            for one in results
        ]

    async def devices(self, request: Request) -> list[dict[str, object]]:
        """The devices that watch for channels one may see."""
        principal = visitor_of(request).principal
        seen = channels_with(principal, Permission.CHANNEL_LIST)
        names = await self._book.usernames()
        return [
            device_answer(one, seen, names.get(one.id) if _may_edit(principal, one) else None)
            for one in await self._book.all()
            if seen is None or seen.intersection(one.channel_ids)
        ]

    async def change_device(
        self, request: Request, device_id: UUID, body: DeviceChangeBody
    ) -> dict[str, object]:
        """Another address or password, other wishes; what is left out stays."""
        device = await self._editable(request, device_id)
        changed = await self._book.edit(device.id, body.change())
        details: dict[str, object] = {"changed": sorted(body.model_fields_set)}
        if body.address is not None:
            details["address"] = changed.address
        await self._note(request, "device.edit", str(device.id), details)
        return await self._answer(request, changed)

    async def check_device(self, request: Request, device_id: UUID) -> dict[str, object]:
        """Ask the device how it is set now; nothing is written to it."""
        device = await self._editable(request, device_id)
        return await self._answer(request, await self._upkeep.check(device.id))

    async def configure_device(self, request: Request, device_id: UUID) -> dict[str, object]:
        """Write what is wanted to the device."""
        device = await self._editable(request, device_id)
        details: dict[str, object] = {"address": device.address}
        try:
            done = await self._upkeep.configure(device.id)
        except AppError:
            await self._note(request, "device.configure", str(device.id), details, Outcome.FAILED)
            raise
        details["left"] = [one.setting for one in done.drift]
        await self._note(request, "device.configure", str(device.id), details)
        return await self._answer(request, done)

    async def notifications(self, device_id: UUID) -> list[dict[str, object]]:
        """What the device told last, newest first."""
        return [
            {
                "at_us": one.at_us,
                "topic": one.topic,
                "operation": one.operation,
                "source": dict(one.source),
                "data": dict(one.data),
            }
            for one in await self._book.notifications(DeviceId(device_id))
        ]

    async def _editable(self, request: Request, device_id: UUID) -> Device:
        """MISSING unless every channel of the device may be edited: its password opens them all."""
        device = await self._book.one(DeviceId(device_id))
        if not _may_edit(visitor_of(request).principal, device):
            raise AppError(ErrorKind.MISSING, "There is no such device. Load the list again.")
        return device

    async def _answer(self, request: Request, device: Device) -> dict[str, object]:
        seen = channels_with(visitor_of(request).principal, Permission.CHANNEL_LIST)
        return device_answer(device, seen, await self._book.username(device.id))

    async def _note(
        self,
        request: Request,
        what: str,
        target: str,
        details: dict[str, object],
        outcome: Outcome = Outcome.DONE,
    ) -> None:
        who = visitor_of(request).principal
        entry = AuditEntry(
            who, what, target, outcome=outcome, from_where=where_from(request), details=details
        )
        await self._faces.audit.append(entry)


def _may_edit(principal: Principal, device: Device) -> bool:
    held = channels_with(principal, Permission.CAMERA_EDIT)
    return held is None or (bool(device.channel_ids) and held.issuperset(device.channel_ids))


def _found(one: FoundDevice, known: Iterable[Device]) -> dict[str, object]:
    hosts = {_host(address) for address in one.addresses}
    same = [
        device.id
        for device in known
        if (one.endpoint and device.identity.endpoint == one.endpoint) or _host(device.address) in hosts
    ]
    return {
        "driver": one.driver,
        "endpoint": one.endpoint,
        "addresses": list(one.addresses),
        "name": one.name,
        "maker": one.maker,
        "hardware": one.hardware,
        "known_device_id": str(same[0]) if same else None,
    }


def _host(address: str) -> tuple[str, int] | None:
    """Host and port; None for what cannot be read: a device tells what it likes."""
    try:
        found = parse_address(address).address
    except AppError:
        return None
    return (found.host, found.port)
