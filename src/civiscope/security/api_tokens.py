"""Tokens for programs: a part of their owner's rights, until a day, told once."""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NewType
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId, get_log, new_id
from civiscope.security import grantrows, users
from civiscope.security.auditwriter import AuditWriter
from civiscope.security.chain import AuditEntry, Outcome, tidy_text
from civiscope.security.model import (
    PERMISSIONS,
    Permission,
    Principal,
    PrincipalKind,
    authorise,
    permissions_of,
)
from civiscope.security.secret import Secret
from civiscope.security.sessions import Ground
from civiscope.security.tables import api_token_table
from civiscope.storage import Connection, Row, delete, insert, select, update

TokenId = NewType("TokenId", UUID)
TOKEN_PREFIX = "cvt_"  # noqa: S105  what all of them begin with, no password
_NEVER = frozenset({Permission.USER_MANAGE, Permission.TOKEN_MANAGE, Permission.PRIVACY_MANAGE})
"""What no token may do, whatever its owner may."""
_NAME_LIMIT = 64
_TOUCH_US = 60_000_000
_ID_HEX = 32
_TOLD_LIMIT = 4096
_log = get_log("civiscope.security")


@dataclass(frozen=True, slots=True)
class TokenDraft:
    """A token to make."""

    name: str
    permissions: frozenset[Permission]
    channels: frozenset[ChannelId] | None
    """None means all of its owner's."""
    expires_us: int


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as its owner sees it; the text itself is kept nowhere."""

    id: TokenId
    owner_id: PrincipalId
    name: str
    permissions: frozenset[Permission]
    channels: frozenset[ChannelId] | None
    created_us: int
    expires_us: int
    used_us: int | None


class ApiTokens:
    """The tokens of all people."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._told_us: OrderedDict[UUID, int] = OrderedDict()

    async def of_owner(self, owner_id: PrincipalId) -> list[ApiToken]:
        """A person's tokens, ended ones too until they are removed, the first one first."""
        query = (
            select(api_token_table)
            .where(api_token_table.c.owner_id == owner_id)
            .order_by(api_token_table.c.created_us, api_token_table.c.id)
        )
        rows = await self._ground.database.read(lambda connection: list(connection.execute(query)))
        return [_token(row) for row in rows]

    async def make(self, draft: TokenDraft, by: Principal, where: str) -> tuple[ApiToken, Secret]:
        """A token and its text, shown once; needs `token.manage`. DENIED for rights its owner lacks."""
        authorise(by, Permission.TOKEN_MANAGE)
        now_us = self._ground.clock.now_us()
        self._check(draft, by, now_us)
        secret = secrets.token_urlsafe(32)
        token = ApiToken(
            TokenId(new_id()), by.id, _tidy_name(draft.name), draft.permissions, draft.channels, now_us,
            draft.expires_us, None,
        )  # fmt: skip

        def work(connection: Connection, writer: AuditWriter) -> None:
            mine = select(api_token_table.c.id).where(api_token_table.c.owner_id == by.id)
            if len(connection.execute(mine).all()) >= self._ground.settings.tokens_per_user:
                raise AppError(
                    ErrorKind.CONFLICT,
                    f"You have {self._ground.settings.tokens_per_user} tokens. Remove one that is not used.",
                )
            connection.execute(insert(api_token_table).values(**_columns(token), secret_hash=_hash(secret)))
            writer.append(_entry(by, "token.make", token, where))

        await self._ground.audit.transact(work)
        return token, Secret(f"{TOKEN_PREFIX}{token.id.hex}{secret}")

    async def remove(self, token_id: TokenId, by: Principal, where: str) -> None:
        """It opens nothing from now on; MISSING for another's too."""
        authorise(by, Permission.TOKEN_MANAGE)

        def work(connection: Connection, writer: AuditWriter) -> None:
            row = connection.execute(
                select(api_token_table).where(
                    api_token_table.c.id == token_id, api_token_table.c.owner_id == by.id
                )
            ).first()
            if row is None:
                raise AppError(ErrorKind.MISSING, "There is no such token: load the list again.")
            connection.execute(delete(api_token_table).where(api_token_table.c.id == token_id))
            writer.append(_entry(by, "token.remove", _token(row), where))

        await self._ground.audit.transact(work)

    async def principal(self, text: str, where: str) -> Principal:
        """Who asks with this text, with what it and its owner may at this moment; else UNAUTHENTICATED."""
        token_id = _id_of(text)
        secret = text[len(TOKEN_PREFIX) + _ID_HEX :]
        found = None if token_id is None else await self._read(token_id)
        if found is None or not hmac.compare_digest(found[0].secret_hash, _hash(secret)):
            raise _no_token()
        row, principal = found
        if principal is None:
            await self._tell_refused(row, where)
            raise _no_token()
        await self._touch(row)
        return principal

    async def by_id(self, token_id: TokenId) -> Principal | None:
        """The same for a look that lasts; None once the token is over, removed, or its owner disabled."""
        found = await self._read(token_id)
        return None if found is None else found[1]

    async def _read(self, token_id: TokenId) -> tuple[Row[Any], Principal | None] | None:
        def work(connection: Connection) -> tuple[Row[Any], Principal | None] | None:
            row = connection.execute(select(api_token_table).where(api_token_table.c.id == token_id)).first()
            return None if row is None else (row, self._principal(connection, row))

        return await self._ground.database.read(work)

    def _principal(self, connection: Connection, row: Row[Any]) -> Principal | None:
        token, now_us = _token(row), self._ground.clock.now_us()
        owner = users.credentials_of(connection, token.owner_id).user
        if owner.disabled_us is not None or not token.created_us <= now_us < token.expires_us:
            return None
        person = grantrows.person(connection, owner, None, now_us, self._ground.scopes)
        return Principal(
            PrincipalId(token.id),
            f"token {token.name} of {owner.name}",
            PrincipalKind.TOKEN,
            person.roles,
            None,
            person.grants,
            token.permissions - _NEVER,
            token.channels,
            owner.id,
        )

    def _check(self, draft: TokenDraft, by: Principal, now_us: int) -> None:
        if not draft.permissions:
            raise AppError(ErrorKind.INVALID, "A token needs at least one permission.")
        lacking = draft.permissions - set(permissions_of(by))
        if lacking:
            raise AppError(
                ErrorKind.DENIED, f"You may not give a token what you may not do: {_words(lacking)}."
            )
        if draft.permissions & _NEVER:
            raise AppError(
                ErrorKind.INVALID,
                f"No token may do this: {_words(draft.permissions & _NEVER)}. Leave it out.",
            )
        whole = {one for one in draft.permissions if not PERMISSIONS[one].per_channel}
        if draft.channels is not None and (whole or not draft.channels):
            raise AppError(
                ErrorKind.INVALID,
                "A token for some cameras needs at least one of them, and only permissions for cameras"
                + (f", not: {_words(whole)}." if whole else "."),
            )
        if not now_us < draft.expires_us <= now_us + self._ground.settings.token_us:
            raise AppError(ErrorKind.INVALID, "A token ends in the future, and within a year. Choose a day.")

    async def _tell_refused(self, row: Row[Any], where: str) -> None:
        """At most once a minute and token: a program that goes on trying does not fill the audit."""
        now_us = self._ground.clock.monotonic_us()
        if now_us - self._told_us.get(row.id, now_us - _TOUCH_US) >= _TOUCH_US:
            await self._ground.audit.append(
                AuditEntry(f"token {row.name}", "token.use", f"token {row.id}", "", Outcome.REFUSED, where)
            )
            self._told_us[row.id] = now_us
        while len(self._told_us) > _TOLD_LIMIT:
            self._told_us.popitem(last=False)

    async def _touch(self, row: Row[Any]) -> None:
        now_us = self._ground.clock.now_us()
        if row.used_us is not None and now_us - row.used_us < _TOUCH_US:
            return
        query = update(api_token_table).where(api_token_table.c.id == row.id).values(used_us=now_us)
        try:
            await self._ground.database.write(lambda connection: connection.execute(query))
        except AppError as error:
            _log.warning("cannot note the use of a token", reason=error.kind)


