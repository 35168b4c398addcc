"""What the command line may ask about devices: over the running server's socket, else on its database.

Without a server there is no driver host: devices can be added unseen and listed, and not asked.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import UUID

from civiscope.app.console import console_of
from civiscope.app.home import Home
from civiscope.app.settings import Settings
from civiscope.app.site import Site, open_site
from civiscope.base import AppError, ChannelId, ErrorKind
from civiscope.devices import (
    Adding,
    Camera,
    ChannelDraft,
    CsvRow,
    DeviceDescription,
    DeviceDraft,
    DriverFace,
    FoundDevice,
    StreamOpener,
    Transport,
    TriedDevice,
    TroubleError,
    Upkeep,
    group_named,
    read_csv,
)
from civiscope.security import AuditEntry, Outcome, Secret

DISCOVER_S = 3.0


@dataclass(frozen=True, slots=True)
class TypedDevice:
    """A device as typed on the command line; crosses only the Unix socket of the same user."""

    address: str = field(repr=False)
    driver: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    transport: Transport = Transport.AUTO
    tls_fingerprint: str | None = None

    def draft(self, *channels: ChannelDraft) -> DeviceDraft:
        """As the register takes it."""
        return DeviceDraft(
            address=self.address,
            driver=self.driver,
            username=self.username,
            password=Secret(self.password) if self.password else None,
            transport=self.transport,
            tls_fingerprint=self.tls_fingerprint,
            channels=channels,
        )


@dataclass(frozen=True, slots=True)
class TypedLogin:
    """Who asks the devices of a table that names nobody."""

    username: str = ""
    password: str = field(default="", repr=False)

    def where_none_is(self, draft: DeviceDraft) -> DeviceDraft:
        """The device with this login, unless it has one."""
        if not self.username or draft.username or draft.password:
            return draft
        return replace(draft, username=self.username, password=Secret(self.password))


@dataclass(frozen=True, slots=True)
class TypedChannel:
    """What an input shall watch, as typed."""

    name: str
    input: int = 0
    place: str = ""
    purpose: str | None = None
    group: str = ""
    """Name or path."""
    audio: bool = False


@dataclass(frozen=True, slots=True)
class TriedLine:
    """What became of trying a device, in lines for a terminal."""

    is_good: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device that was added, checked, replaced or configured."""

    name: str
    address: str
    id: UUID
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """What became of one line of a table."""

    line: int
    name: str
    is_good: bool
    words: str


class DeviceDesk(Protocol):
    """The face; every call is for the owner of the data folder."""

    async def discover(self) -> tuple[FoundDevice, ...]:
        """Each device that answered."""
        ...

    async def drivers(self) -> tuple[str, ...]:
        """One line for each installed driver."""
        ...

    async def try_device(self, device: TypedDevice, index: int) -> TriedLine:
        """Ask a device and open it once; stores nothing."""
        ...

    async def add_device(self, device: TypedDevice, channel: TypedChannel) -> DeviceLine:
        """Try a device, then add it; INVALID with the trouble in words."""
        ...

    async def add_untested(self, device: TypedDevice, channel: TypedChannel) -> DeviceLine:
        """Add an address that is a stream, unseen."""
        ...

    async def replace_device(self, which: str, device: TypedDevice, index: int) -> DeviceLine:
        """Put another device behind a camera, by id or exact name."""
        ...

    async def check(self, which: str) -> DeviceLine:
        """Compare a camera's settings with what is wanted."""
        ...

    async def configure(self, which: str) -> DeviceLine:
        """Write what is wanted."""
        ...

    async def read_table(self, text: str) -> tuple[ImportedRow, ...]:
        """The lines of a table, none of them tried."""
        ...

    async def import_line(self, text: str, line: int, login: TypedLogin) -> ImportedRow:
        """Try one line of a table, and add it when it is good."""
        ...

    async def drift(self) -> dict[UUID, str]:
        """Channel → what is not as wanted, or why it could not be asked; only those with something."""
        ...


