"""Rules on the page: written, tried on what happened, removed; and the actions they may order."""

import asyncio
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.event_shapes import span_of
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.rule_shapes import DryRunBody, RuleBody, action_shape, dry_run_shape, rule_shape
from civiscope.rules import Rule, RuleDraft, RuleError, RuleId
from civiscope.security import Permission


class RuleCalls:
    """Handlers of `/rules`; rules are the site's, so these need the right on the whole site."""

    def __init__(self, faces: Faces) -> None:
        self._rules = faces.rules
        self._devices = faces.devices

    def calls(self) -> list[Call]:
        """The rows of the table."""
        read, manage = Permission.RULE_READ, Permission.RULE_MANAGE
        return [
            Call("GET", "/rules", read, self.rules),
            Call("GET", "/rules/actions", read, self.rule_actions),
            Call("POST", "/rules/dry-run", read, self.dry_run_rule),
            Call("GET", "/rules/{rule_id}", read, self.rule),
            Call("POST", "/rules", manage, self.add_rule, 201),
            Call("PUT", "/rules/{rule_id}", manage, self.edit_rule),
            Call("DELETE", "/rules/{rule_id}", manage, self.remove_rule, 204, raw=True),
        ]

    async def rules(self) -> list[dict[str, object]]:
        """Every rule, in the order of making."""
        troubles = await self._rules.troubles()
        return [rule_shape(rule, troubles.get(rule.id, "")) for rule in self._rules.all()]

    async def rule(self, rule_id: UUID) -> dict[str, object]:
        """One rule."""
        return await self._shape(self._rules.rule(RuleId(rule_id)))

    async def rule_actions(self) -> list[dict[str, object]]:
        """The actions that are installed, with the schema of their settings."""
        infos = await asyncio.to_thread(self._rules.shelf.infos)
        return [action_shape(info) for info in infos]

    async def dry_run_rule(self, request: Request, body: DryRunBody) -> dict[str, object]:
        """What a rule would have done with the events of a time; nothing is done."""
        span = span_of(body.from_us, body.to_us)
        run = await self._rules.dry_run(body.rule.draft(), span, visitor_of(request).principal)
        return dry_run_shape(run)

    async def add_rule(self, request: Request, body: RuleBody) -> dict[str, object]:
        """Write a rule."""
        draft = await self._known(body.draft())
        visitor = visitor_of(request)
        return await self._shape(await self._rules.add(draft, visitor.principal, where_from(request)))

    async def edit_rule(self, request: Request, rule_id: UUID, body: RuleBody) -> dict[str, object]:
        """Write the next version of a rule."""
        self._rules.rule(RuleId(rule_id))
        draft = await self._known(body.draft())
        visitor = visitor_of(request)
        rule = await self._rules.edit(RuleId(rule_id), draft, visitor.principal, where_from(request))
        return await self._shape(rule)

    async def remove_rule(self, request: Request, rule_id: UUID) -> Response:
        """Remove a rule; its versions and firings stay on record."""
        await self._rules.remove(RuleId(rule_id), visitor_of(request).principal, where_from(request))
        return Response(status_code=204)

    async def _shape(self, rule: Rule) -> dict[str, object]:
        return rule_shape(rule, (await self._rules.troubles()).get(rule.id, ""))

    async def _known(self, draft: RuleDraft) -> RuleDraft:
        """RuleError for cameras and groups that are not there."""
        places = draft.at
        if places.channels:
            cameras = {camera.channel_id for camera in await self._devices.cameras()}
            if not places.channels <= cameras:
                raise RuleError({"at": "One of the cameras is not there any more. Reload the list."})
        if places.groups:
            groups = {group.id for group in await self._devices.groups.all()}
            if not places.groups <= groups:
                raise RuleError({"at": "One of the groups is not there any more. Reload the list."})
        return draft
