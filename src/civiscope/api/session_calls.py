"""Signing in and out, the first administrator, and what a signed-in page needs to begin."""

from fastapi import Request
from starlette.responses import JSONResponse, Response

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import (
    Guard,
    Open,
    Visitor,
    clear_session_cookie,
    set_session_cookie,
    visitor_of,
    where_from,
)
from civiscope.api.shapes import SetupBody, SignInBody
from civiscope.base import AppError, ErrorKind
from civiscope.security import Principal, Session, csrf_token, permissions_of


class SessionCalls:
    """Handlers of `/setup` and `/session`."""

    def __init__(self, faces: Faces, guard: Guard) -> None:
        self._faces = faces
        self._guard = guard

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/setup", Open.ANYONE, self.setup_state),
            Call("POST", "/setup", Open.ANYONE, self.set_up, 201, {409: "Done before."}),
            Call("POST", "/session", Open.ANYONE, self.sign_in, 200, {429: "Too many attempts."}),
            Call("GET", "/session", Open.SIGNED_IN, self.session),
            Call("DELETE", "/session", Open.SIGNED_IN, self.sign_out, 204, raw=True),
        ]

    async def setup_state(self) -> dict[str, object]:
        """Tell whether the first administrator is still to be made."""
        return {"needed": await self._faces.accounts.setup_needed(), "site_name": self._faces.site.name}

    async def set_up(self, request: Request, body: SetupBody) -> Response:
        """Make the first administrator with the one-time code, and sign in."""
        session = await self._faces.accounts.create_first_administrator(
            body.code.get_secret_value(), body.name, body.password.get_secret_value(), where_from(request)
        )
        return await self._signed_in(session, 201)

    async def sign_in(self, request: Request, body: SignInBody) -> Response:
        """Sign in; a session that the browser held before ends, so nobody's planted cookie lives on."""
        accounts = self._faces.accounts
        session = await accounts.sign_in(body.name, body.password.get_secret_value(), where_from(request))
        await self._end_earlier_session(request)
        return await self._signed_in(session, 200)

    async def session(self, request: Request) -> dict[str, object]:
        """Who is signed in and what that allows."""
        visitor = visitor_of(request)
        return await self._shape(visitor.principal, csrf_token(visitor.token))

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        await self._end(visitor_of(request))
        answer = Response(status_code=204)
        clear_session_cookie(answer)
        return answer

    async def _end_earlier_session(self, request: Request) -> None:
        try:
            earlier = await self._guard.visitor(request)
        except AppError as error:
            if error.kind is not ErrorKind.UNAUTHENTICATED:
                raise
        else:
            await self._end(earlier)

    async def _end(self, visitor: Visitor) -> None:
        await self._faces.accounts.sign_out(visitor.token)
        await self._faces.looks.end_session(visitor.principal)

    async def _signed_in(self, session: Session, status: int) -> Response:
        answer = JSONResponse(await self._shape(session.principal, session.csrf_token), status)
        set_session_cookie(answer, session)
        return answer

    async def _shape(self, principal: Principal, csrf: str) -> dict[str, object]:
        site, now_us = self._faces.site, self._faces.clock.now_us()
        purposes = await self._faces.purposes.purposes_of(principal, now_us)
        return {
            "principal": {
                "id": str(principal.id),
                "name": principal.name,
                "roles": sorted(role.value for role in principal.roles),
            },
            "permissions": [permission.value for permission in permissions_of(principal)],
            "csrf_token": csrf,
            "site": {
                "id": str(site.id),
                "name": site.name,
                "time_zone": site.time_zone,
                "host_name": site.host_name,
                "jurisdiction": site.jurisdiction,
                "first_run_done": site.first_run_done,
            },
            "purposes": [
                {
                    "id": purpose.id,
                    "title": purpose.title,
                    "legal_basis": purpose.legal_basis,
                    "functions": sorted(function.value for function in purpose.functions),
                }
                for purpose in purposes
            ],
            "server_time_us": now_us,
        }
