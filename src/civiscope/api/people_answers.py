"""People, grants, sessions, passkeys and tokens as answers."""

from civiscope.security import (
    ApiToken,
    FactorState,
    Passkey,
    Principal,
    RoleGrant,
    SessionInfo,
    TimeProfile,
    User,
)


def user_answer(user: User, factors: FactorState, sessions: int) -> dict[str, object]:
    """A line of `GET /users`."""
    return {
        "id": str(user.id),
        "name": user.name,
        "roles": sorted(user.roles),
        "created_us": user.created_us,
        "disabled_us": user.disabled_us,
        "is_invited": user.is_invited,
        "second_factor": {"totp": factors.has_totp, "passkeys": factors.passkeys},
        "sessions": sessions,
    }


def session_answer(info: SessionInfo, *, is_this: bool) -> dict[str, object]:
    """A line of the lists of sessions."""
    return {
        "id": str(info.id),
        "created_us": info.created_us,
        "seen_us": info.seen_us,
        "expires_us": info.expires_us,
        "from_where": info.from_where,
        "is_this": is_this,
    }


def grant_answer(grant: RoleGrant) -> dict[str, object]:
    """A line of `GET /users/{user_id}/grants`."""
    draft = grant.draft
    return {
        "id": str(grant.id),
        "role": draft.role.value,
        "channel_id": None if draft.channel_id is None else str(draft.channel_id),
        "group_id": None if draft.group_id is None else str(draft.group_id),
        "profile": None if draft.profile is None else profile_answer(draft.profile),
        "from_us": grant.from_us,
        "until_us": draft.until_us,
        "granted_us": grant.granted_us,
        "granted_by": grant.granted_by,
    }


def passkey_answer(passkey: Passkey) -> dict[str, object]:
    """A line of `GET /me/passkeys`."""
    return {
        "id": str(passkey.id),
        "name": passkey.name,
        "added_us": passkey.added_us,
        "used_us": passkey.used_us,
    }


def token_answer(token: ApiToken) -> dict[str, object]:
    """A line of `GET /tokens`."""
    return {
        "id": str(token.id),
        "name": token.name,
        "permissions": sorted(token.permissions),
        "channel_ids": None if token.channels is None else sorted(str(one) for one in token.channels),
        "created_us": token.created_us,
        "expires_us": token.expires_us,
        "used_us": token.used_us,
    }


def principal_answer(principal: Principal) -> dict[str, object]:
    """Who it is."""
    return {
        "id": str(principal.id),
        "name": principal.name,
        "roles": sorted(role.value for role in principal.roles),
    }


def grants_in_force(principal: Principal) -> list[dict[str, object]]:
    """Every role of this moment, with where it holds."""
    whole: list[dict[str, object]] = [
        {"role": role.value, "scope": "site", "channel_ids": None} for role in sorted(principal.roles)
    ]
    return whole + [
        {
            "role": grant.role.value,
            "scope": "channel" if grant.group_id is None else "group",
            "channel_ids": sorted(str(channel) for channel in grant.channels),
        }
        for grant in principal.grants
    ]


def profile_answer(profile: TimeProfile) -> dict[str, object]:
    """A named week."""
    return {
        "name": profile.name,
        "spans": [
            {"weekday": span.weekday, "from_minute": span.from_minute, "to_minute": span.to_minute}
            for span in profile.spans
        ],
    }
