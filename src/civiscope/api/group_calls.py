"""The tree of groups: made, renamed, moved, removed."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.device_answers import group_answer
from civiscope.api.device_shapes import GroupBody, GroupChange
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.devices import KEEP, Group, GroupId
from civiscope.security import AuditEntry, Permission


class GroupCalls:
    """Handlers of `/groups`; groups are the site's, so changing them needs the right on the whole site."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._groups = faces.devices.groups

    def calls(self) -> list[Call]:
        """The rows of the table."""
        edit = Permission.CAMERA_EDIT
        return [
            Call("GET", "/groups", Permission.CHANNEL_LIST, self.groups, scoped=True),
            Call("POST", "/groups", edit, self.add_group, 201, {409: "Already there."}),
            Call("PATCH", "/groups/{group_id}", edit, self.change_group),
            Call("DELETE", "/groups/{group_id}", edit, self.remove_group, 204, raw=True),
        ]

    async def groups(self) -> list[dict[str, object]]:
        """Every group; a parent may come after its child."""
        return [group_answer(one) for one in await self._groups.all()]

    async def add_group(self, request: Request, body: GroupBody) -> dict[str, object]:
        """Make a group."""
        parent = None if body.parent_id is None else GroupId(body.parent_id)
        group = await self._groups.add(body.name, parent)
        await self._note(request, "group.add", group)
        return group_answer(group)

    async def change_group(self, request: Request, group_id: UUID, body: GroupChange) -> dict[str, object]:
        """Rename or move a group."""
        parent = None if body.parent_id is None else GroupId(body.parent_id)
        group = await self._groups.edit(
            GroupId(group_id),
            name=body.name,
            parent_id=parent if "parent_id" in body.model_fields_set else KEEP,
        )
        await self._note(request, "group.edit", group)
        return group_answer(group)

    async def remove_group(self, request: Request, group_id: UUID) -> Response:
        """Remove a group; what hung on it hangs on its parent."""
        await self._note(request, "group.remove", await self._groups.remove(GroupId(group_id)))
        return Response(status_code=204)

    async def _note(self, request: Request, what: str, group: Group) -> None:
        details: dict[str, object] = {
            "name": group.name,
            "parent": None if group.parent_id is None else str(group.parent_id),
        }
        who = visitor_of(request).principal
        await self._faces.audit.append(
            AuditEntry(who, what, str(group.id), from_where=where_from(request), details=details)
        )
