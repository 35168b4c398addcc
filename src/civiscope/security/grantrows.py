"""Rows of role grants. Every function works within the caller's transaction."""

from typing import Any

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId
from civiscope.security.grants import (
    GrantDraft,
    GrantId,
    RoleGrant,
    ScopeBook,
    TimeProfile,
    WeeklySpan,
    standing,
)
from civiscope.security.model import Principal, PrincipalKind, Role, SessionId
from civiscope.security.tables import role_grant_table
from civiscope.security.users import User
from civiscope.storage import Connection, Row, delete, insert, select


def list_grants(connection: Connection, user_id: PrincipalId) -> list[RoleGrant]:
    """All grants of a user, also those not in force, in the order they were given."""
    query = (
        select(role_grant_table)
        .where(role_grant_table.c.user_id == user_id)
        .order_by(role_grant_table.c.granted_us, role_grant_table.c.id)
    )
    return [_grant(row) for row in connection.execute(query)]


def grant_of(connection: Connection, user_id: PrincipalId, grant_id: GrantId) -> RoleGrant:
    """This grant of this user; AppError(MISSING) for another user's too."""
    row = connection.execute(
        select(role_grant_table).where(
            role_grant_table.c.id == grant_id, role_grant_table.c.user_id == user_id
        )
    ).first()
    if row is None:
        raise AppError(
            ErrorKind.MISSING, "This role was not given, or was taken back already: load the list again."
        )
    return _grant(row)


def insert_grant(connection: Connection, grant: RoleGrant) -> None:
    """Add a grant."""
    draft = grant.draft
    connection.execute(
        insert(role_grant_table).values(
            id=grant.id,
            user_id=grant.user_id,
            role=draft.role.value,
            channel_id=draft.channel_id,
            group_id=draft.group_id,
            profile=None if draft.profile is None else _profile_json(draft.profile),
            from_us=grant.from_us,
            until_us=draft.until_us,
            granted_us=grant.granted_us,
            granted_by=grant.granted_by,
        )
    )


def delete_grant(connection: Connection, grant_id: GrantId) -> None:
    """Take a grant back."""
    connection.execute(delete(role_grant_table).where(role_grant_table.c.id == grant_id))


def person(
    connection: Connection, user: User, session_id: SessionId | None, now_us: int, scopes: ScopeBook
) -> Principal:
    """The user as whoever asks at this moment."""
    now = standing(user.roles, list_grants(connection, user.id), now_us, scopes)
    return Principal(user.id, user.name, PrincipalKind.PERSON, now.roles, session_id, now.grants)


def _profile_json(profile: TimeProfile) -> dict[str, Any]:
    spans = [[span.weekday, span.from_minute, span.to_minute] for span in profile.spans]
    return {"name": profile.name, "spans": spans}


def _grant(row: Row[tuple[object, ...]]) -> RoleGrant:
    profile: dict[str, Any] | None = row.profile
    draft = GrantDraft(
        role=Role(row.role),
        channel_id=None if row.channel_id is None else ChannelId(row.channel_id),
        group_id=row.group_id,
        profile=None
        if profile is None
        else TimeProfile(profile["name"], tuple(WeeklySpan(*span) for span in profile["spans"])),
        from_us=row.from_us,
        until_us=row.until_us,
    )
    return RoleGrant(
        GrantId(row.id), PrincipalId(row.user_id), draft, row.from_us, row.granted_us, row.granted_by
    )
