"""Roles and permissions: the whole table, and what a refusal says."""

import pytest

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId, new_id
from civiscope.security import (
    PERMISSIONS,
    Permission,
    Principal,
    PrincipalKind,
    Role,
    authorise,
    permissions_of,
    terminal_principal,
)

ALLOWED: dict[Role, set[str]] = {
    Role.ADMINISTRATOR: set(Permission),
    Role.OPERATOR: {
        "channel.list",
        "camera.steer",
        "video.live",
        "video.playback",
        "video.export",
        "system.read",
        "event.read",
        "alarm.handle",
        "rule.read",
        "evidence.hold",
    },
    Role.VIEWER: {"channel.list", "video.live", "event.read"},
    Role.DATA_PROTECTION_OFFICER: {
        "channel.list",
        "audit.read",
        "system.read",
        "user.read",
        "privacy.read",
        "rule.read",
    },
}


def person(*roles: Role) -> Principal:
    return Principal(PrincipalId(new_id()), "Someone", PrincipalKind.PERSON, frozenset(roles))


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("permission", list(Permission))
def test_the_table_cell_by_cell(role: Role, permission: Permission) -> None:
    if permission in ALLOWED[role]:
        authorise(person(role), permission, ChannelId(new_id()))
        assert permission in permissions_of(person(role))
        return
    with pytest.raises(AppError) as refused:
        authorise(person(role), permission.value)
    assert refused.value.kind is ErrorKind.DENIED
    assert permission.value in refused.value.message
    assert "Ask an administrator" in refused.value.message
    assert permission not in permissions_of(person(role))


def test_every_permission_is_in_the_table() -> None:
    assert set(PERMISSIONS) == set(Permission)


def test_the_data_protection_officer_sees_no_picture() -> None:
    for permission in permissions_of(person(Role.DATA_PROTECTION_OFFICER)):
        assert not permission.startswith("video.")


def test_roles_add_up() -> None:
    both = set(permissions_of(person(Role.VIEWER, Role.DATA_PROTECTION_OFFICER)))
    assert both == ALLOWED[Role.VIEWER] | ALLOWED[Role.DATA_PROTECTION_OFFICER]
    assert permissions_of(person()) == ()


def test_nobody_is_asked_to_sign_in() -> None:
    with pytest.raises(AppError, match="Sign in") as refused:
        authorise(None, Permission.CHANNEL_LIST)
    assert refused.value.kind is ErrorKind.UNAUTHENTICATED


def test_a_refusal_names_the_channel() -> None:
    channel = ChannelId(new_id())
    with pytest.raises(AppError, match=f"watch live pictures of channel {channel}"):
        authorise(person(), "video.live", channel)


@pytest.mark.parametrize("unknown", ["", "video", "VIDEO.LIVE", "video.live ", "*"])
def test_an_unknown_permission_is_never_granted(unknown: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Permission"):
        authorise(person(Role.ADMINISTRATOR), unknown)


def test_the_terminal_is_an_administrator() -> None:
    terminal = terminal_principal("root")
    assert terminal.kind is PrincipalKind.PROCESS
    assert terminal.name == "terminal (root)"
    authorise(terminal, Permission.USER_MANAGE)
