"""The list of channels, and adding, changing, removing and trying cameras."""

import asyncio
import base64
from dataclasses import replace
from uuid import UUID

from fastapi import Request
from pydantic import SecretStr
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.channels import ChannelBook
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.ports import ProbeAnswer
from civiscope.api.probe import source_of
from civiscope.api.shapes import CameraBody, CameraChange, ProbeBody
from civiscope.base import AppError, ChannelId, ErrorKind
from civiscope.devices import CameraDraft, Transport, parse_address, stream_address_of
from civiscope.media import TrackConfig
from civiscope.privacy import Function
from civiscope.security import AuditEntry, Outcome, Permission, Secret, authorise_on

_PROBE_PURPOSE = "installation"
"""The register's purpose for which a camera is tried; a site without it tries cameras without a picture."""


class CameraCalls:
    """Handlers of `/channels` and `/cameras`; each change leaves an audit entry."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._book = ChannelBook(faces.devices, faces.streams)
        self._probes = asyncio.Semaphore(faces.settings.probes_at_once)

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/channels", Permission.CHANNEL_LIST, self.channels, scoped=True),
            Call("POST", "/cameras/probe", Permission.CAMERA_ADD, self.probe_camera),
            Call("POST", "/cameras", Permission.CAMERA_ADD, self.add_camera, 201, {409: "Already there."}),
            Call("POST", "/cameras/{channel_id}/restore", Permission.CAMERA_ADD, self.restore_camera),
            Call("PATCH", "/cameras/{channel_id}", Permission.CAMERA_EDIT, self.change_camera, scoped=True),
            Call(
                "DELETE",
                "/cameras/{channel_id}",
                Permission.CAMERA_REMOVE,
                self.remove_camera,
                204,
                raw=True,
                scoped=True,
            ),
        ]

    async def channels(self, request: Request, *, removed: bool = False) -> list[dict[str, object]]:
        """The channels one may see with the state of their recording; or those that were removed."""
        return await self._book.all(visitor_of(request).principal, removed=removed)

    async def probe_camera(self, request: Request, body: ProbeBody) -> dict[str, object]:
        """Open a camera once, without storing anything, and show what it sends."""
        if self._probes.locked():
            raise AppError(
                ErrorKind.EXHAUSTED, "Other cameras are being tried just now. Try again in a moment."
            )
        address = stream_address_of(_draft("probe", body, audio=True))
        details: dict[str, object] = {"address": parse_address(body.address).address.shown}
        async with self._probes:
            try:
                found = await self._faces.prober.probe(source_of(address))
            except AppError as error:
                failed = details | {"kind": error.kind.value}
                await self._note(request, "camera.probe", "camera", failed, Outcome.FAILED)
                raise
        is_shown = found.picture_jpeg is not None and await self._may_see(request, address.channel_id)
        await self._note(request, "camera.probe", "camera", details | {"picture": is_shown})
        return _probed(found if is_shown else replace(found, picture_jpeg=None))

    async def _may_see(self, request: Request, channel_id: ChannelId) -> bool:
        """A probe's picture is for the purpose of installing, and for whom the register permits that now."""
        principal = visitor_of(request).principal
        try:
            await self._faces.purposes.check(principal, _PROBE_PURPOSE, Function.LIVE, channel_id)
        except AppError as error:
            if error.kind is not ErrorKind.DENIED:
                raise
            return False
        return True

    async def add_camera(self, request: Request, body: CameraBody) -> dict[str, object]:
        """Add a camera; it is recorded from now on."""
        camera = await self._faces.devices.add_camera(_draft(body.name, body, audio=body.audio))
        await self._note(request, "camera.add", str(camera.channel_id), {"address": camera.main.address})
        return await self._book.one(camera)

    async def change_camera(
        self, request: Request, channel_id: UUID, body: CameraChange
    ) -> dict[str, object]:
        """Rename a camera, or switch its sound."""
        authorise_on(visitor_of(request).principal, Permission.CAMERA_EDIT, ChannelId(channel_id))
        camera = await self._faces.devices.edit_camera(
            ChannelId(channel_id), name=body.name, audio=body.audio
        )
        await self._note(request, "camera.edit", str(camera.channel_id), body.model_dump(exclude_none=True))
        return await self._book.one(camera)

    async def remove_camera(self, request: Request, channel_id: UUID) -> Response:
        """Stop recording a camera and take it off the lists; its recordings stay until their time is over."""
        authorise_on(visitor_of(request).principal, Permission.CAMERA_REMOVE, ChannelId(channel_id))
        camera = await self._faces.devices.remove_camera(ChannelId(channel_id))
        await self._note(request, "camera.remove", str(camera.channel_id), {})
        return Response(status_code=204)

    async def restore_camera(self, request: Request, channel_id: UUID) -> dict[str, object]:
        """Bring a removed camera back; it is recorded from now on."""
        camera = await self._faces.devices.restore_camera(ChannelId(channel_id))
        await self._note(request, "camera.restore", str(camera.channel_id), {})
        return await self._book.one(camera)

    async def _note(
        self,
        request: Request,
        what: str,
        target: str,
        details: dict[str, object],
        outcome: Outcome = Outcome.DONE,
    ) -> None:
        await self._faces.audit.append(
            AuditEntry(
                who=visitor_of(request).principal,
                what=what,
                object=target,
                why=_PROBE_PURPOSE if what == "camera.probe" else "",
                outcome=outcome,
                from_where=where_from(request),
                details=details,
            )
        )


def _draft(name: str, body: ProbeBody, *, audio: bool) -> CameraDraft:
    return CameraDraft(
        name=name,
        address=body.address,
        username=body.username,
        password=_secret(body.password),
        transport=Transport(body.transport),
        audio=audio,
        tls_fingerprint=body.tls_fingerprint,
    )


def _probed(found: ProbeAnswer) -> dict[str, object]:
    picture = found.picture_jpeg
    return {
        "tracks": [_track(track) for track in found.tracks],
        "picture_jpeg_base64": None if picture is None else base64.b64encode(picture).decode(),
        "took_ms": found.took_ms,
        "transport": found.transport.value,
        "sends_password_in_clear": found.sends_password_in_clear,
    }


def _track(track: TrackConfig) -> dict[str, object]:
    return {
        "kind": track.kind.value,
        "codec": track.codec.value,
        "width_px": track.width_px or None,
        "height_px": track.height_px or None,
        "sample_rate_hz": track.sample_rate_hz or None,
        "channel_count": track.channel_count or None,
    }


def _secret(word: SecretStr | None) -> Secret | None:
    return None if word is None else Secret(word.get_secret_value())
