"""What the command line may ask of a site: over the server's socket while it runs, else on its database.

Whoever reaches this desk is the system user who owns the data folder; the audit says so.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from civiscope.app.home import Home
from civiscope.app.keys import load_keys
from civiscope.app.role import bus_identity
from civiscope.app.settings import Settings
from civiscope.app.site import Site, open_site
from civiscope.base import AppError, ErrorKind, StreamId, SystemClock
from civiscope.bus import Endpoint
from civiscope.devices import Camera, CameraDraft, Transport
from civiscope.security import AuditEntry, Secret
from civiscope.storage import Database

_CALL_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class TypedCamera:
    """A camera as typed on the command line; crosses only the Unix socket of the same user."""

    name: str
    address: str
    username: str | None
    password: str | None
    transport: Transport
    audio: bool
    tls_fingerprint: str | None = None

    def __repr__(self) -> str:
        return f"TypedCamera({self.name!r})"


@dataclass(frozen=True, slots=True)
class CameraLine:
    """One camera as the command line lists it."""

    channel_id: UUID
    name: str
    address: str
    state: str


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """Whether the audit chain holds, in words."""

    intact: bool
    words: str


class SiteDesk(Protocol):
    """The face; every call is for the owner of the data folder."""

    async def here(self) -> bool:
        """True: somebody answers."""
        ...

    async def add_camera(self, camera: TypedCamera) -> CameraLine:
        """Add a camera; INVALID and CONFLICT in plain words."""
        ...

    async def cameras(self) -> tuple[CameraLine, ...]:
        """All cameras in the order they were added."""
        ...

    async def remove_camera(self, which: str) -> CameraLine:
        """Remove by id or exact name; MISSING or CONFLICT (two of that name)."""
        ...

    async def setup_code(self) -> str | None:
        """A new one-time code, or None once there is an administrator."""
        ...

    async def verify_audit(self) -> AuditVerdict:
        """Check the whole chain."""
        ...


States = Callable[[], Awaitable[Mapping[StreamId, str]]]


async def no_states() -> Mapping[StreamId, str]:
    """While nothing runs, no stream has a state."""
    return {}


class LocalDesk:
    """The desk on the rooms themselves."""

    def __init__(self, site: Site, states: States = no_states) -> None:
        self._site = site
        self._states = states
        self._who = f"system user {os.getuid()}"

    async def here(self) -> bool:
        """True: somebody answers."""
        return True

    async def add_camera(self, camera: TypedCamera) -> CameraLine:
        """Add a camera and write who did."""
        password = Secret(camera.password) if camera.password else None
        draft = CameraDraft(
            camera.name, camera.address, camera.username, password, camera.transport, camera.audio,
            camera.tls_fingerprint,
        )  # fmt: skip
        added = await self._site.devices.add_camera(draft)
        await self._write("camera.add", added)
        return _line(added, "connecting")

    async def cameras(self) -> tuple[CameraLine, ...]:
        """All cameras with what the recorder says of them."""
        states = await self._states()
        found = await self._site.devices.cameras()
        return tuple(_line(one, states.get(one.main.id, "not running")) for one in found)

    async def remove_camera(self, which: str) -> CameraLine:
        """Remove by id or exact name."""
        found = [
            one for one in await self._site.devices.cameras() if which in {str(one.channel_id), one.name}
        ]
        if not found:
            raise AppError(ErrorKind.MISSING, f"no camera is called '{which}'. See: civiscope camera list")
        if len(found) > 1:
            raise AppError(
                ErrorKind.CONFLICT, f"{len(found)} cameras are called '{which}'. Give the id instead."
            )
        removed = await self._site.devices.remove_camera(found[0].channel_id)
        await self._write("camera.remove", removed)
        return _line(removed, "removed")

    async def setup_code(self) -> str | None:
        """A new one-time code, or None once there is an administrator."""
        if not await self._site.accounts.setup_needed():
            return None
        return (await self._site.accounts.issue_setup_code()).code.reveal()

    async def verify_audit(self) -> AuditVerdict:
        """Check the whole chain against its signed head."""
        report = await self._site.audit.verify()
        if report.intact:
            return AuditVerdict(True, f"the audit chain is whole: {report.entries} entries")
        return AuditVerdict(False, f"the audit chain is BROKEN at entry {report.first_broken}: {report.what}")

    async def _write(self, what: str, camera: Camera) -> None:
        entry = AuditEntry(
            who=self._who, what=what, object=str(camera.channel_id), from_where="command line",
            details={"name": camera.name, "address": camera.main.address},
        )  # fmt: skip
        await self._site.audit.append(entry)


class Desk:
    """What a command holds: drafts in, lines out, wherever the desk is."""

    def __init__(self, face: SiteDesk) -> None:
        self._face = face

    async def add_camera(self, draft: CameraDraft) -> CameraLine:
        """Add a camera."""
        password = draft.password.reveal() if draft.password else None
        typed = TypedCamera(
            draft.name, draft.address, draft.username, password, draft.transport, draft.audio,
            draft.tls_fingerprint,
        )  # fmt: skip
        return await self._face.add_camera(typed)

    async def cameras(self) -> tuple[CameraLine, ...]:
        """All cameras."""
        return await self._face.cameras()

    async def remove_camera(self, which: str) -> CameraLine:
        """Remove by id or exact name."""
        return await self._face.remove_camera(which)

    async def setup_code(self) -> str | None:
        """A new one-time code, or None."""
        return await self._face.setup_code()

    async def verify_audit(self) -> AuditVerdict:
        """Check the audit chain."""
        return await self._face.verify_audit()


@asynccontextmanager
async def administer(home: Home, settings: Settings) -> AsyncIterator[Desk]:
    """The running server's desk, or the desk on its database while no server runs."""
    keys = load_keys(home)
    home.ensure()
    console = Endpoint(
        "console",
        home.run,
        Database(home.role("server") / "console.db"),
        bus_identity(keys.identity),
        SystemClock(),
    )
    try:
        remote = console.face("server", SiteDesk, _CALL_LIMIT_S)
        try:
            is_running = await remote.here()
        except AppError as error:
            if error.kind is not ErrorKind.UNAVAILABLE:
                raise
            is_running = False
        if is_running:
            yield Desk(remote)
        else:
            async with open_site(home, settings) as site:
                yield Desk(LocalDesk(site))
    finally:
        await console.stop()


def _line(camera: Camera, state: str) -> CameraLine:
    return CameraLine(camera.channel_id, camera.name, camera.main.address, state)
