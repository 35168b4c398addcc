"""People: the first administrator, signing in, sessions, and who may be what.

Every change and every refusal is in the audit chain, written in the same transaction as the change itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from civiscope.base import AppError, Clock, ErrorKind, PrincipalId, get_log, new_id
from civiscope.security import users
from civiscope.security.audit import AuditLog
from civiscope.security.auditwriter import AuditWriter
from civiscope.security.chain import AuditEntry, Outcome
from civiscope.security.model import Permission, Principal, Role, SessionId, authorise
from civiscope.security.passwords import HashSettings, PasswordHasher, check_password
from civiscope.security.secret import Secret
from civiscope.security.throttle import Throttle, ThrottleSettings
from civiscope.security.tokens import csrf_token, new_setup_code, new_token, setup_code_hash, token_hash
from civiscope.security.users import Credentials, NewSession, SessionInfo, User
from civiscope.storage import Connection, Database

_HOUR_US = 3_600_000_000
_TOUCH_US = 60_000_000
_STRANGER = "somebody not signed in"
_log = get_log("civiscope.security")


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Limits of sessions and codes, and what a password check may cost."""

    idle_us: int = 12 * _HOUR_US
    session_us: int = 7 * 24 * _HOUR_US
    sessions_per_user: int = 20
    setup_code_us: int = 24 * _HOUR_US
    hashing: HashSettings = field(default_factory=HashSettings)
    throttle: ThrottleSettings = field(default_factory=ThrottleSettings)


@dataclass(frozen=True, slots=True)
class SetupCode:
    """The one-time code that makes the first administrator; printed once, on the terminal."""

    code: Secret
    expires_us: int


@dataclass(frozen=True, slots=True)
class Session:
    """A fresh session: the token goes into the cookie and is kept nowhere else."""

    token: Secret
    csrf_token: str
    principal: Principal
    created_us: int
    expires_us: int


