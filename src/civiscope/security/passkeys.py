"""Passkeys of people: added after the password, used instead of it, removed."""

import hmac
import os
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NewType
from uuid import UUID

from civiscope.base import AppError, Clock, ErrorKind, PrincipalId, new_id
from civiscope.security import users
from civiscope.security.auditwriter import AuditWriter
from civiscope.security.ceremonies import (
    RelyingParty,
    authentication_options,
    check_authentication,
    check_registration,
    credential_id_of,
    refused_passkey,
    registration_options,
    user_of,
)
from civiscope.security.chain import AuditEntry, Outcome, tidy_text
from civiscope.security.model import Principal
from civiscope.security.passwordproof import PasswordProof
from civiscope.security.sessions import STRANGER, Ground, Session, Sessions, user_entry
from civiscope.security.tables import passkey_table
from civiscope.security.throttle import Throttle, source_of
from civiscope.storage import Connection, Row, delete, insert, select, update

PasskeyId = NewType("PasskeyId", UUID)
_TICKET_US = 300_000_000
_TICKETS = 4096
_TICKETS_PER_SOURCE = 64
_NAME_LIMIT = 64
_PACE_KEY = "passkey"


@dataclass(frozen=True, slots=True)
class Passkey:
    """One authenticator of somebody's."""

    id: PasskeyId
    user_id: PrincipalId
    name: str
    added_us: int
    used_us: int | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A ceremony begun: the ticket comes back with the browser's answer, once, within five minutes."""

    ticket: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Ticket:
    challenge: bytes
    party: RelyingParty
    user_id: PrincipalId | None
    expires_us: int
    source: str


class _TicketBook:
    """Challenges handed out; each is good once. In memory, bounded, per source too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()

    def hand_out(self, party: RelyingParty, user_id: PrincipalId | None, where: str) -> tuple[str, bytes]:
        """A ticket and its challenge."""
        now_us, source = self._clock.monotonic_us(), source_of(where)
        while self._tickets and next(iter(self._tickets.values())).expires_us <= now_us:
            self._tickets.popitem(last=False)
        mine = [name for name, one in self._tickets.items() if one.source == source and one.user_id is None]
        for name in mine[: max(0, len(mine) - _TICKETS_PER_SOURCE + 1)]:
            del self._tickets[name]
        if len(self._tickets) >= _TICKETS:
            self._tickets.popitem(last=False)
        name, challenge = secrets.token_urlsafe(24), os.urandom(32)
        self._tickets[name] = _Ticket(challenge, party, user_id, now_us + _TICKET_US, source)
        return name, challenge

    def take(self, name: str, party: RelyingParty, user_id: PrincipalId | None) -> bytes:
        """The challenge, used up now; AppError(DENIED) if it is over, another's or for another page."""
        ticket = self._tickets.pop(name, None)
        if (
            ticket is None
            or ticket.expires_us <= self._clock.monotonic_us()
            or ticket.user_id != user_id
            or ticket.party != party
        ):
            raise refused_passkey()
        return ticket.challenge


