"""Who asks, and what a role may do. Frozen values and pure rules."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NewType
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId, new_id

SessionId = NewType("SessionId", UUID)


class PrincipalKind(StrEnum):
    """What sort of someone it is."""

    PERSON = "person"
    PROCESS = "process"
    TOKEN = "token"  # noqa: S105  a kind, no password


class Role(StrEnum):
    """A bundle of permissions."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    VIEWER = "viewer"
    DATA_PROTECTION_OFFICER = "data_protection_officer"

    @property
    def words(self) -> str:
        """The role in words."""
        return self.value.replace("_", " ")


class Permission(StrEnum):
    """A single right; its meaning in words stands in `PERMISSIONS`."""

    CHANNEL_LIST = "channel.list"
    CAMERA_ADD = "camera.add"
    CAMERA_EDIT = "camera.edit"
    CAMERA_REMOVE = "camera.remove"
    CAMERA_STEER = "camera.steer"
    VIDEO_LIVE = "video.live"
    VIDEO_PLAYBACK = "video.playback"
    VIDEO_EXPORT = "video.export"
    AUDIT_READ = "audit.read"
    SYSTEM_READ = "system.read"
    SYSTEM_MANAGE = "system.manage"
    USER_READ = "user.read"
    USER_MANAGE = "user.manage"
    TOKEN_MANAGE = "token.manage"  # noqa: S105  a permission, no password
    PRIVACY_READ = "privacy.read"
    PRIVACY_MANAGE = "privacy.manage"
    EVENT_READ = "event.read"
    ALARM_HANDLE = "alarm.handle"
    RULE_READ = "rule.read"
    RULE_MANAGE = "rule.manage"
    EVIDENCE_HOLD = "evidence.hold"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a permission allows, in words that complete "you may not …", and which roles have it."""

    words: str
    roles: frozenset[Role]
    per_channel: bool = False
    """True if it can be had for some channels alone; the others are for the whole site or not at all."""


_A, _O, _V, _D = Role.ADMINISTRATOR, Role.OPERATOR, Role.VIEWER, Role.DATA_PROTECTION_OFFICER

PERMISSIONS: MappingProxyType[Permission, Grant] = MappingProxyType(
    {
        Permission.CHANNEL_LIST: Grant(
            "see which cameras there are", frozenset({_A, _O, _V, _D}), per_channel=True
        ),
        Permission.CAMERA_ADD: Grant("add cameras", frozenset({_A})),
        Permission.CAMERA_EDIT: Grant("change cameras", frozenset({_A}), per_channel=True),
        Permission.CAMERA_REMOVE: Grant("remove cameras", frozenset({_A}), per_channel=True),
        Permission.CAMERA_STEER: Grant("move cameras", frozenset({_A, _O}), per_channel=True),
        Permission.VIDEO_LIVE: Grant("watch live pictures", frozenset({_A, _O, _V}), per_channel=True),
        Permission.VIDEO_PLAYBACK: Grant("play back recordings", frozenset({_A, _O}), per_channel=True),
        Permission.VIDEO_EXPORT: Grant("download recordings", frozenset({_A, _O}), per_channel=True),
        Permission.AUDIT_READ: Grant("read the audit log", frozenset({_A, _D})),
        Permission.SYSTEM_READ: Grant("see the state of the system", frozenset({_A, _O, _D})),
        Permission.SYSTEM_MANAGE: Grant("change settings of the system", frozenset({_A})),
        Permission.USER_READ: Grant("see who may do what", frozenset({_A, _D})),
        Permission.USER_MANAGE: Grant("manage users", frozenset({_A})),
        Permission.TOKEN_MANAGE: Grant("make tokens for programs", frozenset({_A})),
        Permission.PRIVACY_READ: Grant("read the register of purposes", frozenset({_A, _D})),
        Permission.PRIVACY_MANAGE: Grant("change the register of purposes", frozenset({_A})),
        Permission.EVENT_READ: Grant("read what happened", frozenset({_A, _O, _V}), per_channel=True),
        Permission.ALARM_HANDLE: Grant("handle alarms", frozenset({_A, _O}), per_channel=True),
        Permission.RULE_READ: Grant("read analytics and rules", frozenset({_A, _O, _D}), per_channel=True),
        Permission.RULE_MANAGE: Grant("change rules", frozenset({_A})),
        Permission.EVIDENCE_HOLD: Grant("hold recordings as evidence", frozenset({_A, _O}), per_channel=True),
    }
)
"""The table that decides. The data protection officer sees everything about processing, and no pictures."""


@dataclass(frozen=True, slots=True)
class ScopedRole:
    """A role on some channels only, in force at this moment."""

    role: Role
    channels: frozenset[ChannelId]
    group_id: UUID | None = None
    """The group whose channels they are, if it was given on a group."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: travels as an argument to every call that needs a permission. True for one moment only."""

    id: PrincipalId
    """Of a person or process; of a token its own, not its owner's."""
    name: str
    kind: PrincipalKind
    roles: frozenset[Role]
    """On the whole site."""
    session_id: SessionId | None = None
    grants: tuple[ScopedRole, ...] = ()
    limits: frozenset[Permission] | None = None
    """The only permissions that hold, whatever the roles; None: no limit."""
    token_channels: frozenset[ChannelId] | None = None
    """The only channels that are there for a token; None: no limit."""
    owner_id: PrincipalId | None = None
    """Whose token it is."""

    def roles_on(self, channel: ChannelId) -> frozenset[Role]:
        """The roles that count for this channel: of the site, and of grants that cover it."""
        if self.token_channels is not None and channel not in self.token_channels:
            return frozenset()
        return self.roles | {grant.role for grant in self.grants if channel in grant.channels}

    def is_or_belongs_to(self, person: PrincipalId) -> bool:
        """True for the person and for the person's tokens."""
        return person in {self.id, self.owner_id}


