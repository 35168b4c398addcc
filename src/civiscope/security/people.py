"""Accounts as administrators see them: invited, given roles, shut out; the last administrator stays one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from civiscope.base import AppError, ErrorKind, PrincipalId, new_id
from civiscope.security import factorrows, grantrows, invitations, users
from civiscope.security.auditwriter import AuditWriter
from civiscope.security.chain import AuditEntry, Outcome
from civiscope.security.factorrows import FactorState
from civiscope.security.grants import GrantDraft, GrantId, RoleGrant, check_draft
from civiscope.security.invitations import Invitation
from civiscope.security.model import Permission, Principal, Role, authorise
from civiscope.security.passwords import PasswordHasher, check_password
from civiscope.security.sessions import Ground, user_entry
from civiscope.security.tokens import new_code
from civiscope.security.users import User
from civiscope.storage import Connection

_NO_PASSWORD = ""


@dataclass(frozen=True, slots=True)
class UserOverview:
    """A user with what an administrator asks about."""

    user: User
    factors: FactorState


class People:
    """Accounts and their grants; each change needs `user.manage` and is in the audit. `where`: the peer."""

    def __init__(self, ground: Ground, hasher: PasswordHasher) -> None:
        self._ground = ground
        self._hasher = hasher

    async def overview(self) -> list[UserOverview]:
        """Everybody with an account, in the order they were made."""
        return await self._ground.database.read(
            lambda connection: [
                UserOverview(user, factorrows.state_of(connection, user.id))
                for user in users.list_users(connection)
            ]
        )

    async def user(self, user_id: PrincipalId) -> User:
        """One account; MISSING."""
        return (await self._ground.database.read(lambda c: users.credentials_of(c, user_id))).user

    async def sight_of(self, user_id: PrincipalId) -> Principal:
        """The person as who would ask at this moment, for "see as": without a session."""
        now_us = self._ground.clock.now_us()
        return await self._ground.database.read(
            lambda connection: grantrows.person(
                connection,
                users.credentials_of(connection, user_id).user,
                None,
                now_us,
                self._ground.scopes,
            )
        )

    async def invite(
        self, name: str, roles: Iterable[Role], by: Principal, where: str = ""
    ) -> tuple[User, Invitation]:
        """A new account, and the code by which its person chooses a password. CONFLICT for a taken name."""
        authorise(by, Permission.USER_MANAGE)
        tidy, granted, invitation = users.tidy_name(name), frozenset(roles), self._invitation()

        def work(connection: Connection, writer: AuditWriter) -> User:
            now_us = self._ground.clock.now_us()
            user = users.insert_user(connection, tidy, _NO_PASSWORD, granted, now_us)
            invitations.write_invitation(connection, user.id, invitation, now_us)
            writer.append(user_entry(by, "user.invite", user, where))
            return user

        return await self._ground.audit.transact(work), invitation

    async def invite_again(self, user_id: PrincipalId, by: Principal, where: str = "") -> Invitation:
        """A new code; the present password and all sessions end. CONFLICT for the last administrator."""
        authorise(by, Permission.USER_MANAGE)
        invitation = self._invitation()

        def work(connection: Connection, writer: AuditWriter) -> None:
            user = users.credentials_of(connection, user_id).user
            users.refuse_last_administrator(connection, user)
            now_us = self._ground.clock.now_us()
            users.update_password(connection, user_id, _NO_PASSWORD, now_us)
            users.end_sessions(connection, user_id)
            invitations.write_invitation(connection, user_id, invitation, now_us)
            writer.append(user_entry(by, "user.invite", user, where))

        await self._ground.audit.transact(work)
        return invitation

    async def create_user(
        self, name: str, password: str, roles: Iterable[Role], by: Principal, where: str = ""
    ) -> User:
        """A new account with a password, for the command line. CONFLICT for a taken name, INVALID."""
        authorise(by, Permission.USER_MANAGE)
        tidy, granted = users.tidy_name(name), frozenset(roles)
        check_password(password, tidy)
        password_hash = await self._hasher.hash(password)

        def work(connection: Connection, writer: AuditWriter) -> User:
            now_us = self._ground.clock.now_us()
            user = users.insert_user(connection, tidy, password_hash, granted, now_us)
            writer.append(user_entry(by, "user.create", user, where))
            return user

        return await self._ground.audit.transact(work)

    async def change(
        self,
        user_id: PrincipalId,
        by: Principal,
        where: str = "",
        *,
        roles: Iterable[Role] | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Roles on the whole site, and whether the account is shut out; None leaves as it is. All or nothing.

        Both take effect with the next request; a shut-out person's sessions end, the account stays for the
        audit. CONFLICT if nobody could administrate the site any more.
        """
        authorise(by, Permission.USER_MANAGE)
        granted = None if roles is None else frozenset(roles)

        def work(connection: Connection, writer: AuditWriter) -> User:
            user = users.credentials_of(connection, user_id).user
            if disabled or (granted is not None and Role.ADMINISTRATOR not in granted):
                users.refuse_last_administrator(connection, user)
            if granted is not None and granted != user.roles:
                users.update_roles(connection, user_id, granted)
                user = replace(user, roles=granted)
                writer.append(user_entry(by, "user.set_roles", user, where))
            if disabled is not None and disabled != (user.disabled_us is not None):
                user = self._set_disabled(connection, user, disabled=disabled)
                what = "user.disable" if disabled else "user.enable"
                writer.append(user_entry(by, what, user, where))
            return user

        return await self._ground.audit.transact(work)

    async def set_password(self, user_id: PrincipalId, new: str, by: Principal, where: str = "") -> None:
        """Set somebody's password, for the command line. All sessions of that user end."""
        authorise(by, Permission.USER_MANAGE)
        user = await self.user(user_id)
        check_password(new, user.name)
        new_hash = await self._hasher.hash(new)

        def work(connection: Connection, writer: AuditWriter) -> None:
            users.update_password(connection, user_id, new_hash, self._ground.clock.now_us())
            invitations.delete_invitation(connection, user_id)
            users.end_sessions(connection, user_id)
            writer.append(user_entry(by, "user.set_password", user, where))

        await self._ground.audit.transact(work)

    # -- roles on parts of the site

    async def grants_of(self, user_id: PrincipalId) -> list[RoleGrant]:
        """All grants of a user, also those not in force at this moment; MISSING user."""
        _, found = await self._ground.database.read(
            lambda c: (users.credentials_of(c, user_id), grantrows.list_grants(c, user_id))
        )
        return found

    async def grant(
        self, user_id: PrincipalId, draft: GrantDraft, by: Principal, where: str = ""
    ) -> RoleGrant:
        """Give a role on a part of the site, or for a time. INVALID in words; from the next request on."""
        authorise(by, Permission.USER_MANAGE)
        now_us = self._ground.clock.now_us()
        check_draft(draft, now_us)
        from_us = now_us if draft.from_us is None else draft.from_us
        given = RoleGrant(
            GrantId(new_id()), user_id, replace(draft, from_us=from_us), from_us, now_us, by.name
        )

        def work(connection: Connection, writer: AuditWriter) -> None:
            user = users.credentials_of(connection, user_id).user
            if len(grantrows.list_grants(connection, user_id)) >= self._ground.settings.grants_per_user:
                raise AppError(ErrorKind.CONFLICT, "This user has too many grants: use groups of cameras.")
            grantrows.insert_grant(connection, given)
            writer.append(_grant_entry(by, "user.grant", user, given, where))

        await self._ground.audit.transact(work)
        return given

    async def take_back(
        self, user_id: PrincipalId, grant_id: GrantId, by: Principal, where: str = ""
    ) -> None:
        """End a grant; looks under it end within seconds. MISSING."""
        authorise(by, Permission.USER_MANAGE)

        def work(connection: Connection, writer: AuditWriter) -> None:
            user = users.credentials_of(connection, user_id).user
            given = grantrows.grant_of(connection, user_id, grant_id)
            grantrows.delete_grant(connection, grant_id)
            writer.append(_grant_entry(by, "user.take_back", user, given, where))

        await self._ground.audit.transact(work)

    # -- inside

    def _set_disabled(self, connection: Connection, user: User, *, disabled: bool) -> User:
        disabled_us = self._ground.clock.now_us() if disabled else None
        users.update_disabled(connection, user.id, disabled_us)
        if disabled:
            users.end_sessions(connection, user.id)
        return replace(user, disabled_us=disabled_us)

    def _invitation(self) -> Invitation:
        return Invitation(new_code(), self._ground.clock.now_us() + self._ground.settings.invitation_us)


def _grant_entry(by: Principal, what: str, user: User, given: RoleGrant, where: str) -> AuditEntry:
    draft = given.draft
    details = {
        "name": user.name,
        "role": draft.role.value,
        "channel": None if draft.channel_id is None else str(draft.channel_id),
        "group": None if draft.group_id is None else str(draft.group_id),
        "profile": None if draft.profile is None else draft.profile.name,
        "from_us": given.from_us,
        "until_us": draft.until_us,
    }
    return AuditEntry(by, what, f"user {user.id}", "", Outcome.DONE, where, details)