class LocalDeviceDesk:
    """The desk on the rooms themselves; without `drivers` and `opener` devices cannot be asked."""

    def __init__(
        self, site: Site, drivers: DriverFace | None = None, opener: StreamOpener | None = None
    ) -> None:
        self._site = site
        self._devices = site.devices
        self._drivers = drivers
        self._opener = opener
        self._who = f"system user {os.getuid()}"

    async def discover(self) -> tuple[FoundDevice, ...]:
        """Each device that answered."""
        found = await self._asking()[0].discover(DISCOVER_S)
        await self._note("device.discover", "network", {"found": len(found)})
        return found

    async def drivers(self) -> tuple[str, ...]:
        """One line for each installed driver."""
        return tuple(
            f"{one.name:<8} {one.state:<11} {' '.join(one.schemes)}  {one.title}"
            + (f": {one.why}" if one.why else "")
            for one in await self._asking()[0].drivers()
        )

    async def try_device(self, device: TypedDevice, index: int) -> TriedLine:
        """Ask a device and open it once; stores nothing."""
        tried = await self._try(device.draft(), index)
        return TriedLine(tried.trouble is None, _tried_lines(tried))

    async def add_device(self, device: TypedDevice, channel: TypedChannel) -> DeviceLine:
        """Try a device, then add it."""
        draft = await self._channel(channel)
        tried = await self._try(device.draft(), channel.input)
        return await self._add(tried, draft)

    async def add_untested(self, device: TypedDevice, channel: TypedChannel) -> DeviceLine:
        """Add an address that is a stream, unseen."""
        draft = await self._channel(channel)
        camera = await self._devices.add_unasked(device.draft(draft))
        await self._note_camera("camera.add", camera)
        return DeviceLine(camera.name, camera.main.address, camera.channel_id)

    async def replace_device(self, which: str, device: TypedDevice, index: int) -> DeviceLine:
        """Put another device behind a camera."""
        old = await self._camera(which)
        tried = await self._try(device.draft(), index)
        told = _good(tried)
        camera = await self._devices.replace(old.channel_id, tried.asked.draft, told, index)
        await self._note_camera("camera.replace", camera)
        return DeviceLine(camera.name, camera.main.address, camera.channel_id, _notes(tried))

    async def check(self, which: str) -> DeviceLine:
        """Compare a camera's settings with what is wanted."""
        camera = await self._camera(which)
        upkeep = Upkeep(self._asking()[0], self._devices.book, self._site.clock)
        await upkeep.check(camera.device_id)
        return await self._standing(camera)

    async def configure(self, which: str) -> DeviceLine:
        """Write what is wanted."""
        camera = await self._camera(which)
        upkeep = Upkeep(self._asking()[0], self._devices.book, self._site.clock)
        done = await upkeep.configure(camera.device_id)
        details: dict[str, object] = {"left": [one.setting for one in done.drift]}
        await self._note("device.configure", str(camera.device_id), details)
        return await self._standing(camera)

    async def read_table(self, text: str) -> tuple[ImportedRow, ...]:
        """The lines of a table, none of them tried."""
        return tuple([await self._read_row(row) for row in read_csv(text)])

    async def import_line(self, text: str, line: int, login: TypedLogin) -> ImportedRow:
        """Try one line of a table, and add it when it is good."""
        row = next((one for one in read_csv(text) if one.line == line), None)
        if row is None:
            raise AppError(ErrorKind.MISSING, f"The table has nothing in line {line}.")
        read = await self._read_row(row)
        if row.draft is None or not read.is_good:
            return read
        channel = row.channel
        if row.group:
            group = group_named(await self._devices.groups.all(), row.group)
            channel = replace(channel, group_id=group.id)
        try:
            added = await self._add(await self._try(login.where_none_is(row.draft), 0), channel)
        except AppError as error:
            if error.kind not in {ErrorKind.INVALID, ErrorKind.CONFLICT, ErrorKind.EXHAUSTED}:
                raise
            return ImportedRow(line, channel.name, False, error.message)
        return ImportedRow(line, added.name, True, f"added {added.address}")

    async def drift(self) -> dict[UUID, str]:
        """Channel → what is not as wanted."""
        told: dict[UUID, str] = {}
        for device in await self._devices.book.all():
            words = ", ".join(sorted({one.setting for one in device.drift}))
            if device.trouble is not None:
                words = f"not asked: {device.trouble.trouble.value}"
            if words:
                told |= dict.fromkeys(device.channel_ids, words)
        return told

    def _asking(self) -> tuple[DriverFace, StreamOpener]:
        if self._drivers is None or self._opener is None:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                "devices are asked by the running product, and it does not run here. Start it with "
                "`civiscope up`, or add a stream's address unseen with --no-test.",
            )
        return self._drivers, self._opener

    async def _try(self, draft: DeviceDraft, index: int) -> TriedDevice:
        drivers, opener = self._asking()
        adding = Adding(drivers, opener, self._site.clock, self._devices.import_folders)
        tried = await adding.try_device(draft, index)
        details: dict[str, object] = {"picture": False}
        if tried.trouble is not None:
            details = {"trouble": tried.trouble.trouble.value}
        outcome = Outcome.DONE if tried.trouble is None else Outcome.FAILED
        await self._note("camera.probe", "camera", details, outcome)
        return tried

    async def _add(self, tried: TriedDevice, channel: ChannelDraft) -> DeviceLine:
        told = _good(tried)
        (camera,) = await self._devices.add_device(replace(tried.asked.draft, channels=(channel,)), told)
        await self._note_camera("camera.add", camera)
        return DeviceLine(camera.name, camera.main.address, camera.channel_id, _notes(tried))

    async def _channel(self, typed: TypedChannel) -> ChannelDraft:
        await self._refuse_unknown_purpose(typed.purpose)
        group = group_named(await self._devices.groups.all(), typed.group) if typed.group else None
        return ChannelDraft(
            name=typed.name,
            input=typed.input,
            place=typed.place,
            purpose=typed.purpose,
            group_id=group.id if group else None,
            audio=typed.audio,
        )

    async def _read_row(self, row: CsvRow) -> ImportedRow:
        if row.draft is None:
            return ImportedRow(row.line, "", False, row.problem or "")
        try:
            await self._refuse_unknown_purpose(row.channel.purpose)
            if row.group:
                group_named(await self._devices.groups.all(), row.group)
        except AppError as error:
            return ImportedRow(row.line, row.channel.name, False, error.message)
        return ImportedRow(row.line, row.channel.name, True, "can be tried")

    async def _refuse_unknown_purpose(self, purpose: str | None) -> None:
        known = [one.id for one in await self._site.purposes.purposes()]
        if purpose and purpose not in known:
            raise AppError(
                ErrorKind.INVALID, f"The register knows no purpose '{purpose}'. It knows: {', '.join(known)}."
            )

    async def _standing(self, camera: Camera) -> DeviceLine:
        device = await self._devices.book.one(camera.device_id)
        if device.trouble is not None:
            notes = [f"{device.trouble.words} {device.trouble.advice}".strip()]
        else:
            notes = [f"{one.setting} is {one.found}, wanted is {one.wanted}" for one in device.drift]
        if device.clock_offset_ms is not None:
            notes.append(f"its clock is {device.clock_offset_ms / 1000:+.1f} s from ours")
        return DeviceLine(camera.name, device.address, camera.channel_id, tuple(notes or ["all as wanted"]))

    async def _camera(self, which: str) -> Camera:
        found = [one for one in await self._devices.cameras() if which in {str(one.channel_id), one.name}]
        if not found:
            raise AppError(ErrorKind.MISSING, f"no camera is called '{which}'. See: civiscope camera list")
        if len(found) > 1:
            raise AppError(
                ErrorKind.CONFLICT, f"{len(found)} cameras are called '{which}'. Give the id instead."
            )
        return await self._devices.camera(ChannelId(found[0].channel_id))

    async def _note_camera(self, what: str, camera: Camera) -> None:
        details: dict[str, object] = {"name": camera.name, "address": camera.main.address}
        await self._note(what, str(camera.channel_id), details)

    async def _note(
        self, what: str, target: str, details: dict[str, object], outcome: Outcome = Outcome.DONE
    ) -> None:
        entry = AuditEntry(
            self._who, what, target, outcome=outcome, from_where="command line", details=details
        )
        await self._site.audit.append(entry)


