"""Signing in and out, the first administrator, and what a signed-in page needs to begin."""

from fastapi import Request
from starlette.responses import JSONResponse, Response

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import (
    Guard,
    Open,
    Visitor,
    bearer_of,
    clear_session_cookie,
    set_session_cookie,
    visitor_of,
    where_from,
)
from civiscope.api.party import passkeys_work, relying_party
from civiscope.api.people_answers import grants_in_force, principal_answer
from civiscope.api.people_shapes import InvitationBody, PasskeyAnswerBody
from civiscope.api.shapes import SetupBody, SignInBody
from civiscope.base import AppError, ErrorKind
from civiscope.security import Principal, Session, csrf_token, permissions_of


class SessionCalls:
    """Handlers of `/setup`, `/session` and `/invitations`."""

    def __init__(self, faces: Faces, guard: Guard) -> None:
        self._faces = faces
        self._guard = guard

    def calls(self) -> list[Call]:
        """The rows of the table."""
        return [
            Call("GET", "/setup", Open.ANYONE, self.setup_state),
            Call("POST", "/setup", Open.ANYONE, self.set_up, 201, {409: "Done before."}),
            Call("POST", "/session", Open.ANYONE, self.sign_in, 200, {429: "Too many attempts."}),
            Call("POST", "/session/passkey/options", Open.ANYONE, self.begin_passkey),
            Call("POST", "/session/passkey", Open.ANYONE, self.sign_in_by_passkey, 200, {403: "Refused."}),
            Call("POST", "/invitations", Open.ANYONE, self.accept_invitation, 201, {403: "A wrong code."}),
            Call("GET", "/session", Open.SIGNED_IN, self.session, person_only=True),
            Call("DELETE", "/session", Open.SIGNED_IN, self.sign_out, 204, raw=True, person_only=True),
        ]

    async def setup_state(self) -> dict[str, object]:
        """Tell whether the first administrator is still to be made."""
        return {"needed": await self._faces.accounts.setup_needed(), "site_name": self._faces.site.name}

    async def set_up(self, request: Request, body: SetupBody) -> Response:
        """Make the first administrator with the one-time code, and sign in."""
        session = await self._faces.accounts.create_first_administrator(
            body.code.get_secret_value(), body.name, body.password.get_secret_value(), where_from(request)
        )
        return await self._signed_in(request, session, 201)

    async def sign_in(self, request: Request, body: SignInBody) -> Response:
        """Sign in; a session that the browser held before ends (nobody's planted cookie lives on)."""
        accounts = self._faces.accounts
        code = None if body.code is None else body.code.get_secret_value()
        session = await accounts.sign_in(
            body.name, body.password.get_secret_value(), where_from(request), code
        )
        return await self._signed_in(request, session, 200)

    async def begin_passkey(self, request: Request) -> dict[str, object]:
        """Options for `navigator.credentials.get`, and the ticket its answer must carry; they name nobody."""
        party = relying_party(request, self._faces.site)
        begun = self._faces.accounts.passkeys.begin_sign_in(party, where_from(request))
        return {"ticket": begun.ticket, "options": begun.options}

    async def sign_in_by_passkey(self, request: Request, body: PasskeyAnswerBody) -> Response:
        """Sign in by a passkey alone: it stands for name, password and second factor."""
        party = relying_party(request, self._faces.site)
        session = await self._faces.accounts.passkeys.sign_in(
            body.ticket, body.credential, party, where_from(request)
        )
        return await self._signed_in(request, session, 200)

    async def accept_invitation(self, request: Request, body: InvitationBody) -> Response:
        """Choose a password with the code of an invitation, and sign in."""
        session = await self._faces.accounts.accept_invitation(
            body.code.get_secret_value(), body.password.get_secret_value(), where_from(request)
        )
        return await self._signed_in(request, session, 201)

    async def session(self, request: Request) -> dict[str, object]:
        """Who is signed in and what that allows."""
        visitor = visitor_of(request)
        return await self._shape(request, visitor.principal, csrf_token(visitor.token))

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        await self._end(visitor_of(request))
        answer = Response(status_code=204)
        clear_session_cookie(answer)
        return answer

    async def _end_earlier_session(self, request: Request) -> None:
        if bearer_of(request) is not None:
            return
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

    async def _signed_in(self, request: Request, session: Session, status: int) -> Response:
        await self._end_earlier_session(request)
        shape = await self._shape(request, session.principal, session.csrf_token)
        answer = JSONResponse(shape, status)
        set_session_cookie(answer, session)
        return answer

    async def _shape(self, request: Request, principal: Principal, csrf: str) -> dict[str, object]:
        site, now_us = self._faces.site, self._faces.clock.now_us()
        factors = await self._faces.accounts.factors.state_of(principal.id)
        purposes = await self._faces.purposes.purposes_of(principal, now_us)
        return {
            "principal": principal_answer(principal),
            "grants": grants_in_force(principal),
            "second_factor": {
                "totp": factors.has_totp,
                "passkeys": factors.passkeys,
                "recovery_left": factors.recovery_left,
            },
            "passkeys_possible": passkeys_work(request, site),
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
