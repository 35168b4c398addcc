"""Users as administrators and the data protection officer see them: who may do what, where, when."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.people_answers import grant_answer, session_answer, user_answer
from civiscope.api.people_shapes import GrantBody, UserBody, UserChange
from civiscope.api.sight import Register, sight_answer
from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId
from civiscope.security import (
    PERMISSIONS,
    FactorState,
    GrantDraft,
    GrantId,
    Invitation,
    Permission,
    SessionId,
    TimeProfile,
    WeeklySpan,
)


class PeopleCalls:
    """Handlers of `/users` and `/permissions`."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._accounts = faces.accounts
        self._people = faces.accounts.people

    def calls(self) -> list[Call]:
        """The rows of the table."""
        read, manage = Permission.USER_READ, Permission.USER_MANAGE
        one = "/users/{user_id}"
        return [
            Call("GET", "/permissions", read, self.permissions),
            Call("GET", "/users", read, self.users),
            Call("POST", "/users", manage, self.invite_user, 201, {409: "The name is taken."}),
            Call("PATCH", one, manage, self.change_user, answers={409: "The last administrator."}),
            Call("POST", one + "/invitation", manage, self.invite_again),
            Call("DELETE", one + "/factors", manage, self.remove_factors, 204, raw=True),
            Call("GET", one + "/sessions", manage, self.user_sessions),
            Call("DELETE", one + "/sessions/{session_id}", manage, self.end_session, 204, raw=True),
            Call("GET", one + "/grants", read, self.user_grants),
            Call("POST", one + "/grants", manage, self.grant_role, 201),
            Call("DELETE", one + "/grants/{grant_id}", manage, self.take_role_back, 204, raw=True),
            Call("GET", one + "/sight", read, self.see_as),
        ]

    async def permissions(self) -> list[dict[str, object]]:
        """The table of permissions: what each allows and which roles have it."""
        return [
            {"permission": name.value, "words": grant.words, "roles": sorted(grant.roles)}
            | {"per_channel": grant.per_channel}
            for name, grant in PERMISSIONS.items()
        ]

    async def users(self) -> list[dict[str, object]]:
        """Everybody with an account."""
        sessions = await self._accounts.session_counts()
        return [
            user_answer(one.user, one.factors, sessions.get(one.user.id, 0))
            for one in await self._people.overview()
        ]

    async def invite_user(self, request: Request, body: UserBody) -> dict[str, object]:
        """A new account, with a code by which its person chooses a password."""
        user, invitation = await self._people.invite(
            body.name, body.roles, visitor_of(request).principal, where_from(request)
        )
        return {"user": user_answer(user, FactorState(), 0), "invitation": _invitation(invitation)}

    async def invite_again(self, request: Request, user_id: UUID) -> dict[str, object]:
        """A new code; the present password and all sessions of this person end."""
        invitation = await self._people.invite_again(
            PrincipalId(user_id), visitor_of(request).principal, where_from(request)
        )
        return _invitation(invitation)

    async def change_user(self, request: Request, user_id: UUID, body: UserChange) -> dict[str, object]:
        """Roles on the whole site; shut somebody out, or let them in again."""
        await self._people.change(
            PrincipalId(user_id),
            visitor_of(request).principal,
            where_from(request),
            roles=body.roles,
            disabled=body.disabled,
        )
        sessions = await self._accounts.session_counts()
        found = next(one for one in await self._people.overview() if one.user.id == user_id)
        return user_answer(found.user, found.factors, sessions.get(found.user.id, 0))

    async def remove_factors(self, request: Request, user_id: UUID) -> Response:
        """A lost phone: no code, recovery code or passkey of this person counts; their sessions end."""
        await self._accounts.factors.remove_all(
            PrincipalId(user_id), visitor_of(request).principal, where_from(request)
        )
        return Response(status_code=204)

    async def user_sessions(self, request: Request, user_id: UUID) -> list[dict[str, object]]:
        """Where somebody is signed in."""
        this = visitor_of(request).principal.session_id
        found = await self._accounts.sessions(PrincipalId(user_id))
        return [session_answer(info, is_this=info.id == this) for info in found]

    async def end_session(self, request: Request, user_id: UUID, session_id: UUID) -> Response:
        """Sign somebody out somewhere."""
        await self._accounts.revoke(
            SessionId(session_id), visitor_of(request).principal, where_from(request), PrincipalId(user_id)
        )
        return Response(status_code=204)

    async def user_grants(self, user_id: UUID) -> list[dict[str, object]]:
        """The roles given to somebody on parts of the site, or for a time."""
        return [grant_answer(one) for one in await self._people.grants_of(PrincipalId(user_id))]

    async def grant_role(self, request: Request, user_id: UUID, body: GrantBody) -> dict[str, object]:
        """Give a role on a camera or group, at times of the week, until a day."""
        await self._refuse_unknown_scope(body)
        grant = await self._people.grant(
            PrincipalId(user_id), _draft(body), visitor_of(request).principal, where_from(request)
        )
        return grant_answer(grant)

    async def take_role_back(self, request: Request, user_id: UUID, grant_id: UUID) -> Response:
        """End a role that was given."""
        await self._people.take_back(
            PrincipalId(user_id), GrantId(grant_id), visitor_of(request).principal, where_from(request)
        )
        return Response(status_code=204)

    async def see_as(self, user_id: UUID) -> dict[str, object]:
        """What somebody may do, where and for which purposes at this moment."""
        principal = await self._people.sight_of(PrincipalId(user_id))
        register = Register(
            await self._faces.purposes.purposes(),
            await self._faces.purposes.permits(),
            self._faces.clock.now_us(),
        )
        return sight_answer(principal, await self._faces.devices.cameras(), register)

    async def _refuse_unknown_scope(self, body: GrantBody) -> None:
        if body.channel_id is not None:
            await self._faces.devices.camera(ChannelId(body.channel_id))
        groups = await self._faces.devices.group_channels()
        if body.group_id is not None and body.group_id not in groups:
            raise AppError(ErrorKind.MISSING, "There is no such group: load the list again.")


def _invitation(invitation: Invitation) -> dict[str, object]:
    return {"code": invitation.code.reveal(), "expires_us": invitation.expires_us}


def _draft(body: GrantBody) -> GrantDraft:
    profile = body.profile
    return GrantDraft(
        role=body.role,
        channel_id=None if body.channel_id is None else ChannelId(body.channel_id),
        group_id=body.group_id,
        profile=None
        if profile is None
        else TimeProfile(
            profile.name,
            tuple(WeeklySpan(one.weekday, one.from_minute, one.to_minute) for one in profile.spans),
        ),
        from_us=body.from_us,
        until_us=body.until_us,
    )