def _id_of(text: str) -> TokenId | None:
    written = text[len(TOKEN_PREFIX) :][:_ID_HEX]
    if not text.startswith(TOKEN_PREFIX) or len(written) < _ID_HEX:
        return None
    try:
        return TokenId(UUID(hex=written))
    except ValueError:
        return None


def _hash(secret: str) -> bytes:
    """256 random bits: a plain hash is enough."""
    return hashlib.sha256(b"civiscope token\0" + secret[:64].encode("utf-8", "replace")).digest()


def _no_token() -> AppError:
    return AppError(
        ErrorKind.UNAUTHENTICATED, "This token is not good, or not any more. Ask its owner for a new one."
    )


def _words(permissions: frozenset[Permission] | set[Permission]) -> str:
    return ", ".join(sorted(permissions))


def _tidy_name(name: str) -> str:
    tidy = " ".join(tidy_text(name).split())
    if not tidy or len(tidy) > _NAME_LIMIT:
        raise AppError(ErrorKind.INVALID, f"A token needs a name of at most {_NAME_LIMIT} characters.")
    return tidy


def _columns(token: ApiToken) -> dict[str, object]:
    return {
        "id": token.id,
        "owner_id": token.owner_id,
        "name": token.name,
        "permissions": sorted(token.permissions),
        "channels": None if token.channels is None else sorted(str(one) for one in token.channels),
        "created_us": token.created_us,
        "expires_us": token.expires_us,
    }


def _token(row: Row[Any]) -> ApiToken:
    channels = None if row.channels is None else frozenset(ChannelId(UUID(one)) for one in row.channels)
    return ApiToken(
        TokenId(row.id),
        PrincipalId(row.owner_id),
        row.name,
        frozenset(Permission(one) for one in row.permissions),
        channels,
        row.created_us,
        row.expires_us,
        row.used_us,
    )


def _entry(by: Principal, what: str, token: ApiToken, where: str) -> AuditEntry:
    details = {
        "name": token.name,
        "permissions": sorted(token.permissions),
        "channels": None if token.channels is None else sorted(str(one) for one in token.channels),
        "expires_us": token.expires_us,
    }
    return AuditEntry(by, what, f"token {token.id}", "", Outcome.DONE, where, details)