class Passkeys:
    """Passkeys of all people; one event loop."""

    def __init__(self, ground: Ground, sessions: Sessions, proof: PasswordProof, throttle: Throttle) -> None:
        self._ground = ground
        self._sessions = sessions
        self._proof = proof
        self._throttle = throttle
        self._tickets = _TicketBook(ground.clock)

    async def of_user(self, user_id: PrincipalId) -> list[Passkey]:
        """A user's passkeys, the first one first."""
        return [_passkey(row) for row in await self._ground.database.read(lambda c: _rows_of(c, user_id))]

    async def begin_adding(self, by: Principal, password: str, party: RelyingParty, where: str) -> Begun:
        """Options for the browser; the password is asked again. CONFLICT when there are too many."""
        await self._proof.check(by, password, "passkey.add", where)
        rows = await self._ground.database.read(lambda connection: _rows_of(connection, by.id))
        self._refuse_more(len(rows))
        ticket, challenge = self._tickets.hand_out(party, by.id, where)
        known = [row.credential_id for row in rows]
        return Begun(ticket, registration_options(party, by.id, by.name, challenge, known))

    async def add(
        self,
        by: Principal,
        ticket: str,
        name: str,
        credential: dict[str, Any],
        party: RelyingParty,
        where: str,
    ) -> Passkey:
        """Keep what the browser made; AppError(DENIED) if it does not answer this ticket."""
        tidy = _tidy_name(name)
        found = check_registration(party, self._tickets.take(ticket, party, by.id), credential)
        passkey = Passkey(PasskeyId(new_id()), by.id, tidy, self._ground.clock.now_us(), None)

        def work(connection: Connection, writer: AuditWriter) -> None:
            self._refuse_more(len(_rows_of(connection, by.id)))
            if _row_with(connection, found.credential_id) is not None:
                raise AppError(
                    ErrorKind.CONFLICT, "This passkey was added already. Use it, or remove it first."
                )
            connection.execute(
                insert(passkey_table).values(
                    id=passkey.id,
                    user_id=by.id,
                    credential_id=found.credential_id,
                    public_key=found.public_key,
                    sign_count=found.sign_count,
                    relying_party=party.id,
                    name=tidy,
                    added_us=passkey.added_us,
                )
            )
            user = users.credentials_of(connection, by.id).user
            writer.append(user_entry(by, "passkey.add", user, where))

        await self._ground.audit.transact(work)
        return passkey

    async def remove(self, by: Principal, passkey_id: PasskeyId, where: str) -> None:
        """It opens nothing any more; MISSING for another's too."""

        def work(connection: Connection, writer: AuditWriter) -> None:
            mine = (passkey_table.c.id == passkey_id, passkey_table.c.user_id == by.id)
            if connection.execute(delete(passkey_table).where(*mine)).rowcount != 1:
                raise AppError(ErrorKind.MISSING, "There is no such passkey: load the list again.")
            user = users.credentials_of(connection, by.id).user
            writer.append(user_entry(by, "passkey.remove", user, where))

        await self._ground.audit.transact(work)

    def begin_sign_in(self, party: RelyingParty, where: str) -> Begun:
        """Options for anybody's browser; they name nobody."""
        ticket, challenge = self._tickets.hand_out(party, None, where)
        return Begun(ticket, authentication_options(party, challenge))

    async def sign_in(
        self, ticket: str, credential: dict[str, Any], party: RelyingParty, where: str
    ) -> Session:
        """A session for whose passkey answered; one and the same AppError(DENIED) for every reason."""
        self._throttle.begin(where, _PACE_KEY)
        fresh = self._sessions.fresh(where)
        try:
            challenge = self._tickets.take(ticket, party, None)
            wanted = credential_id_of(credential)

            def work(connection: Connection, writer: AuditWriter) -> Principal:
                row = _row_with(connection, wanted)
                if row is None or row.relying_party != party.id:
                    raise refused_passkey()
                user = users.credentials_of(connection, PrincipalId(row.user_id)).user
                handle = user_of(credential)
                is_theirs = handle is not None and hmac.compare_digest(handle, user.id.bytes)
                if user.disabled_us is not None or not is_theirs:
                    raise refused_passkey()
                count = check_authentication(party, challenge, credential, row.public_key, row.sign_count)
                connection.execute(
                    update(passkey_table)
                    .where(passkey_table.c.id == row.id)
                    .values(sign_count=count, used_us=fresh.now_us)
                )
                principal = self._sessions.insert(connection, fresh, user)
                writer.append(user_entry(principal, "session.open", user, where))
                return principal

            principal = await self._ground.audit.transact(work)
        except AppError as error:
            if error.kind is ErrorKind.DENIED:
                await self._ground.audit.append(
                    AuditEntry(STRANGER, "session.open", "passkey", "", Outcome.REFUSED, where)
                )
            raise
        self._throttle.succeeded(where, _PACE_KEY)
        return fresh.for_(principal)

    def _refuse_more(self, count: int) -> None:
        limit = self._ground.settings.passkeys_per_user
        if count >= limit:
            raise AppError(ErrorKind.CONFLICT, f"You have {limit} passkeys. Remove one that you do not use.")


def _rows_of(connection: Connection, user_id: PrincipalId) -> list[Row[Any]]:
    query = select(passkey_table).where(passkey_table.c.user_id == user_id).order_by(passkey_table.c.added_us)
    return list(connection.execute(query))


def _row_with(connection: Connection, credential_id: bytes) -> Row[Any] | None:
    return connection.execute(
        select(passkey_table).where(passkey_table.c.credential_id == credential_id)
    ).first()


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(PasskeyId(row.id), PrincipalId(row.user_id), row.name, row.added_us, row.used_us)


def _tidy_name(name: str) -> str:
    tidy = " ".join(tidy_text(name).split())
    if not tidy or len(tidy) > _NAME_LIMIT:
        raise AppError(ErrorKind.INVALID, f"A passkey needs a name of at most {_NAME_LIMIT} characters.")
    return tidy
