"""Sessions: made at a sign-in, found by their token, ended by sign-out, time, idleness or somebody's word."""

from dataclasses import dataclass, replace

from civiscope.base import AppError, Clock, ErrorKind, PrincipalId, get_log, new_id
from civiscope.security import grantrows, users
from civiscope.security.accountsettings import AccountSettings
from civiscope.security.audit import AuditLog
from civiscope.security.auditwriter import AuditWriter
from civiscope.security.chain import AuditEntry, Outcome
from civiscope.security.grants import ScopeBook
from civiscope.security.model import Permission, Principal, SessionId, authorise
from civiscope.security.secret import Secret
from civiscope.security.tokens import csrf_token, new_token, token_hash
from civiscope.security.users import NewSession, SessionInfo, User
from civiscope.storage import Connection, Database

STRANGER = "somebody not signed in"
_TOUCH_US = 60_000_000
_log = get_log("civiscope.security")


@dataclass(frozen=True, slots=True)
class Session:
    """A fresh session: the token goes into the cookie and is kept nowhere else."""

    token: Secret
    csrf_token: str
    principal: Principal
    created_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class FreshSession:
    """A session that is about to be written."""

    id: SessionId
    token: Secret
    now_us: int
    expires_us: int
    where: str

    def for_(self, principal: Principal) -> Session:
        """What its holder gets once it is written."""
        return Session(self.token, csrf_token(self.token.reveal()), principal, self.now_us, self.expires_us)


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything about people stands on."""

    database: Database
    audit: AuditLog
    clock: Clock
    settings: AccountSettings
    scopes: ScopeBook


class Sessions:
    """The sessions of all people; `where` is the peer's address."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def fresh(self, where: str) -> FreshSession:
        """A session with a new token; nobody's yet."""
        now_us = self._ground.clock.now_us()
        expires_us = now_us + self._ground.settings.session_us
        return FreshSession(SessionId(new_id()), new_token(), now_us, expires_us, where)

    def insert(self, connection: Connection, fresh: FreshSession, user: User) -> Principal:
        """Write it for a user; who asks with it from now on."""
        session = NewSession(
            fresh.id, user.id, token_hash(fresh.token.reveal()), fresh.now_us, fresh.expires_us, fresh.where
        )
        users.insert_session(connection, session, self._ground.settings.sessions_per_user)
        return grantrows.person(connection, user, fresh.id, fresh.now_us, self._ground.scopes)

    async def by_token(self, token: str) -> Principal:
        """Whose session it is, with the rights of this moment; AppError(UNAUTHENTICATED) once it ended."""
        hashed, now_us = token_hash(token), self._ground.clock.now_us()

        def work(connection: Connection) -> tuple[SessionInfo, Principal] | None:
            return self._alive(connection, users.find_session(connection, hashed), now_us)

        found = await self._ground.database.read(work)
        if found is None:
            raise AppError(ErrorKind.UNAUTHENTICATED, "Your session has ended. Sign in again.")
        info, principal = found
        if now_us - info.seen_us >= _TOUCH_US:
            await self._touch(info, now_us)
        return principal

    async def by_id(self, session_id: SessionId) -> Principal | None:
        """Whose session it is, with the rights of this moment; None once it ended. No use of it."""
        now_us = self._ground.clock.now_us()

        def work(connection: Connection) -> tuple[SessionInfo, Principal] | None:
            return self._alive(connection, users.find_session_by_id(connection, session_id), now_us)

        found = await self._ground.database.read(work)
        return None if found is None else found[1]

    async def end(self, token: str, where: str = "") -> None:
        """Sign out; a token that opens nothing is no error."""
        hashed = token_hash(token)

        def work(connection: Connection, writer: AuditWriter) -> None:
            found = users.find_session(connection, hashed)
            if found is not None:
                info, user = found
                users.end_session(connection, info.id)
                writer.append(user_entry(users.principal_of(user, info.id), "session.close", user, where))

        await self._ground.audit.transact(work)

    async def of_user(self, user_id: PrincipalId) -> list[SessionInfo]:
        """Where a user is signed in, the session used last first; those whose time is over are left out."""
        now_us = self._ground.clock.now_us()
        user, found = await self._ground.database.read(
            lambda connection: (
                users.credentials_of(connection, user_id).user,
                users.list_sessions(connection, user_id),
            )
        )
        return [info for info in found if self._is_alive(info, user, now_us)]

    async def counts(self) -> dict[PrincipalId, int]:
        """How many sessions each user has now; those without any are left out."""
        now_us = self._ground.clock.now_us()

        def work(connection: Connection) -> dict[PrincipalId, int]:
            alive: dict[PrincipalId, int] = {}
            for user in users.list_users(connection):
                mine = users.list_sessions(connection, user.id)
                alive[user.id] = sum(self._is_alive(info, user, now_us) for info in mine)
            return {user_id: count for user_id, count in alive.items() if count}

        return await self._ground.database.read(work)

    async def revoke(
        self, session_id: SessionId, by: Principal, where: str = "", of: PrincipalId | None = None
    ) -> None:
        """End a session: one's own, or with `user.manage` that of a user (`of`).

        MISSING for a session that is not there, and for another's to whom it is no business.
        """
        owner = by.id if of is None else of
        if owner != by.id:
            authorise(by, Permission.USER_MANAGE)

        def work(connection: Connection, writer: AuditWriter) -> None:
            info = users.session_of(connection, session_id)
            if info.user_id != owner:
                raise users.missing_session()
            users.end_session(connection, session_id)
            user = users.credentials_of(connection, info.user_id).user
            writer.append(user_entry(by, "session.revoke", user, where))

        await self._ground.audit.transact(work)

    def _alive(
        self, connection: Connection, found: tuple[SessionInfo, User] | None, now_us: int
    ) -> tuple[SessionInfo, Principal] | None:
        if found is None or not self._is_alive(*found, now_us):
            return None
        info, user = found
        return info, grantrows.person(connection, user, info.id, now_us, self._ground.scopes)

    def _is_alive(self, info: SessionInfo, user: User, now_us: int) -> bool:
        idle_us = now_us - info.seen_us
        settings = self._ground.settings
        return user.disabled_us is None and now_us < info.expires_us and idle_us < settings.idle_us

    async def _touch(self, info: SessionInfo, now_us: int) -> None:
        """With a database that cannot be written people stay signed in; idle time is then counted wrong."""
        try:
            await self._ground.database.write(
                lambda connection: users.touch_session(connection, info.id, now_us)
            )
        except AppError as error:
            _log.warning("cannot note the use of a session", reason=error.kind)


def user_entry(who: Principal | str, what: str, user: User, where: str) -> AuditEntry:
    """What somebody did to an account, or from one."""
    details = {"name": user.name, "roles": sorted(user.roles)}
    return AuditEntry(who, what, f"user {user.id}", "", Outcome.DONE, where, details)


def refused(entry: AuditEntry) -> AuditEntry:
    """The same, turned away."""
    return replace(entry, outcome=Outcome.REFUSED)
