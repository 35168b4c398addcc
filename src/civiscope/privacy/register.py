"""The register that every look is checked against."""

import re
from dataclasses import dataclass, replace

from civiscope.base import AppError, ChannelId, Clock, ErrorKind, PrincipalId, new_id
from civiscope.privacy import rows
from civiscope.privacy.defaults import DEFAULT_GRANTS, DEFAULT_PURPOSES
from civiscope.privacy.model import Function, Permit, PermitId, Purpose, permit_for
from civiscope.security import AuditEntry, AuditLog, AuditWriter, Permission, Principal, Role, authorise
from civiscope.storage import Connection, Database

_PURPOSE_ID = re.compile(r"[a-z][a-z0-9_]{1,62}")
_TITLE_LIMIT = 200
_LEGAL_BASIS_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class PermitDraft:
    """A permit to grant: to a role or to one principal, exactly one of the two."""

    purpose_id: str
    functions: frozenset[Function]
    role: Role | None = None
    principal_id: PrincipalId | None = None
    channels: frozenset[ChannelId] | None = None
    from_us: int | None = None
    """None means now."""
    until_us: int | None = None


class PurposeRegister:
    """Purposes and permits in the database of the server; every question reads what is in force now."""

    def __init__(self, database: Database, audit: AuditLog, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    async def check(
        self,
        principal: Principal,
        purpose_id: str,
        function: Function,
        channel_id: ChannelId,
        now_us: int | None = None,
    ) -> Permit:
        """The permit that allows it now; AppError(DENIED) in plain words if there is none.

        A look that lasts asks again: the permit may be revoked, or end (`until_us`).
        """
        if not _PURPOSE_ID.fullmatch(purpose_id):
            raise _unknown_purpose(function)
        purpose, permits = await self._database.read(
            lambda connection: (
                rows.find_purpose(connection, purpose_id),
                rows.list_permits(connection, purpose_id),
            )
        )
        if purpose is None:
            raise _unknown_purpose(function)
        if function not in purpose.functions:
            raise AppError(
                ErrorKind.DENIED,
                f'You may not {function.words} for the purpose "{purpose.title}": '
                "the purpose does not include it. Choose another purpose.",
            )
        moment_us = self._clock.now_us() if now_us is None else now_us
        permit = permit_for(permits, principal, function, channel_id, moment_us)
        if permit is None:
            raise AppError(
                ErrorKind.DENIED,
                f'You may not {function.words} of this camera for the purpose "{purpose.title}": '
                "no permit for you is in force. Choose another purpose, or ask an administrator of this site "
                "for a permit.",
            )
        return permit

    async def purposes_of(self, principal: Principal, now_us: int | None = None) -> list[Purpose]:
        """The purposes the principal may look for now, each with the functions granted on any channel."""
        purposes, permits = await self._database.read(
            lambda connection: (rows.list_purposes(connection), rows.list_permits(connection))
        )
        moment_us = self._clock.now_us() if now_us is None else now_us
        mine = [
            permit
            for permit in permits
            if permit.is_for_somewhere(principal) and permit.is_in_force(moment_us)
        ]
        granted = (
            replace(purpose, functions=purpose.functions & _functions(mine, purpose.id))
            for purpose in purposes
        )
        return [purpose for purpose in granted if purpose.functions]

    async def purposes(self) -> list[Purpose]:
        """The whole register of purposes."""
        return await self._database.read(rows.list_purposes)

    async def permits(self) -> list[Permit]:
        """The whole register of permits, ended ones too."""
        return await self._database.read(rows.list_permits)

    async def declare_purpose(self, purpose: Purpose, by: Principal, where: str = "") -> None:
        """Add a purpose, or change the words and functions of one; needs `privacy.manage`."""
        authorise(by, Permission.PRIVACY_MANAGE)
        _check_purpose(purpose)
        details = {
            "title": purpose.title,
            "basis": purpose.legal_basis,
            "functions": sorted(purpose.functions),
        }

        def work(connection: Connection, writer: AuditWriter) -> None:
            rows.write_purpose(connection, purpose, self._clock.now_us())
            writer.append(
                AuditEntry(
                    by,
                    "purpose.declare",
                    f"purpose {purpose.id}",
                    purpose.id,
                    from_where=where,
                    details=details,
                )
            )

        await self._audit.transact(work)

    async def grant(self, draft: PermitDraft, by: Principal, where: str = "") -> Permit:
        """Put a permit in force; needs `privacy.manage`. MISSING purpose, INVALID with what to change."""
        authorise(by, Permission.PRIVACY_MANAGE)
        now_us = self._clock.now_us()
        permit = _permit(draft, now_us)

        def work(connection: Connection, writer: AuditWriter) -> None:
            purpose = rows.purpose_of(connection, draft.purpose_id)
            if not permit.functions <= purpose.functions:
                raise AppError(
                    ErrorKind.INVALID,
                    f'The purpose "{purpose.title}" does not include everything this permit would. '
                    "Leave it out, or declare the purpose with it first.",
                )
            rows.insert_permit(connection, permit)
            writer.append(_permit_entry(by, "permit.grant", permit, where))

        await self._audit.transact(work)
        return permit

    async def revoke(self, permit_id: PermitId, by: Principal, where: str = "") -> None:
        """End a permit for good; needs `privacy.manage`. Looks under it end with their next check."""
        authorise(by, Permission.PRIVACY_MANAGE)

        def work(connection: Connection, writer: AuditWriter) -> None:
            permit = rows.permit_of(connection, permit_id)
            if permit.revoked_us is None:
                rows.revoke_permit(connection, permit_id, self._clock.now_us())
                writer.append(_permit_entry(by, "permit.revoke", permit, where))

        await self._audit.transact(work)

    async def seed_defaults(self) -> bool:
        """On the first start put the default purposes and permits in force; True if it did.

        A register that was ever written is left as it is: what a site revoked stays revoked.
        """
        now_us = self._clock.now_us()

        def work(connection: Connection, writer: AuditWriter) -> bool:
            if rows.list_purposes(connection):
                return False
            for place, purpose in enumerate(DEFAULT_PURPOSES):
                rows.write_purpose(connection, purpose, now_us + place)
            for default in DEFAULT_GRANTS:
                draft = PermitDraft(default.purpose_id, default.functions, role=default.role)
                rows.insert_permit(connection, _permit(draft, now_us))
            ids = [purpose.id for purpose in DEFAULT_PURPOSES]
            writer.append(AuditEntry("civiscope", "purpose.seed", "register", details={"purposes": ids}))
            return True

        return await self._audit.transact(work)


def _functions(permits: list[Permit], purpose_id: str) -> frozenset[Function]:
    found = (permit.functions for permit in permits if permit.purpose_id == purpose_id)
    return frozenset().union(*found)


def _unknown_purpose(function: Function) -> AppError:
    return AppError(
        ErrorKind.DENIED,
        f"You may not {function.words} without a purpose of this site's register. Choose one from the list.",
    )


def _check_purpose(purpose: Purpose) -> None:
    if not _PURPOSE_ID.fullmatch(purpose.id):
        raise AppError(
            ErrorKind.INVALID,
            "The id of a purpose has 2 to 63 small letters, digits and _: like public_safety.",
        )
    if not purpose.title.strip() or len(purpose.title) > _TITLE_LIMIT:
        raise AppError(ErrorKind.INVALID, f"A purpose needs a title of at most {_TITLE_LIMIT} characters.")
    if not purpose.legal_basis.strip() or len(purpose.legal_basis) > _LEGAL_BASIS_LIMIT:
        raise AppError(
            ErrorKind.INVALID,
            f"A purpose needs its legal basis in words, at most {_LEGAL_BASIS_LIMIT} characters: "
            "the law, the article, the decision.",
        )
    if not purpose.functions:
        raise AppError(ErrorKind.INVALID, "A purpose needs at least one of live, playback, export.")


def _permit(draft: PermitDraft, now_us: int) -> Permit:
    from_us = now_us if draft.from_us is None else draft.from_us
    if (draft.role is None) == (draft.principal_id is None):
        raise AppError(ErrorKind.INVALID, "A permit is for a role or for one person: name one of the two.")
    if not draft.functions:
        raise AppError(ErrorKind.INVALID, "A permit needs at least one of live, playback, export.")
    if draft.channels is not None and not draft.channels:
        raise AppError(ErrorKind.INVALID, "A permit needs at least one channel, or all of them.")
    if draft.until_us is not None and draft.until_us <= max(from_us, now_us):
        raise AppError(ErrorKind.INVALID, "A permit must end after it begins, and not in the past.")
    return Permit(
        PermitId(new_id()),
        draft.purpose_id,
        draft.role,
        draft.principal_id,
        draft.channels,
        draft.functions,
        from_us,
        draft.until_us,
    )


def _permit_entry(by: Principal, what: str, permit: Permit, where: str) -> AuditEntry:
    holder = f"role {permit.role}" if permit.role is not None else f"principal {permit.principal_id}"
    channels = "all" if permit.channels is None else sorted(str(channel) for channel in permit.channels)
    details = {
        "holder": holder,
        "channels": channels,
        "functions": sorted(permit.functions),
        "from_us": permit.from_us,
        "until_us": permit.until_us,
    }
    return AuditEntry(by, what, f"permit {permit.id}", permit.purpose_id, from_where=where, details=details)
