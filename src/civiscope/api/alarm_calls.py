"""Alarms at the door: the list, one with its history, and what a person does with it."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, WebSocket

from civiscope.alarms import Act, Alarm, AlarmId, AlarmQuery
from civiscope.api.alarm_shapes import (
    ActBody,
    AlarmsAsked,
    CloseBody,
    ForwardBody,
    NoteBody,
    ParkBody,
    alarm_shape,
    counts_shape,
    history_shape,
)
from civiscope.api.alarm_socket import AlarmSocket
from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import Guard, visitor_of, where_from
from civiscope.api.neighbours import neighbours_of
from civiscope.api.ones_own import named_channels
from civiscope.base import ChannelId, PrincipalId
from civiscope.security import Permission, Principal, channels_with

_HANDLE = Permission.ALARM_HANDLE


class AlarmCalls:
    """Handlers of `/alarms`; the room asks for the permission again, per channel."""

    def __init__(self, faces: Faces, guard: Guard) -> None:
        self._alarms = faces.alarms
        self._devices = faces.devices
        self._faces = faces
        self._guard = guard
        self._stopping = asyncio.Event()

    def calls(self) -> list[Call]:
        """The rows of the table."""
        one, stale = "/alarms/{alarm_id}", {409: "Changed in between, or not possible in its state."}
        return [
            Call("GET", "/alarms", _HANDLE, self.alarms, scoped=True),
            Call("GET", "/alarms/counts", _HANDLE, self.alarm_counts, scoped=True),
            Call("GET", one, _HANDLE, self.alarm, scoped=True),
            Call("GET", f"{one}/people", _HANDLE, self.alarm_people, scoped=True),
            Call("POST", f"{one}/claim", _HANDLE, self.claim_alarm, 200, stale, scoped=True),
            Call("POST", f"{one}/forward", _HANDLE, self.forward_alarm, 200, stale, scoped=True),
            Call("POST", f"{one}/park", _HANDLE, self.park_alarm, 200, stale, scoped=True),
            Call("POST", f"{one}/close", _HANDLE, self.close_alarm, 200, stale, scoped=True),
            Call("POST", f"{one}/note", _HANDLE, self.note_alarm, 200, stale, scoped=True),
        ]

    async def alarms(self, request: Request, asked: Annotated[AlarmsAsked, Query()]) -> dict[str, object]:
        """One's alarms, newest first, and where to go on."""
        principal = visitor_of(request).principal
        channels = frozenset(await named_channels(self._devices, principal, _HANDLE, asked.channel))
        before = None if asked.before is None else AlarmId(asked.before)
        query = AlarmQuery(frozenset(asked.state), channels, asked.limit, before)
        page = await self._alarms.page(query, principal)
        following = None if page.next is None else str(page.next)
        return {"alarms": [alarm_shape(alarm) for alarm in page.alarms], "next": following}

    async def alarm_counts(self, request: Request) -> dict[str, int]:
        """How many of one's alarms stand how, and how fast they come."""
        return counts_shape(await self._alarms.counts(visitor_of(request).principal))

    async def alarm(self, request: Request, alarm_id: UUID) -> dict[str, object]:
        """One alarm with its history, and the cameras beside its own."""
        principal = visitor_of(request).principal
        return await self._whole(await self._alarms.alarm(AlarmId(alarm_id), principal), principal)

    async def alarm_people(self, request: Request, alarm_id: UUID) -> list[dict[str, str]]:
        """Who else could take the alarm, by name: everybody who may handle it at this moment."""
        principal = visitor_of(request).principal
        alarm = await self._alarms.alarm(AlarmId(alarm_id), principal)
        accounts = self._faces.accounts
        others = [one for one in await accounts.users() if one.disabled_us is None and one.id != principal.id]
        return [
            {"id": str(one.id), "name": one.name}
            for one in others
            if _may_handle(await accounts.people.sight_of(one.id), alarm)
        ]

    async def claim_alarm(self, request: Request, alarm_id: UUID, body: ActBody) -> dict[str, object]:
        """Take it in hand, also from another."""
        return alarm_shape(await self._alarms.claim(_act(request, alarm_id, body)))

    async def forward_alarm(self, request: Request, alarm_id: UUID, body: ForwardBody) -> dict[str, object]:
        """Put it into another person's hands."""
        act = _act(request, alarm_id, body)
        return alarm_shape(await self._alarms.forward(act, PrincipalId(body.to_user_id)))

    async def park_alarm(self, request: Request, alarm_id: UUID, body: ParkBody) -> dict[str, object]:
        """Lay it aside until a moment."""
        return alarm_shape(await self._alarms.park(_act(request, alarm_id, body), body.until_us))

    async def close_alarm(self, request: Request, alarm_id: UUID, body: CloseBody) -> dict[str, object]:
        """Be done with it, for a reason."""
        return alarm_shape(await self._alarms.close(_act(request, alarm_id, body), body.reason))

    async def note_alarm(self, request: Request, alarm_id: UUID, body: NoteBody) -> dict[str, object]:
        """Write something down."""
        return alarm_shape(await self._alarms.note(_act(request, alarm_id, body)))

    async def live(self, socket: WebSocket) -> None:
        """`WS /alarms/live`: from accepting to closing."""
        await AlarmSocket(socket, self._faces, self._guard).run(self._stopping)

    def stop(self) -> None:
        """Close live sockets with 1013."""
        self._stopping.set()

    async def _whole(self, alarm: Alarm, principal: Principal) -> dict[str, object]:
        rows = await self._alarms.history(alarm.id, principal)
        near: list[ChannelId] = []
        if alarm.channel_id is not None:
            seen = channels_with(principal, Permission.CHANNEL_LIST)
            near = neighbours_of(alarm.channel_id, await self._devices.cameras(), seen)
        shown: dict[str, object] = alarm_shape(alarm)
        return shown | {
            "history": [history_shape(row) for row in rows],
            "neighbours": [str(one) for one in near],
        }


def _may_handle(person: Principal, alarm: Alarm) -> bool:
    held = channels_with(person, _HANDLE)
    return held is None or alarm.channel_id in held


def _act(request: Request, alarm_id: UUID, body: ActBody | NoteBody) -> Act:
    principal = visitor_of(request).principal
    return Act(AlarmId(alarm_id), body.version, principal, body.note, where_from(request))
