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


@dataclass(frozen=True, slots=True)
class Grant:
    """What a permission allows, in words that complete "you may not …", and which roles have it."""

    words: str
    roles: frozenset[Role]


_A, _O, _V, _D = Role.ADMINISTRATOR, Role.OPERATOR, Role.VIEWER, Role.DATA_PROTECTION_OFFICER

PERMISSIONS: MappingProxyType[Permission, Grant] = MappingProxyType(
    {
        Permission.CHANNEL_LIST: Grant("see which cameras there are", frozenset({_A, _O, _V, _D})),
        Permission.CAMERA_ADD: Grant("add cameras", frozenset({_A})),
        Permission.CAMERA_EDIT: Grant("change cameras", frozenset({_A})),
        Permission.CAMERA_REMOVE: Grant("remove cameras", frozenset({_A})),
        Permission.CAMERA_STEER: Grant("move cameras", frozenset({_A, _O})),
        Permission.VIDEO_LIVE: Grant("watch live pictures", frozenset({_A, _O, _V})),
        Permission.VIDEO_PLAYBACK: Grant("play back recordings", frozenset({_A, _O})),
        Permission.VIDEO_EXPORT: Grant("download recordings", frozenset({_A, _O})),
        Permission.AUDIT_READ: Grant("read the audit log", frozenset({_A, _D})),
        Permission.SYSTEM_READ: Grant("see the state of the system", frozenset({_A, _O, _D})),
        Permission.SYSTEM_MANAGE: Grant("change settings of the system", frozenset({_A})),
        Permission.USER_READ: Grant("see who may do what", frozenset({_A, _D})),
        Permission.USER_MANAGE: Grant("manage users", frozenset({_A})),
        Permission.TOKEN_MANAGE: Grant("make tokens for programs", frozenset({_A})),
        Permission.PRIVACY_READ: Grant("read the register of purposes", frozenset({_A, _D})),
        Permission.PRIVACY_MANAGE: Grant("change the register of purposes", frozenset({_A})),
    }
)
"""The table that decides. The data protection officer sees everything about processing, and no pictures."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: travels as an argument to every call that needs a permission."""

    id: PrincipalId
    name: str
    kind: PrincipalKind
    roles: frozenset[Role]
    session_id: SessionId | None = None


def terminal_principal(user_name: str) -> Principal:
    """Whoever runs the command line on this machine as the owner of the data folder: an administrator."""
    name = f"terminal ({user_name})"
    return Principal(PrincipalId(new_id()), name, PrincipalKind.PROCESS, frozenset({Role.ADMINISTRATOR}))


def permissions_of(principal: Principal) -> tuple[Permission, ...]:
    """Everything the principal's roles allow, in the order of the table."""
    return tuple(name for name, grant in PERMISSIONS.items() if grant.roles & principal.roles)


def authorise(
    principal: Principal | None, permission: Permission | str, channel: ChannelId | None = None
) -> None:
    """Returns if the principal has the permission (on the channel, if one is named); else raises.

    AppError(UNAUTHENTICATED) for nobody, AppError(DENIED) naming the permission and whom to ask. A permission
    that is not in the table is a mistake in the program: ValueError.
    """
    wanted = Permission(permission)
    if principal is None:
        raise AppError(
            ErrorKind.UNAUTHENTICATED, "You are not signed in, or your session has ended. Sign in."
        )
    grant = PERMISSIONS[wanted]
    if grant.roles & principal.roles:
        return
    where = "" if channel is None else f" of channel {channel}"
    roles = " or ".join(sorted(role.words for role in grant.roles))
    raise AppError(
        ErrorKind.DENIED,
        f"You may not {grant.words}{where}: your account lacks the permission {wanted.value}. "
        f"Ask an administrator of this site for a role that has it ({roles}).",
    )
