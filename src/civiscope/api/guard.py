"""Who is at the door: session cookie, same origin, CSRF token, and the permission a call needs."""

from dataclasses import dataclass
from enum import Enum

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from civiscope.base import AppError, ErrorKind
from civiscope.security import (
    Accounts,
    Permission,
    Principal,
    Session,
    authorise,
    authorise_somewhere,
    check_csrf,
)

COOKIE = "__Host-civiscope"
"""Browsers refuse the prefix without Secure, with a Domain, or under another path (RFC 6265bis §4.1.3)."""
CSRF_HEADER = "x-csrf-token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIE_LIMIT_CHARS = 512
_BEARER_LIMIT_CHARS = 512


class Open(Enum):
    """Calls that ask for no permission."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"


Access = Open | Permission


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who makes a request, and with which session token."""

    principal: Principal
    token: str
    """Empty for a program: it has no session."""


class Guard:
    """Admits requests and sockets; every refusal is an `AppError`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def admit(
        self, request: Request, access: Access, *, scoped: bool = False, person_only: bool = False
    ) -> Visitor | None:
        """The visitor, or None for a call open to anyone. Changing calls prove their origin first.

        The permission must hold on the whole site; for a `scoped` call, whose handler asks again, anywhere.
        A program with a token (`Authorization: Bearer`) proves no origin: no browser sends one by itself.
        """
        refuse_foreign_fetch(request)
        is_token = access is not Open.ANYONE and bearer_of(request) is not None
        is_change = request.method not in _SAFE_METHODS and not is_token
        if is_change:
            require_same_origin(request)
        if access is Open.ANYONE:
            return None
        visitor = await self.visitor(request)
        if is_change:
            check_csrf(visitor.token, request.headers.get(CSRF_HEADER))
        if person_only and is_token:
            raise AppError(ErrorKind.DENIED, "This is for people, not for tokens. Sign in on the page.")
        if isinstance(access, Permission):
            (authorise_somewhere if scoped else authorise)(visitor.principal, access)
        return visitor

    async def visitor(self, connection: HTTPConnection) -> Visitor:
        """Who holds the session or token of this request or socket; UNAUTHENTICATED when nobody does."""
        bearer = bearer_of(connection)
        if bearer is not None:
            return Visitor(await self._accounts.tokens.principal(bearer, where_from(connection)), "")
        token = connection.cookies.get(COOKIE, "")
        if not token or len(token) > _COOKIE_LIMIT_CHARS:
            raise AppError(ErrorKind.UNAUTHENTICATED, "You are not signed in. Sign in first.")
        return Visitor(await self._accounts.session(token), token)


def bearer_of(connection: HTTPConnection) -> str | None:
    """The token of a program (RFC 6750 §2.1); None if the request carries none. Never taken from a URL."""
    scheme, _, text = connection.headers.get("authorization", "").partition(" ")
    return text.strip()[:_BEARER_LIMIT_CHARS] if scheme.lower() == "bearer" else None


def visitor_of(request: Request) -> Visitor:
    """The visitor whom the guard admitted to this request."""
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor)
    return visitor


def require_same_origin(connection: HTTPConnection) -> None:
    """`Origin` must be this very host and port over TLS (RFC 6454 §7); DENIED otherwise, also when absent."""
    if (
        connection.headers.get("origin", "").lower()
        != f"https://{connection.headers.get('host', '').lower()}"
    ):
        raise AppError(
            ErrorKind.DENIED,
            "The request does not come from this server's own page (its Origin is another or missing). "
            "Open Civiscope under its own address and try again.",
        )


def refuse_foreign_fetch(connection: HTTPConnection) -> None:
    """Pages of other sites get nothing, not even what they could embed (W3C Fetch Metadata)."""
    if connection.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise AppError(
            ErrorKind.DENIED,
            "The request comes from another site's page. Open Civiscope under its own address and try again.",
        )


def set_session_cookie(answer: Response, session: Session) -> None:
    """A cookie that scripts cannot read and other sites cannot send; it goes when the browser closes."""
    answer.set_cookie(COOKIE, session.token.reveal(), path="/", secure=True, httponly=True, samesite="strict")


def clear_session_cookie(answer: Response) -> None:
    """Take the cookie back."""
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def where_from(connection: HTTPConnection) -> str:
    """The peer's IP address, for the audit; forwarded headers are not believed."""
    return connection.client.host if connection.client else ""
