"""When a channel is recorded, and recording it now."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.people_answers import profile_answer
from civiscope.api.people_shapes import ProfileBody
from civiscope.base import AppError, ChannelId, ErrorKind, Span
from civiscope.devices import POST_LIMIT_S, ROLL_LIMIT_S, Camera, ChannelChange, RecordingPolicy, RecordMode
from civiscope.security import AuditEntry, Permission, TimeProfile, WeeklySpan, authorise_on

_SECOND_US = 1_000_000
_Before = Annotated[float, Field(ge=0, le=ROLL_LIMIT_S, allow_inf_nan=False)]
_After = Annotated[float, Field(ge=1, le=POST_LIMIT_S, allow_inf_nan=False)]


class RecordingBody(BaseModel):
    """When a channel is recorded; `hours` belong to the mode `schedule`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    mode: Annotated[RecordMode, Field(strict=False)]
    hours: ProfileBody | None = None
    pre_roll_s: _Before = 5.0
    post_roll_s: _After = 20.0

    def policy(self) -> RecordingPolicy:
        """As the register takes it."""
        hours = self.hours
        spans = () if hours is None else hours.spans
        week = tuple(WeeklySpan(one.weekday, one.from_minute, one.to_minute) for one in spans)
        profile = None if hours is None else TimeProfile(hours.name, week)
        return RecordingPolicy(self.mode, profile, self.pre_roll_s, self.post_roll_s)


class RecordNowBody(BaseModel):
    """For how long."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    seconds: Annotated[float, Field(ge=1, le=3_600, allow_inf_nan=False)] = 60.0


class RecordingCalls:
    """Handlers of `/channels/{id}/recording` and `/channels/{id}/record`; changes and orders are audited."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def calls(self) -> list[Call]:
        """The rows of the table."""
        path, edit = "/channels/{channel_id}/recording", Permission.CAMERA_EDIT
        return [
            Call("GET", path, Permission.CHANNEL_LIST, self.recording, scoped=True),
            Call("PUT", path, edit, self.change_recording, scoped=True),
            Call(
                "POST",
                "/channels/{channel_id}/record",
                Permission.EVIDENCE_HOLD,
                self.record_now,
                answers={503: "The recorder is away."},
                scoped=True,
            ),
        ]

    async def recording(self, request: Request, channel_id: UUID) -> dict[str, object]:
        """When the channel is recorded."""
        return _answer((await self._camera(request, channel_id, Permission.CHANNEL_LIST)).recording)

    async def change_recording(
        self, request: Request, channel_id: UUID, body: RecordingBody
    ) -> dict[str, object]:
        """Record it at other times from now on."""
        camera = await self._camera(request, channel_id, Permission.CAMERA_EDIT)
        change = ChannelChange(recording=body.policy())
        (changed,) = await self._faces.devices.change_cameras([camera.channel_id], change)
        await self._note(request, camera, "recording.configure", body)
        return _answer(changed.recording)

    async def record_now(self, request: Request, channel_id: UUID, body: RecordNowBody) -> dict[str, object]:
        """Record it now, with what memory holds of the seconds before, whatever its mode."""
        camera = await self._camera(request, channel_id, Permission.EVIDENCE_HOLD)
        now_us = self._faces.clock.now_us()
        before_us = round(camera.recording.pre_roll_s * _SECOND_US)
        until_us = now_us + round(body.seconds * _SECOND_US)
        await self._faces.recordings.record_span(camera.channel_id, Span(now_us - before_us, until_us))
        await self._note(request, camera, "recording.now", body)
        return {"until_us": until_us}

    async def _camera(self, request: Request, channel_id: UUID, permission: Permission) -> Camera:
        authorise_on(visitor_of(request).principal, permission, ChannelId(channel_id))
        camera = await self._faces.devices.camera(ChannelId(channel_id))
        if camera.removed_us is not None:
            raise AppError(ErrorKind.MISSING, f"The camera “{camera.name}” was removed. Restore it first.")
        return camera

    async def _note(self, request: Request, camera: Camera, action: str, body: BaseModel) -> None:
        principal, where = visitor_of(request).principal, where_from(request)
        details = body.model_dump(mode="json")
        entry = AuditEntry(principal, action, str(camera.channel_id), from_where=where, details=details)
        await self._faces.audit.transact(lambda _, writer: writer.append(entry))


def _answer(policy: RecordingPolicy) -> dict[str, object]:
    return {
        "mode": policy.mode.value,
        "hours": None if policy.hours is None else profile_answer(policy.hours),
        "pre_roll_s": policy.pre_roll_s,
        "post_roll_s": policy.post_roll_s,
    }
