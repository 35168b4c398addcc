"""Notifiers, targets and what became of messages."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.notify_shapes import DeliveriesAsked, TargetBody
from civiscope.notify import Delivery, NotifierInfo, Target, TargetId
from civiscope.security import Permission


class TargetCalls:
    """Handlers of `/notifiers`, `/targets` and `/deliveries`; no answer ever holds a secret."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._notify = faces.notify

    def calls(self) -> list[Call]:
        """The rows of the table."""
        manage, wrong = Permission.SYSTEM_MANAGE, {409: "Already there.", 422: "error.fields says which."}
        return [
            Call("GET", "/notifiers", manage, self.notifiers),
            Call("GET", "/targets", manage, self.targets),
            Call("POST", "/targets", manage, self.add_target, 201, wrong),
            Call("PUT", "/targets/{target_id}", manage, self.change_target, 200, wrong),
            Call("DELETE", "/targets/{target_id}", manage, self.remove_target, 204, raw=True),
            Call("POST", "/targets/{target_id}/test", manage, self.test_target),
            Call("GET", "/deliveries", manage, self.deliveries),
        ]

    async def notifiers(self) -> list[dict[str, object]]:
        """Every notifier with its form, those too that may not or do not load."""
        return [_notifier(one) for one in await self._notify.notifiers()]

    async def targets(self) -> list[dict[str, object]]:
        """Every target."""
        return [_target(one) for one in await self._notify.targets()]

    async def add_target(self, request: Request, body: TargetBody) -> dict[str, object]:
        """Keep a new target."""
        who = visitor_of(request).principal
        return _target(await self._notify.add(body.draft(), who, where_from(request)))

    async def change_target(self, request: Request, target_id: UUID, body: TargetBody) -> dict[str, object]:
        """Replace a target; secrets that are null stay."""
        who = visitor_of(request).principal
        return _target(await self._notify.edit(TargetId(target_id), body.draft(), who, where_from(request)))

    async def remove_target(self, request: Request, target_id: UUID) -> Response:
        """Forget a target; what waits for it has failed."""
        await self._notify.remove(TargetId(target_id), visitor_of(request).principal, where_from(request))
        return Response(status_code=204)

    async def test_target(self, request: Request, target_id: UUID) -> dict[str, object]:
        """Send a test message; what became of it, within 10 s."""
        found = await self._notify.test(
            TargetId(target_id), self._faces.site.name, visitor_of(request).principal, where_from(request)
        )
        return {"ok": found.ok, "words": found.words}

    async def deliveries(self, asked: Annotated[DeliveriesAsked, Query()]) -> dict[str, object]:
        """What was sent, has failed, or waits; newest first."""
        page = await self._notify.deliveries(asked.query())
        return {"deliveries": [_delivery(one) for one in page.deliveries], "next": page.next}


def _notifier(one: NotifierInfo) -> dict[str, object]:
    return {
        "name": one.name, "title": one.title, "settings_schema": dict(one.settings_schema),
        "state": one.state, "why": one.why,
    }  # fmt: skip


def _target(one: Target) -> dict[str, object]:
    return {
        "id": str(one.id), "name": one.name, "notifier": one.notifier, "settings": dict(one.settings),
        "is_escalation": one.is_escalation, "is_on": one.is_on,
    }  # fmt: skip


def _delivery(one: Delivery) -> dict[str, object]:
    return {
        "id": str(one.id), "target_id": str(one.target_id), "at_us": one.at_us, "state": one.state.value,
        "attempts": one.attempts, "next_us": one.next_us, "why": one.why, "subject": one.subject,
    }  # fmt: skip