@asynccontextmanager
async def device_desk(home: Home, settings: Settings) -> AsyncIterator[DeviceDesk]:
    """The running server's desk for devices, or one on its database while no server runs."""
    async with console_of(home, DeviceDesk) as remote:
        if remote is not None:
            yield remote
            return
        async with open_site(home, settings) as site:
            yield LocalDeviceDesk(site)


def _good(tried: TriedDevice) -> DeviceDescription:
    """What a device told that was tried well; `TroubleError` for any other."""
    if tried.trouble is not None:
        raise TroubleError(tried.trouble)
    assert tried.asked.told is not None  # without a trouble it told
    return tried.asked.told


def _notes(tried: TriedDevice) -> tuple[str, ...]:
    return tuple(one.words for one in tried.cautions)


def _tried_lines(tried: TriedDevice) -> tuple[str, ...]:
    if tried.trouble is not None:
        pin = f"its certificate: {tried.trouble.fingerprint}" if tried.trouble.fingerprint else ""
        return tuple(filter(None, (tried.trouble.words, tried.trouble.advice, pin)))
    told = _good(tried)
    who = " ".join(filter(None, (told.identity.maker, told.identity.model, told.identity.firmware)))
    lines = [f"{tried.asked.draft.driver}: {who or 'it does not tell what it is'}"]
    for one in told.inputs:
        sizes = [
            f"{stream.profile} {stream.codec} {stream.width_px}x{stream.height_px}" for stream in one.streams
        ]
        lines.append(f"input {one.index} {one.name}: {', '.join(sizes)}")
    if tried.opened is not None:
        shown = [f"{track.codec.value} {track.width_px}x{track.height_px}" for track in tried.opened.tracks]
        picture = "a picture came" if tried.opened.picture_jpeg else "no picture came in time"
        lines.append(f"opened by {tried.opened.transport.value}: {', '.join(shown)}; {picture}")
    return (*lines, *_notes(tried))
