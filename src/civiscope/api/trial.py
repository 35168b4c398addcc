"""A device tried for somebody at the door: bounded, written in the audit, its picture only by permit."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from civiscope.api.device_answers import shown
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.ports import Prober
from civiscope.api.probe import source_of
from civiscope.base import AppError, ChannelId, ErrorKind, new_id
from civiscope.devices import (
    Adding,
    AskedDevice,
    DeviceDraft,
    OpenedStream,
    StreamAddress,
    Transport,
    TriedDevice,
    Trouble,
    TroubleError,
    TroubleReport,
)
from civiscope.privacy import Function
from civiscope.security import AuditEntry, Outcome

INSTALLATION = "installation"
"""The register's purpose for which a device is tried; a site without it tries devices without a picture."""


@dataclass(frozen=True, slots=True)
class ProbedStreams:
    """`StreamOpener` on the prober."""

    prober: Prober

    async def open(self, stream: StreamAddress, limit_s: float) -> OpenedStream:
        """What the stream shows; every failure is a trouble."""
        try:
            found = await self.prober.probe(source_of(stream), limit_s)
        except TroubleError:
            raise
        except AppError as error:
            raise TroubleError(TroubleReport(Trouble.STREAM, error.message, "")) from error
        return OpenedStream(
            found.tracks, found.picture_jpeg, Transport(found.transport.value), found.sends_password_in_clear
        )


class Trials:
    """Tries devices, a few at once; more are refused with EXHAUSTED."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._slots = asyncio.Semaphore(faces.settings.probes_at_once)
        self._adding = Adding(
            faces.drivers, ProbedStreams(faces.prober), faces.clock, faces.devices.import_folders
        )

    async def ask(self, request: Request, draft: DeviceDraft) -> AskedDevice:
        """What the device tells of itself; `TroubleError`, and a trace of it, when it cannot be asked."""
        async with self.slot():
            asked = await self._adding.ask(draft)
        if asked.trouble is not None:
            tried = TriedDevice(asked, opened=None, trouble=asked.trouble, cautions=(), took_ms=0)
            await self.note(request, tried, has_picture=False)
            raise TroubleError(asked.trouble)
        return asked

    async def try_device(self, draft: DeviceDraft, index: int = 0) -> TriedDevice:
        """Ask it and open its main stream; the caller writes the audit entry (`picture` or `note`)."""
        async with self.slot():
            return await self._adding.try_device(draft, index)

    async def picture(self, request: Request, tried: TriedDevice) -> bytes | None:
        """The picture for who may see it now; writes the trial into the audit."""
        picture = None if tried.opened is None else tried.opened.picture_jpeg
        if picture is not None and not await self.may_see(request):
            picture = None
        await self.note(request, tried, has_picture=picture is not None)
        return picture

    async def may_see(self, request: Request) -> bool:
        """A trial's picture is for the purpose of installing, and for whom the register permits that now."""
        principal, anywhere = visitor_of(request).principal, ChannelId(new_id())
        try:
            await self._faces.purposes.check(principal, INSTALLATION, Function.LIVE, anywhere)
        except AppError as error:
            if error.kind is not ErrorKind.DENIED:
                raise
            return False
        return True

    async def note(self, request: Request, tried: TriedDevice, *, has_picture: bool) -> None:
        """Whoever tries addresses one after the other leaves a trace, also where nothing answers."""
        details: dict[str, object] = {"address": shown(tried.asked.draft.address)}
        if tried.trouble is None:
            details["picture"] = has_picture
        else:
            details["trouble"] = tried.trouble.trouble.value
        entry = AuditEntry(
            who=visitor_of(request).principal,
            what="camera.probe",
            object="camera",
            why=INSTALLATION,
            outcome=Outcome.DONE if tried.trouble is None else Outcome.FAILED,
            from_where=where_from(request),
            details=details,
        )
        await self._faces.audit.append(entry)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """One of the few trials at once; EXHAUSTED when all are taken."""
        if self._slots.locked():
            raise AppError(
                ErrorKind.EXHAUSTED, "Other cameras are being tried just now. Try again in a moment."
            )
        async with self._slots:
            yield

    async def refuse_unknown_purposes(self, wanted: Iterable[str | None]) -> None:
        """INVALID for a purpose that the register does not know."""
        asked = {purpose for purpose in wanted if purpose}
        if not asked:
            return
        known = {one.id for one in await self._faces.purposes.purposes()}
        for purpose in sorted(asked - known):
            raise unknown_purpose(purpose)


def unknown_purpose(purpose: str) -> AppError:
    """In words for whoever chose it."""
    return AppError(
        ErrorKind.INVALID, f"The register knows no purpose “{purpose[:64]}”. Choose one of its list."
    )