class Accounts:
    """The register of people and their sessions; for one event loop. `where` is the peer's address."""

    def __init__(
        self, database: Database, audit: AuditLog, clock: Clock, settings: AccountSettings | None = None
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._settings = settings or AccountSettings()
        self._hasher = PasswordHasher(self._settings.hashing)
        self._throttle = Throttle(clock, self._settings.throttle)

    def close(self) -> None:
        """End the thread that hashes; sign-ins after this fail."""
        self._hasher.close()

    # -- the first administrator

    async def setup_needed(self) -> bool:
        """True as long as nobody can administrate this site."""
        return not await self._database.read(users.has_administrator)

    async def issue_setup_code(self) -> SetupCode:
        """A new code; the one before is not good any more. CONFLICT once there is an administrator."""
        code, now_us = new_setup_code(), self._clock.now_us()
        expires_us = now_us + self._settings.setup_code_us

        def work(connection: Connection, writer: AuditWriter) -> None:
            users.refuse_second_setup(connection)
            users.write_setup_code(connection, setup_code_hash(code.reveal()), now_us, expires_us)
            writer.append(AuditEntry("civiscope", "setup.issue_code", "site"))

        await self._audit.transact(work)
        return SetupCode(code, expires_us)

    async def create_first_administrator(self, code: str, name: str, password: str, where: str) -> Session:
        """Use the code up. CONFLICT when done before, DENIED for a wrong or expired code, INVALID."""
        self._throttle.begin(where, "setup code")
        await self._database.read(users.refuse_second_setup)
        await self._check_setup_code(code, where)
        tidy = users.tidy_name(name)
        check_password(password, tidy)
        password_hash = await self._hasher.hash(password)
        fresh = self._fresh_session(where)

        def work(connection: Connection, writer: AuditWriter) -> User:
            users.refuse_second_setup(connection)
            self._refuse_wrong_code(connection, code)
            user = users.insert_user(connection, tidy, password_hash, [Role.ADMINISTRATOR], fresh.now_us)
            users.delete_setup_code(connection)
            self._insert_session(connection, fresh, user)
            writer.append(
                _entry(users.principal_of(user, fresh.id), "setup.first_administrator", user, where)
            )
            return user

        user = await self._audit.transact(work)
        self._throttle.succeeded(where, "setup code")
        return self._session(user, fresh)

    async def _check_setup_code(self, code: str, where: str) -> None:
        try:
            await self._database.read(lambda connection: self._refuse_wrong_code(connection, code))
        except AppError:
            await self._audit.append(
                AuditEntry(_STRANGER, "setup.first_administrator", "site", "", Outcome.REFUSED, where)
            )
            raise

    def _refuse_wrong_code(self, connection: Connection, code: str) -> None:
        good = users.read_setup_code(connection, self._clock.now_us())
        if good is None or Secret(setup_code_hash(code).hex()) != Secret(good.hex()):
            raise AppError(
                ErrorKind.DENIED,
                "The set-up code is wrong, used or expired. Take the newest one from the server's terminal; "
                "`civiscope up` prints one as long as there is no administrator.",
            )

    # -- signing in and out

    async def sign_in(self, name: str, password: str, where: str) -> Session:
        """A new session. One and the same AppError(UNAUTHENTICATED), after the same work, for every reason.

        TooManyAttemptsError when tries come too fast from there; EXHAUSTED when too many wait.
        """
        key = users.name_key(name)
        known = self._throttle.has_succeeded(where)
        self._throttle.begin(where, key)
        found = await self._database.read(lambda connection: users.find_credentials(connection, key))
        stored = found.password_hash if found is not None and found.user.disabled_us is None else None
        fits = await self._hasher.verify(stored, password, known=known)
        if found is None or not fits:
            await self._refuse_sign_in(found, where)
        assert found is not None
        user, fresh = found.user, self._fresh_session(where)

        def work(connection: Connection, writer: AuditWriter) -> None:
            if users.credentials_of(connection, user.id) != found:
                raise _wrong_credentials()
            self._insert_session(connection, fresh, user)
            writer.append(_entry(users.principal_of(user, fresh.id), "session.open", user, where))

        await self._audit.transact(work)
        self._throttle.succeeded(where, key)
        await self._renew_hash(found, password)
        return self._session(user, fresh)

    async def session(self, token: str) -> Principal:
        """Whose session it is, with the roles of this moment; AppError(UNAUTHENTICATED) when it has ended."""
        hashed, now_us = token_hash(token), self._clock.now_us()
        found = await self._database.read(lambda connection: users.find_session(connection, hashed))
        if found is None or not self._is_alive(*found, now_us):
            raise AppError(ErrorKind.UNAUTHENTICATED, "Your session has ended. Sign in again.")
        info, user = found
        if now_us - info.seen_us >= _TOUCH_US:
            await self._touch(info, now_us)
        return users.principal_of(user, info.id)

    async def principal_of(self, session_id: SessionId) -> Principal | None:
        """Whose session it is, with the roles of this moment; None once it ended. No use of it."""
        now_us = self._clock.now_us()
        found = await self._database.read(lambda connection: users.find_session_by_id(connection, session_id))
        return users.principal_of(found[1], session_id) if found and self._is_alive(*found, now_us) else None

    async def sign_out(self, token: str, where: str = "") -> None:
        """End this session; a token that opens nothing is no error."""
        hashed = token_hash(token)

        def work(connection: Connection, writer: AuditWriter) -> None:
            found = users.find_session(connection, hashed)
            if found is not None:
                info, user = found
                users.end_session(connection, info.id)
                writer.append(_entry(users.principal_of(user, info.id), "session.close", user, where))

        await self._audit.transact(work)

    async def sessions(self, user_id: PrincipalId) -> list[SessionInfo]:
        """Where a user is signed in, the session used last first; those whose time is over are left out."""
        now_us = self._clock.now_us()
        user, found = await self._database.read(
            lambda connection: (
                users.credentials_of(connection, user_id).user,
                users.list_sessions(connection, user_id),
            )
        )
        return [info for info in found if self._is_alive(info, user, now_us)]

    async def revoke(self, session_id: SessionId, by: Principal, where: str = "") -> None:
        """End a session: one's own, or anybody's with `user.manage`."""

        def work(connection: Connection, writer: AuditWriter) -> None:
            info = users.session_of(connection, session_id)
            if info.user_id != by.id:
                authorise(by, Permission.USER_MANAGE)
            users.end_session(connection, session_id)
            user = users.credentials_of(connection, info.user_id).user
            writer.append(_entry(by, "session.revoke", user, where))

        await self._audit.transact(work)

    async def change_password(self, token: str, old: str, new: str, where: str) -> None:
        """Set one's own password; every other session of the user ends. DENIED if `old` is wrong."""
        principal = await self.session(token)
        key = users.name_key(principal.name)
        self._throttle.begin(where, key)
        found = await self._database.read(lambda connection: users.credentials_of(connection, principal.id))
        if not await self._hasher.verify(found.password_hash, old, known=True):
            await self._audit.append(
                replace(_entry(principal, "user.change_password", found.user, where), outcome=Outcome.REFUSED)
            )
            raise AppError(ErrorKind.DENIED, "The present password is wrong. Nothing was changed.")
        self._throttle.succeeded(where, key)
        check_password(new, principal.name)
        new_hash = await self._hasher.hash(new)

        def work(connection: Connection, writer: AuditWriter) -> None:
            users.update_password(connection, principal.id, new_hash, self._clock.now_us())
            users.end_sessions(connection, principal.id, but=principal.session_id)
            writer.append(_entry(principal, "user.change_password", found.user, where))

        await self._audit.transact(work)

    # -- users

    async def users(self) -> list[User]:
        """Everybody with an account."""
        return await self._database.read(users.list_users)

    async def create_user(
        self, name: str, password: str, roles: Iterable[Role], by: Principal, where: str = ""
    ) -> User:
        """A new account; needs `user.manage`. CONFLICT for a taken name, INVALID with what to change."""
        authorise(by, Permission.USER_MANAGE)
        tidy, granted = users.tidy_name(name), users.some_role(roles)
        check_password(password, tidy)
        password_hash = await self._hasher.hash(password)

        def work(connection: Connection, writer: AuditWriter) -> User:
            user = users.insert_user(connection, tidy, password_hash, granted, self._clock.now_us())
            writer.append(_entry(by, "user.create", user, where))
            return user

        return await self._audit.transact(work)

    async def set_roles(
        self, user_id: PrincipalId, roles: Iterable[Role], by: Principal, where: str = ""
    ) -> User:
        """What a user may do from the next request on; the last administrator stays one (CONFLICT)."""
        authorise(by, Permission.USER_MANAGE)
        granted = users.some_role(roles)

        def work(connection: Connection, writer: AuditWriter) -> User:
            user = users.credentials_of(connection, user_id).user
            if Role.ADMINISTRATOR not in granted:
                users.refuse_last_administrator(connection, user)
            users.update_roles(connection, user_id, granted)
            changed = replace(user, roles=granted)
            writer.append(_entry(by, "user.set_roles", changed, where))
            return changed

        return await self._audit.transact(work)

    async def set_password(self, user_id: PrincipalId, new: str, by: Principal, where: str = "") -> None:
        """Set somebody's password; needs `user.manage`. All sessions of that user end."""
        authorise(by, Permission.USER_MANAGE)
        user = (await self._database.read(lambda connection: users.credentials_of(connection, user_id))).user
        check_password(new, user.name)
        new_hash = await self._hasher.hash(new)

        def work(connection: Connection, writer: AuditWriter) -> None:
            users.update_password(connection, user_id, new_hash, self._clock.now_us())
            users.end_sessions(connection, user_id)
            writer.append(_entry(by, "user.set_password", user, where))

        await self._audit.transact(work)

    async def disable_user(self, user_id: PrincipalId, by: Principal, where: str = "") -> None:
        """Shut a user out at once; the account stays for the audit. CONFLICT for the last administrator."""
        authorise(by, Permission.USER_MANAGE)

        def work(connection: Connection, writer: AuditWriter) -> None:
            user = users.credentials_of(connection, user_id).user
            users.refuse_last_administrator(connection, user)
            users.update_disabled(connection, user_id, self._clock.now_us())
            users.end_sessions(connection, user_id)
            writer.append(_entry(by, "user.disable", user, where))

        await self._audit.transact(work)

    async def enable_user(self, user_id: PrincipalId, by: Principal, where: str = "") -> None:
        """Let a user in again."""
        authorise(by, Permission.USER_MANAGE)

        def work(connection: Connection, writer: AuditWriter) -> None:
            user = users.credentials_of(connection, user_id).user
            users.update_disabled(connection, user_id, None)
            writer.append(_entry(by, "user.enable", user, where))

        await self._audit.transact(work)

    # -- inside

    def _fresh_session(self, where: str) -> "_FreshSession":
        now_us = self._clock.now_us()
        return _FreshSession(
            SessionId(new_id()), new_token(), now_us, now_us + self._settings.session_us, where
        )

    def _insert_session(self, connection: Connection, fresh: "_FreshSession", user: User) -> None:
        session = NewSession(
            fresh.id, user.id, token_hash(fresh.token.reveal()), fresh.now_us, fresh.expires_us, fresh.where
        )
        users.insert_session(connection, session, self._settings.sessions_per_user)

    def _session(self, user: User, fresh: "_FreshSession") -> Session:
        return Session(
            fresh.token,
            csrf_token(fresh.token.reveal()),
            users.principal_of(user, fresh.id),
            fresh.now_us,
            fresh.expires_us,
        )

    def _is_alive(self, info: SessionInfo, user: User, now_us: int) -> bool:
        idle_us = now_us - info.seen_us
        return user.disabled_us is None and now_us < info.expires_us and idle_us < self._settings.idle_us

    async def _touch(self, info: SessionInfo, now_us: int) -> None:
        """With a database that cannot be written people stay signed in; idle time is then counted wrong."""
        try:
            await self._database.write(lambda connection: users.touch_session(connection, info.id, now_us))
        except AppError as error:
            _log.warning("cannot note the use of a session", reason=error.kind)

    async def _refuse_sign_in(self, found: Credentials | None, where: str) -> None:
        """An unknown name is not written down: it may be a password typed into the wrong field."""
        account = "user unknown" if found is None else f"user {found.user.id}"
        await self._audit.append(AuditEntry(_STRANGER, "session.open", account, "", Outcome.REFUSED, where))
        raise _wrong_credentials()

    async def _renew_hash(self, found: Credentials, password: str) -> None:
        if not self._hasher.is_outdated(found.password_hash):
            return
        new_hash, now_us = await self._hasher.hash(password), self._clock.now_us()
        await self._database.write(
            lambda connection: users.update_password(connection, found.user.id, new_hash, now_us)
        )


@dataclass(frozen=True, slots=True)
class _FreshSession:
    id: SessionId
    token: Secret
    now_us: int
    expires_us: int
    where: str


def _wrong_credentials() -> AppError:
    return AppError(
        ErrorKind.UNAUTHENTICATED,
        "Name or password is wrong. Check both; an administrator of this site can set a new password.",
    )


def _entry(who: Principal, what: str, user: User, where: str) -> AuditEntry:
    details = {"name": user.name, "roles": sorted(user.roles)}
    return AuditEntry(who, what, f"user {user.id}", "", Outcome.DONE, where, details)
