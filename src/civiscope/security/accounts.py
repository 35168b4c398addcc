"""People at the door: the first administrator, invitations, signing in; and what stands behind them.

Every change and every refusal is in the audit chain, written in the same transaction as the change itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from civiscope.base import AppError, Clock, ErrorKind, PrincipalId
from civiscope.security import invitations, users
from civiscope.security.accountsettings import AccountSettings
from civiscope.security.api_tokens import ApiTokens, TokenId
from civiscope.security.audit import AuditLog
from civiscope.security.auditwriter import AuditWriter
from civiscope.security.chain import AuditEntry, Outcome
from civiscope.security.factors import SecondFactorError, SecondFactors
from civiscope.security.grants import ScopeBook
from civiscope.security.model import Principal, PrincipalKind, Role, SessionId
from civiscope.security.passkeys import Passkeys
from civiscope.security.passwordproof import PasswordProof
from civiscope.security.passwords import PasswordHasher, check_password
from civiscope.security.people import People
from civiscope.security.secret import Secret
from civiscope.security.sessions import STRANGER, Ground, Session, Sessions, refused, user_entry
from civiscope.security.throttle import Throttle
from civiscope.security.tokens import code_hash, new_code
from civiscope.security.users import Credentials, SessionInfo, User
from civiscope.security.vault import Vault
from civiscope.storage import Connection, Database

_SETUP_USE = b"set-up code"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SetupCode:
    """The one-time code that makes the first administrator; printed once, on the terminal."""

    code: Secret
    expires_us: int


class Accounts:
    """The register of people and their sessions; for one event loop. `where` is the peer's address."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        clock: Clock,
        settings: AccountSettings | None = None,
        *,
        scopes: ScopeBook | None = None,
        factor_vault: Vault | None = None,
    ) -> None:
        self._settings = settings or AccountSettings()
        self._ground = Ground(database, audit, clock, self._settings, scopes or ScopeBook())
        self._database = database
        self._audit = audit
        self._clock = clock
        self._hasher = PasswordHasher(self._settings.hashing)
        self._throttle = Throttle(clock, self._settings.throttle)
        self._sessions = Sessions(self._ground)
        self._proof = PasswordProof(self._ground, self._hasher, self._throttle)
        self.people = People(self._ground, self._hasher)
        self.factors = SecondFactors(self._ground, factor_vault, self._proof, self._throttle)
        self.passkeys = Passkeys(self._ground, self._sessions, self._proof, self._throttle)
        self.tokens = ApiTokens(self._ground)

    @property
    def scopes(self) -> ScopeBook:
        """Where `app` puts the channels of the groups and the site's zone."""
        return self._ground.scopes

    def close(self) -> None:
        """End the thread that hashes; sign-ins after this fail."""
        self._hasher.close()

    # -- the first administrator

    async def setup_needed(self) -> bool:
        """True as long as nobody can administrate this site."""
        return not await self._database.read(users.has_administrator)

    async def issue_setup_code(self) -> SetupCode:
        """A new code; the one before is not good any more. CONFLICT once there is an administrator."""
        code, now_us = new_code(), self._clock.now_us()
        expires_us = now_us + self._settings.setup_code_us

        def work(connection: Connection, writer: AuditWriter) -> None:
            users.refuse_second_setup(connection)
            users.write_setup_code(connection, code_hash(_SETUP_USE, code.reveal()), now_us, expires_us)
            writer.append(AuditEntry("civiscope", "setup.issue_code", "site"))

        await self._audit.transact(work)
        return SetupCode(code, expires_us)

    async def create_first_administrator(self, code: str, name: str, password: str, where: str) -> Session:
        """Use the code up. CONFLICT when done before, DENIED for a wrong or expired code, INVALID."""
        self._throttle.begin(where, "setup code")
        await self._database.read(users.refuse_second_setup)
        await self._check_code(
            lambda connection: self._refuse_wrong_code(connection, code),
            "setup.first_administrator",
            where,
        )
        tidy = users.tidy_name(name)
        check_password(password, tidy)
        password_hash = await self._hasher.hash(password)
        fresh = self._sessions.fresh(where)

        def work(connection: Connection, writer: AuditWriter) -> Principal:
            users.refuse_second_setup(connection)
            self._refuse_wrong_code(connection, code)
            user = users.insert_user(connection, tidy, password_hash, [Role.ADMINISTRATOR], fresh.now_us)
            users.delete_setup_code(connection)
            principal = self._sessions.insert(connection, fresh, user)
            writer.append(user_entry(principal, "setup.first_administrator", user, where))
            return principal

        principal = await self._audit.transact(work)
        self._throttle.succeeded(where, "setup code")
        return fresh.for_(principal)

    async def accept_invitation(self, code: str, password: str, where: str) -> Session:
        """Choose a password with the code, which is used up, and sign in. DENIED for a wrong or expired code.

        Who has a phone for codes signs in with one afterwards: SecondFactorError, the password is set.
        """
        self._throttle.begin(where, "invitation code")
        now_us = self._clock.now_us()
        user = await self._check_code(
            lambda connection: invitations.invited_user(connection, code, now_us),
            "user.accept_invitation",
            where,
        )
        check_password(password, user.name)
        password_hash = await self._hasher.hash(password)
        fresh = self._sessions.fresh(where)
        needs_code = await self.factors.needs_code(user.id)

        def work(connection: Connection, writer: AuditWriter) -> Principal:
            invited = invitations.invited_user(connection, code, fresh.now_us)
            users.update_password(connection, invited.id, password_hash, fresh.now_us)
            users.end_sessions(connection, invited.id)
            invitations.delete_invitation(connection, invited.id)
            writer.append(
                user_entry(users.principal_of(invited, None), "user.accept_invitation", invited, where)
            )
            if needs_code:
                return users.principal_of(invited, None)
            principal = self._sessions.insert(connection, fresh, invited)
            writer.append(user_entry(principal, "session.open", invited, where))
            return principal

        principal = await self._audit.transact(work)
        self._throttle.succeeded(where, "invitation code")
        if needs_code:
            raise SecondFactorError("Your password is set. Sign in with it and a code from your phone.")
        return fresh.for_(principal)

    # -- signing in and out

    async def sign_in(self, name: str, password: str, where: str, code: str | None = None) -> Session:
        """A new session. One and the same AppError(UNAUTHENTICATED), after the same work, for every reason.

        SecondFactorError when the password was right and a code is needed or wrong. TooManyAttemptsError when
        tries come too fast from there; EXHAUSTED when too many wait.
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
        user = found.user
        needs_code = await self.factors.needs_code(user.id)
        if needs_code:
            self._throttle.take_back(where, key)
            if not code:
                raise SecondFactorError("Type the code that your phone shows now, or a recovery code.")
            self.factors.pace(user.id, where, code)
        session = await self._open(found, code or "", where)
        self._throttle.succeeded(where, key)
        if needs_code:
            self.factors.accepted(user.id, where)
        await self._renew_hash(found, password)
        return session

    async def _open(self, found: Credentials, code: str, where: str) -> Session:
        user, fresh = found.user, self._sessions.fresh(where)

        def work(connection: Connection, writer: AuditWriter) -> Principal:
            if users.credentials_of(connection, user.id) != found:
                raise _wrong_credentials()
            self.factors.use_code(connection, user.id, code)
            principal = self._sessions.insert(connection, fresh, user)
            writer.append(user_entry(principal, "session.open", user, where))
            return principal

        try:
            principal = await self._audit.transact(work)
        except SecondFactorError:
            await self._audit.append(refused(user_entry(STRANGER, "session.open", user, where)))
            raise
        return fresh.for_(principal)

    async def session(self, token: str) -> Principal:
        """Whose session it is, with the rights of this moment; AppError(UNAUTHENTICATED) once it ended."""
        return await self._sessions.by_token(token)

    async def principal_of(self, session_id: SessionId) -> Principal | None:
        """Whose session it is, with the rights of this moment; None once it ended. No use of it."""
        return await self._sessions.by_id(session_id)

    async def principal_now(self, principal: Principal) -> Principal | None:
        """The same person or token with the rights of this moment; None once the session or token is over."""
        if principal.kind is PrincipalKind.TOKEN:
            return await self.tokens.by_id(TokenId(principal.id))
        return None if principal.session_id is None else await self.principal_of(principal.session_id)

    async def sign_out(self, token: str, where: str = "") -> None:
        """End this session; a token that opens nothing is no error."""
        await self._sessions.end(token, where)

    async def sessions(self, user_id: PrincipalId) -> list[SessionInfo]:
        """Where a user is signed in, the session used last first; those whose time is over are left out."""
        return await self._sessions.of_user(user_id)

    async def session_counts(self) -> dict[PrincipalId, int]:
        """How many sessions each user has now; those without any are left out."""
        return await self._sessions.counts()

    async def revoke(
        self, session_id: SessionId, by: Principal, where: str = "", of: PrincipalId | None = None
    ) -> None:
        """End a session: one's own, or with `user.manage` that of a user (`of`); else MISSING."""
        await self._sessions.revoke(session_id, by, where, of)

    async def change_password(self, token: str, old: str, new: str, where: str) -> None:
        """Set one's own password; every other session of the user ends. DENIED if `old` is wrong."""
        principal = await self.session(token)
        found = await self._proof.check(principal, old, "user.change_password", where)
        check_password(new, principal.name)
        new_hash = await self._hasher.hash(new)

        def work(connection: Connection, writer: AuditWriter) -> None:
            users.update_password(connection, principal.id, new_hash, self._clock.now_us())
            users.end_sessions(connection, principal.id, but=principal.session_id)
            writer.append(user_entry(principal, "user.change_password", found.user, where))

        await self._audit.transact(work)

    async def users(self) -> list[User]:
        """Everybody with an account."""
        return await self._database.read(users.list_users)

    # -- inside

    async def _check_code(self, check: Callable[[Connection], _T], what: str, where: str) -> _T:
        try:
            return await self._database.read(check)
        except AppError:
            await self._audit.append(AuditEntry(STRANGER, what, "site", "", Outcome.REFUSED, where))
            raise

    def _refuse_wrong_code(self, connection: Connection, code: str) -> None:
        good = users.read_setup_code(connection, self._clock.now_us())
        if good is None or Secret(code_hash(_SETUP_USE, code).hex()) != Secret(good.hex()):
            raise AppError(
                ErrorKind.DENIED,
                "The set-up code is wrong, used or expired. Take the newest one from the server's terminal; "
                "`civiscope up` prints one as long as there is no administrator.",
            )

    async def _refuse_sign_in(self, found: Credentials | None, where: str) -> None:
        """An unknown name is not written down: it may be a password typed into the wrong field."""
        account = "user unknown" if found is None else f"user {found.user.id}"
        await self._audit.append(AuditEntry(STRANGER, "session.open", account, "", Outcome.REFUSED, where))
        raise _wrong_credentials()

    async def _renew_hash(self, found: Credentials, password: str) -> None:
        if not self._hasher.is_outdated(found.password_hash):
            return
        new_hash, now_us = await self._hasher.hash(password), self._clock.now_us()
        await self._database.write(
            lambda connection: users.update_password(connection, found.user.id, new_hash, now_us)
        )


def _wrong_credentials() -> AppError:
    return AppError(
        ErrorKind.UNAUTHENTICATED,
        "Name or password is wrong. Check both; an administrator of this site can set a new password.",
    )
