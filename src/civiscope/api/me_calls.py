"""One's own account: sessions, password, phone for codes, passkeys, tokens for programs."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import Open, visitor_of, where_from
from civiscope.api.party import relying_party
from civiscope.api.people_answers import passkey_answer, session_answer, token_answer
from civiscope.api.people_shapes import (
    FactorCodeBody,
    NewPasskeyBody,
    PasswordAgainBody,
    PasswordChangeBody,
    TokenBody,
)
from civiscope.base import ChannelId
from civiscope.security import PasskeyId, Permission, SessionId, TokenDraft, TokenId


class MeCalls:
    """Handlers of `/me` and `/tokens`; for people only, never for tokens."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._accounts = faces.accounts

    def calls(self) -> list[Call]:
        """The rows of the table."""
        own, make = Open.SIGNED_IN, Permission.TOKEN_MANAGE
        return [
            Call("GET", "/me/sessions", own, self.my_sessions, person_only=True),
            Call(
                "DELETE",
                "/me/sessions/{session_id}",
                own,
                self.end_my_session,
                204,
                raw=True,
                person_only=True,
            ),
            Call("POST", "/me/password", own, self.change_my_password, 204, raw=True, person_only=True),
            Call("POST", "/me/totp", own, self.begin_totp, person_only=True),
            Call("POST", "/me/totp/confirm", own, self.confirm_totp, person_only=True),
            Call("POST", "/me/totp/remove", own, self.remove_totp, 204, raw=True, person_only=True),
            Call("GET", "/me/passkeys", own, self.my_passkeys, person_only=True),
            Call("POST", "/me/passkeys/options", own, self.begin_my_passkey, person_only=True),
            Call("POST", "/me/passkeys", own, self.add_passkey, 201, person_only=True),
            Call(
                "DELETE",
                "/me/passkeys/{passkey_id}",
                own,
                self.remove_passkey,
                204,
                raw=True,
                person_only=True,
            ),
            Call("GET", "/tokens", make, self.my_tokens, person_only=True),
            Call("POST", "/tokens", make, self.make_token, 201, person_only=True),
            Call("DELETE", "/tokens/{token_id}", make, self.remove_token, 204, raw=True, person_only=True),
        ]

    async def my_sessions(self, request: Request) -> list[dict[str, object]]:
        """Where one is signed in, the session used last first."""
        principal = visitor_of(request).principal
        found = await self._accounts.sessions(principal.id)
        return [session_answer(info, is_this=info.id == principal.session_id) for info in found]

    async def end_my_session(self, request: Request, session_id: UUID) -> Response:
        """Sign out somewhere else."""
        principal = visitor_of(request).principal
        await self._accounts.revoke(SessionId(session_id), principal, where_from(request))
        return Response(status_code=204)

    async def change_my_password(self, request: Request, body: PasswordChangeBody) -> Response:
        """Set one's own password; one's other sessions end."""
        await self._accounts.change_password(
            visitor_of(request).token,
            body.old.get_secret_value(),
            body.new.get_secret_value(),
            where_from(request),
        )
        return Response(status_code=204)

    async def begin_totp(self, request: Request, body: PasswordAgainBody) -> dict[str, object]:
        """A secret for a phone; in force once a code confirms it within ten minutes."""
        enrolment = await self._accounts.factors.enrol(
            visitor_of(request).principal,
            body.password.get_secret_value(),
            self._faces.site.name,
            where_from(request),
        )
        return {"secret": enrolment.secret.reveal(), "uri": enrolment.uri.reveal(), "qr_svg": None}

    async def confirm_totp(self, request: Request, body: FactorCodeBody) -> dict[str, object]:
        """From now on signing in asks for a code; the recovery codes are shown once."""
        codes = await self._accounts.factors.confirm(
            visitor_of(request).principal, body.code.get_secret_value(), where_from(request)
        )
        return {"recovery_codes": [code.reveal() for code in codes]}

    async def remove_totp(self, request: Request, body: PasswordAgainBody) -> Response:
        """Sign in without a code again."""
        await self._accounts.factors.remove(
            visitor_of(request).principal, body.password.get_secret_value(), where_from(request)
        )
        return Response(status_code=204)

    async def my_passkeys(self, request: Request) -> list[dict[str, object]]:
        """One's passkeys."""
        found = await self._accounts.passkeys.of_user(visitor_of(request).principal.id)
        return [passkey_answer(passkey) for passkey in found]

    async def begin_my_passkey(self, request: Request, body: PasswordAgainBody) -> dict[str, object]:
        """Options for `navigator.credentials.create`, and the ticket its answer must carry."""
        begun = await self._accounts.passkeys.begin_adding(
            visitor_of(request).principal,
            body.password.get_secret_value(),
            relying_party(request, self._faces.site),
            where_from(request),
        )
        return {"ticket": begun.ticket, "options": begun.options}

    async def add_passkey(self, request: Request, body: NewPasskeyBody) -> dict[str, object]:
        """Keep the passkey that the browser made."""
        passkey = await self._accounts.passkeys.add(
            visitor_of(request).principal,
            body.ticket,
            body.name,
            body.credential,
            relying_party(request, self._faces.site),
            where_from(request),
        )
        return passkey_answer(passkey)

    async def remove_passkey(self, request: Request, passkey_id: UUID) -> Response:
        """The passkey opens nothing any more."""
        principal = visitor_of(request).principal
        await self._accounts.passkeys.remove(principal, PasskeyId(passkey_id), where_from(request))
        return Response(status_code=204)

    async def my_tokens(self, request: Request) -> list[dict[str, object]]:
        """One's tokens for programs; their texts are kept nowhere."""
        found = await self._accounts.tokens.of_owner(visitor_of(request).principal.id)
        return [token_answer(token) for token in found]

    async def make_token(self, request: Request, body: TokenBody) -> dict[str, object]:
        """A token for a program; its text is shown this once."""
        channels = None if body.channel_ids is None else frozenset(ChannelId(one) for one in body.channel_ids)
        draft = TokenDraft(body.name, frozenset(body.permissions), channels, body.expires_us)
        token, text = await self._accounts.tokens.make(
            draft, visitor_of(request).principal, where_from(request)
        )
        return {**token_answer(token), "token": text.reveal()}

    async def remove_token(self, request: Request, token_id: UUID) -> Response:
        """The token opens nothing from now on."""
        principal = visitor_of(request).principal
        await self._accounts.tokens.remove(TokenId(token_id), principal, where_from(request))
        return Response(status_code=204)
