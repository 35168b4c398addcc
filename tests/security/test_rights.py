"""Roles on parts of a site: whatever is granted, the four questions agree, and nothing is had beyond it."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId
from civiscope.security import (
    PERMISSIONS,
    Permission,
    Principal,
    PrincipalKind,
    Role,
    ScopedRole,
    authorise,
    authorise_on,
    authorise_somewhere,
    channels_with,
    missing_channel,
    permissions_of,
)

CHANNELS = [ChannelId(UUID(int=number)) for number in range(1, 5)]
PIER, GATE = CHANNELS[:2]
scopes = st.frozensets(st.sampled_from(CHANNELS), max_size=3)
principals = st.builds(
    lambda roles, grants, limits, channels: Principal(
        PrincipalId(UUID(int=9)), "Eve", PrincipalKind.PERSON, roles, None, tuple(grants), limits, channels
    ),
    st.frozensets(st.sampled_from(Role), max_size=2),
    st.lists(st.builds(ScopedRole, st.sampled_from(Role), scopes), max_size=3),
    st.none() | st.frozensets(st.sampled_from(Permission)),
    st.none() | scopes,
)


def refusal(ask: object, *arguments: object) -> ErrorKind | None:
    assert callable(ask)
    try:
        ask(*arguments)
    except AppError as error:
        return error.kind
    return None


def person(*roles: Role, grants: tuple[ScopedRole, ...] = ()) -> Principal:
    return Principal(PrincipalId(UUID(int=9)), "Eve", PrincipalKind.PERSON, frozenset(roles), None, grants)


@given(principals, st.sampled_from(Permission), st.sampled_from(CHANNELS))
def test_a_permission_on_a_channel_comes_from_a_role_there(
    who: Principal, permission: Permission, channel: ChannelId
) -> None:
    """The table and the grants read plainly, against what the product answers."""
    grant = PERMISSIONS[permission]
    roles = set(who.roles)
    if grant.per_channel:
        roles |= {scoped.role for scoped in who.grants if channel in scoped.channels}
    expected = (
        bool(grant.roles & roles)
        and (who.limits is None or permission in who.limits)
        and (who.token_channels is None or (grant.per_channel and channel in who.token_channels))
    )
    assert (refusal(authorise, who, permission, channel) is None) == expected
    assert (permission in permissions_of(who, channel)) == expected
    held = channels_with(who, permission)
    assert (held is None or channel in held) == expected
    if expected and grant.per_channel:
        assert grant.roles & who.roles_on(channel)


@given(principals, st.sampled_from(Permission))
def test_the_whole_site_and_anywhere(who: Principal, permission: Permission) -> None:
    held = channels_with(who, permission)
    assert (refusal(authorise, who, permission) is None) == (held is None)
    assert (refusal(authorise_somewhere, who, permission) is None) == (held is None or bool(held))
    assert (permission in permissions_of(who)) == (held is None or bool(held))
    if not PERMISSIONS[permission].per_channel:
        assert held in (None, frozenset())


@given(principals, st.sampled_from(Permission), st.sampled_from(CHANNELS))
def test_a_channel_one_may_not_know_of_is_missing_never_denied(
    who: Principal, permission: Permission, channel: ChannelId
) -> None:
    kind = refusal(authorise_on, who, permission, channel)
    assert (kind is None) == (refusal(authorise, who, permission, channel) is None)
    may_know = permissions_of(who, channel)
    if kind is ErrorKind.MISSING:
        assert Permission.CHANNEL_LIST not in may_know
    elif kind is ErrorKind.DENIED and Permission.CHANNEL_LIST not in may_know:
        assert not channels_with(who, permission), "the answer does not depend on the channel"


def test_a_scoped_administrator_administers_no_site() -> None:
    guest = person(grants=(ScopedRole(Role.ADMINISTRATOR, frozenset({PIER})),))
    authorise(guest, Permission.CAMERA_EDIT, PIER)
    for permission in Permission:
        assert refusal(authorise, guest, permission) is ErrorKind.DENIED
    for name in ("camera.add", "user.manage", "system.read", "audit.read", "privacy.manage"):
        assert refusal(authorise_somewhere, guest, name) is ErrorKind.DENIED
        assert refusal(authorise, guest, name, PIER) is ErrorKind.DENIED


def test_a_foreign_channel_is_told_like_one_that_is_not_there() -> None:
    guard = person(grants=(ScopedRole(Role.OPERATOR, frozenset({PIER})),))
    with pytest.raises(AppError) as refused:
        authorise_on(guard, Permission.VIDEO_LIVE, GATE)
    assert (refused.value.kind, refused.value.message) == (ErrorKind.MISSING, missing_channel().message)
    assert refusal(authorise_on, guard, Permission.CAMERA_EDIT, GATE) is ErrorKind.DENIED
    both = person(Role.VIEWER, grants=guard.grants)
    assert refusal(authorise_on, both, Permission.VIDEO_PLAYBACK, PIER) is None
    assert refusal(authorise_on, both, Permission.VIDEO_PLAYBACK, GATE) is ErrorKind.DENIED
    assert refusal(authorise_on, None, Permission.VIDEO_LIVE, GATE) is ErrorKind.UNAUTHENTICATED


def test_an_empty_scope_is_nothing() -> None:
    assert permissions_of(person(grants=(ScopedRole(Role.OPERATOR, frozenset()),))) == ()