def terminal_principal(user_name: str) -> Principal:
    """Whoever runs the command line on this machine as the owner of the data folder: an administrator."""
    name = f"terminal ({user_name})"
    return Principal(PrincipalId(new_id()), name, PrincipalKind.PROCESS, frozenset({Role.ADMINISTRATOR}))


def channels_with(principal: Principal, permission: Permission | str) -> frozenset[ChannelId] | None:
    """The channels on which the permission holds; None means all, also those added later."""
    wanted = Permission(permission)
    grant = PERMISSIONS[wanted]
    if principal.limits is not None and wanted not in principal.limits:
        return frozenset()
    only = principal.token_channels
    if grant.roles & principal.roles:
        return only if grant.per_channel else frozenset() if only is not None else None
    if not grant.per_channel:
        return frozenset()
    covered = (scoped.channels for scoped in principal.grants if scoped.role in grant.roles)
    channels = frozenset[ChannelId]().union(*covered)
    return channels if only is None else channels & only


def permissions_of(principal: Principal, channel: ChannelId | None = None) -> tuple[Permission, ...]:
    """What holds on the channel, or, if none is named, anywhere; in the order of the table."""
    return tuple(name for name in PERMISSIONS if _holds(channels_with(principal, name), channel))


def authorise(
    principal: Principal | None, permission: Permission | str, channel: ChannelId | None = None
) -> None:
    """Returns if the principal has the permission on the channel, or, if none is named, on the whole site.

    AppError(UNAUTHENTICATED) for nobody, AppError(DENIED) naming the permission and whom to ask. A permission
    that is not in the table is a mistake in the program: ValueError.
    """
    wanted = Permission(permission)
    held = channels_with(_somebody(principal), wanted)
    if held is not None and (channel is None or channel not in held):
        raise _denied(wanted, channel)


def authorise_somewhere(principal: Principal | None, permission: Permission | str) -> None:
    """Returns if the permission holds for the site or any channel: who passes must be asked again with one.

    For the door, which does not know yet which channel is meant; errors as `authorise`.
    """
    wanted = Permission(permission)
    if not _holds(channels_with(_somebody(principal), wanted), None):
        raise _denied(wanted, None)


def authorise_on(principal: Principal | None, permission: Permission | str, channel: ChannelId) -> None:
    """As `authorise`, but a channel that the principal may not know of is AppError(MISSING).

    In the words for a channel that does not exist (`missing_channel`), so that nobody can try ids.
    """
    known = channels_with(_somebody(principal), Permission.CHANNEL_LIST)
    held = channels_with(_somebody(principal), permission)
    if not _holds(known, channel) and not _holds(held, channel) and _holds(held, None):
        raise missing_channel()
    authorise(principal, permission, channel)


def missing_channel() -> AppError:
    """One and the same for a channel that is not there and for one that is nobody's business."""
    return AppError(ErrorKind.MISSING, "There is no such camera. It may be of another site; reload the list.")


def _holds(held: frozenset[ChannelId] | None, channel: ChannelId | None) -> bool:
    return held is None or (bool(held) if channel is None else channel in held)


def _somebody(principal: Principal | None) -> Principal:
    if principal is None:
        raise AppError(
            ErrorKind.UNAUTHENTICATED, "You are not signed in, or your session has ended. Sign in."
        )
    return principal


def _denied(permission: Permission, channel: ChannelId | None) -> AppError:
    grant = PERMISSIONS[permission]
    where = "" if channel is None else f" of channel {channel}"
    roles = " or ".join(sorted(role.words for role in grant.roles))
    return AppError(
        ErrorKind.DENIED,
        f"You may not {grant.words}{where}: your account lacks the permission {permission.value}. "
        f"Ask an administrator of this site for a role that has it ({roles}).",
    )
