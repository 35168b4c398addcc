"""Cameras that move: where they look, and moving them."""

from uuid import UUID

from fastapi import Request

from civiscope.api.calls import Call
from civiscope.api.device_shapes import SteerBody
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId
from civiscope.devices import Camera, DeviceAddress, PtzMove
from civiscope.security import AuditEntry, Permission, authorise_on

_NOTE_EVERY_US = 10_000_000


class SteerCalls:
    """Handlers of `/cameras/{id}/ptz`; the start of a movement is in the audit, at most one per 10 s."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._noted_us: dict[tuple[PrincipalId, ChannelId], int] = {}

    def calls(self) -> list[Call]:
        """The rows of the table."""
        path, steer = "/cameras/{channel_id}/ptz", Permission.CAMERA_STEER
        return [
            Call("GET", path, steer, self.ptz, scoped=True),
            Call("POST", path, steer, self.steer_camera, scoped=True),
        ]

    async def ptz(self, request: Request, channel_id: UUID) -> dict[str, object]:
        """Where the camera looks, and its stored positions."""
        camera, reach = await self._steerable(request, channel_id)
        return await self._status(camera, reach)

    async def steer_camera(self, request: Request, channel_id: UUID, body: SteerBody) -> dict[str, object]:
        """Move the camera, stop it, send it to a stored position, or store the present one."""
        camera, reach = await self._steerable(request, channel_id)
        drivers = self._faces.drivers
        if body.move is not None:
            await self._note_movement(request, camera, "move")
            move = PtzMove(**body.move.model_dump())
            await drivers.ptz_move(camera.driver, reach, camera.input, move)
        elif body.stop is not None:
            await drivers.ptz_move(camera.driver, reach, camera.input, PtzMove())
        elif body.preset is not None:
            await self._note_movement(request, camera, "preset")
            await drivers.ptz_goto(camera.driver, reach, camera.input, body.preset)
        elif body.keep is not None:
            kept = await drivers.ptz_keep(camera.driver, reach, camera.input, body.keep)
            await self._note(request, camera, {"kept": kept.name})
        return await self._status(camera, reach)

    async def _steerable(self, request: Request, channel_id: UUID) -> tuple[Camera, DeviceAddress]:
        channel = ChannelId(channel_id)
        authorise_on(visitor_of(request).principal, Permission.CAMERA_STEER, channel)
        camera = await self._faces.devices.camera(channel)
        if camera.removed_us is not None:
            raise AppError(ErrorKind.MISSING, f"The camera “{camera.name}” was removed. Restore it first.")
        if not camera.can_steer:
            raise AppError(
                ErrorKind.UNAVAILABLE, f"The camera “{camera.name}” does not move by remote control."
            )
        return camera, await self._faces.devices.book.reach(camera.device_id)

    async def _status(self, camera: Camera, reach: DeviceAddress) -> dict[str, object]:
        status = await self._faces.drivers.ptz_status(camera.driver, reach, camera.input)
        return {
            "pan": status.pan,
            "tilt": status.tilt,
            "zoom": status.zoom,
            "is_moving": status.is_moving,
            "presets": [{"token": one.token, "name": one.name} for one in status.presets],
        }

    async def _note_movement(self, request: Request, camera: Camera, how: str) -> None:
        now_us = self._faces.clock.monotonic_us()
        key = (visitor_of(request).principal.id, camera.channel_id)
        last_us = self._noted_us.get(key)
        if last_us is not None and now_us - last_us < _NOTE_EVERY_US:
            return
        self._noted_us = {
            one: at_us for one, at_us in self._noted_us.items() if now_us - at_us < _NOTE_EVERY_US
        }
        self._noted_us[key] = now_us
        await self._note(request, camera, {"how": how})

    async def _note(self, request: Request, camera: Camera, details: dict[str, object]) -> None:
        entry = AuditEntry(
            visitor_of(request).principal,
            "camera.steer",
            str(camera.channel_id),
            from_where=where_from(request),
            details=details,
        )
        await self._faces.audit.append(entry)
