"""The list of channels, and adding, changing, removing and trying cameras."""

import base64
from collections.abc import Sequence
from dataclasses import asdict, replace
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.channels import ChannelBook
from civiscope.api.device_answers import track_answer
from civiscope.api.device_shapes import CameraChange, ChannelsChange, PlaceChange, TryBody, secret_of
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.ports import ProbeAnswer
from civiscope.api.probe import source_of
from civiscope.api.shapes import CameraBody, ProbeBody
from civiscope.api.trial import INSTALLATION, Trials
from civiscope.base import AppError, ChannelId, ErrorKind
from civiscope.devices import CameraDraft, Transport, parse_address, stream_address_of
from civiscope.security import AuditEntry, Outcome, Permission, authorise_on, channels_with


class CameraCalls:
    """Handlers of `/channels` and `/cameras`; each change leaves an audit entry."""

    def __init__(self, faces: Faces, trials: Trials) -> None:
        self._faces = faces
        self._book = ChannelBook(faces.devices, faces.streams)
        self._trials = trials

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/channels", Permission.CHANNEL_LIST, self.channels, scoped=True),
            Call("PATCH", "/channels", Permission.CAMERA_EDIT, self.change_channels, scoped=True),
            Call("POST", "/cameras/probe", Permission.CAMERA_ADD, self.probe_camera),
            Call("POST", "/cameras", Permission.CAMERA_ADD, self.add_camera, 201, {409: "Already there."}),
            Call("POST", "/cameras/{channel_id}/restore", Permission.CAMERA_ADD, self.restore_camera),
            Call("PATCH", "/cameras/{channel_id}", Permission.CAMERA_EDIT, self.change_camera, scoped=True),
            Call(
                "POST",
                "/cameras/{channel_id}/replace",
                Permission.CAMERA_EDIT,
                self.replace_camera,
                answers={409: "Already there.", 422: "The device cannot be asked: error.trouble says why."},
                scoped=True,
            ),
            Call(
                "GET", "/cameras/{channel_id}/bindings", Permission.CHANNEL_LIST, self.bindings, scoped=True
            ),
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
        folders = self._faces.devices.import_folders
        address = stream_address_of(_draft("probe", body, audio=True), folders)
        details: dict[str, object] = {"address": parse_address(body.address).address.shown}
        async with self._trials.slot():
            try:
                found = await self._faces.prober.probe(source_of(address))
            except AppError as error:
                failed = details | {"kind": error.kind.value}
                await self._note(request, "camera.probe", "camera", failed, Outcome.FAILED)
                raise
        is_shown = found.picture_jpeg is not None and await self._trials.may_see(request)
        await self._note(request, "camera.probe", "camera", details | {"picture": is_shown})
        return _probed(found if is_shown else replace(found, picture_jpeg=None))

    async def add_camera(self, request: Request, body: CameraBody) -> dict[str, object]:
        """Add a camera; it is recorded from now on."""
        camera = await self._faces.devices.add_camera(_draft(body.name, body, audio=body.audio))
        await self._note(request, "camera.add", str(camera.channel_id), {"address": camera.main.address})
        return await self._book.one(camera)

    async def change_camera(
        self, request: Request, channel_id: UUID, body: CameraChange
    ) -> dict[str, object]:
        """Rename a camera, say where it hangs and why, put it into a group, or switch its sound."""
        authorise_on(visitor_of(request).principal, Permission.CAMERA_EDIT, ChannelId(channel_id))
        await self._refuse_moving(request, [ChannelId(channel_id)], body)
        await self._trials.refuse_unknown_purposes([body.purpose])
        (camera,) = await self._faces.devices.change_cameras([ChannelId(channel_id)], body.change())
        details = body.model_dump(mode="json", exclude_unset=True)
        await self._note(request, "camera.edit", str(camera.channel_id), details)
        return await self._book.one(camera)

    async def change_channels(self, request: Request, body: ChannelsChange) -> dict[str, object]:
        """The same change for several cameras, or for none of them."""
        principal, ids = visitor_of(request).principal, [ChannelId(one) for one in dict.fromkeys(body.ids)]
        for channel_id in ids:
            authorise_on(principal, Permission.CAMERA_EDIT, channel_id)
        await self._refuse_moving(request, ids, body.change)
        await self._trials.refuse_unknown_purposes([body.change.purpose])
        cameras = await self._faces.devices.change_cameras(ids, body.change.change())
        details, where = body.change.model_dump(mode="json", exclude_unset=True), where_from(request)
        entries = [
            AuditEntry(principal, "camera.edit", str(one.channel_id), from_where=where, details=details)
            for one in cameras
        ]
        await self._faces.audit.transact(lambda _, writer: [writer.append(entry) for entry in entries])
        return {"changed": len(cameras)}

    async def replace_camera(self, request: Request, channel_id: UUID, body: TryBody) -> dict[str, object]:
        """Put another device behind a camera; its history, name and rights stay."""
        channel = ChannelId(channel_id)
        authorise_on(visitor_of(request).principal, Permission.CAMERA_EDIT, channel)
        await self._faces.devices.camera(channel)
        asked = await self._trials.ask(request, body.draft())
        assert asked.told is not None  # a trouble was raised
        camera = await self._faces.devices.replace(channel, asked.draft, asked.told, body.input)
        details: dict[str, object] = {"address": camera.main.address, "device": str(camera.device_id)}
        await self._note(request, "camera.replace", str(camera.channel_id), details)
        return await self._book.one(camera)

    async def bindings(self, request: Request, channel_id: UUID) -> list[dict[str, object]]:
        """Which device watched here, and when; oldest first."""
        channel = ChannelId(channel_id)
        authorise_on(visitor_of(request).principal, Permission.CHANNEL_LIST, channel)
        await self._faces.devices.camera(channel)
        return [
            {**asdict(one), "device_id": str(one.device_id), "channel_id": str(one.channel_id)}
            for one in await self._faces.devices.bindings(channel)
        ]

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

    async def _refuse_moving(self, request: Request, ids: Sequence[ChannelId], change: PlaceChange) -> None:
        """Rights hang on groups: who moves a camera between them gives and takes rights, one's own too."""
        held = channels_with(visitor_of(request).principal, Permission.CAMERA_EDIT)
        if held is None or "group_id" not in change.model_fields_set:
            return
        for channel_id in ids:
            if (await self._faces.devices.camera(channel_id)).group_id != change.group_id:
                raise AppError(
                    ErrorKind.DENIED,
                    "Groups say who sees a camera, so moving one to another group needs the permission "
                    "camera.edit on the whole site. Ask an administrator of this site to move it.",
                )

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
                why=INSTALLATION if what == "camera.probe" else "",
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
        password=secret_of(body.password),
        transport=Transport(body.transport),
        audio=audio,
        tls_fingerprint=body.tls_fingerprint,
    )


def _probed(found: ProbeAnswer) -> dict[str, object]:
    picture = found.picture_jpeg
    return {
        "tracks": [track_answer(track) for track in found.tracks],
        "picture_jpeg_base64": None if picture is None else base64.b64encode(picture).decode(),
        "took_ms": found.took_ms,
        "transport": found.transport.value,
        "sends_password_in_clear": found.sends_password_in_clear,
    }
