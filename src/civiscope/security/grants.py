"""Roles on parts of a site, at times of the week, from one day until another: values, and when they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NewType
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId
from civiscope.security.model import Role, ScopedRole

GrantId = NewType("GrantId", UUID)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = 7
_DAY_MINUTES = 24 * 60
_SPANS_LIMIT = 50
_NAME_LIMIT = 64


@dataclass(frozen=True, slots=True)
class WeeklySpan:
    """Minutes of a day of the week by the site's clock on the wall; the last is not among them.

    An end that is not after the beginning is one of the next day: 22:00 to 06:00 is a night.
    """

    weekday: int
    """Monday is 0; the day on which the span begins."""
    from_minute: int
    to_minute: int

    def holds(self, weekday: int, minute: int) -> bool:
        """True within the span. An hour that the clocks repeat counts twice; one they skip never comes."""
        if self.from_minute < self.to_minute:
            return weekday == self.weekday and self.from_minute <= minute < self.to_minute
        if weekday == self.weekday:
            return minute >= self.from_minute
        return weekday == (self.weekday + 1) % _DAYS and minute < self.to_minute


@dataclass(frozen=True, slots=True)
class TimeProfile:
    """A named week: when a role holds."""

    name: str
    spans: tuple[WeeklySpan, ...]

    def holds(self, local: datetime) -> bool:
        """True if the moment, in the site's zone, is within one of the spans."""
        minute = local.hour * 60 + local.minute
        return any(span.holds(local.weekday(), minute) for span in self.spans)


@dataclass(frozen=True, slots=True)
class GrantDraft:
    """A role to give: on a channel, on a group with all below it, or (neither named) on the whole site."""

    role: Role
    channel_id: ChannelId | None = None
    group_id: UUID | None = None
    profile: TimeProfile | None = None
    from_us: int | None = None
    """None means now."""
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role given to a user, with where and when."""

    id: GrantId
    user_id: PrincipalId
    draft: GrantDraft
    from_us: int
    granted_us: int
    granted_by: str
    """The name of who gave it, as it was then."""

    def is_in_force(self, now_us: int, zone: tzinfo) -> bool:
        """True between its days, and within its week by the site's clock."""
        until_us, profile = self.draft.until_us, self.draft.profile
        if now_us < self.from_us or (until_us is not None and now_us >= until_us):
            return False
        return profile is None or profile.holds((_EPOCH + timedelta(microseconds=now_us)).astimezone(zone))


@dataclass(slots=True)
class ScopeBook:
    """Which channels each group holds, with all groups below it, and the site's zone; `app` keeps it current.

    Read on any thread: what is in it is replaced whole, never changed.
    """

    groups: Mapping[UUID, frozenset[ChannelId]] = field(default_factory=dict)
    zone: tzinfo = UTC

    def set_groups(self, groups: Mapping[UUID, frozenset[ChannelId]]) -> None:
        """From the next request on; a group that is not in it holds nothing."""
        self.groups = dict(groups)

    def set_zone(self, zone: tzinfo) -> None:
        """By which weeks are read from the next request on."""
        self.zone = zone


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is at one moment."""

    roles: frozenset[Role]
    grants: tuple[ScopedRole, ...]


def standing(own: frozenset[Role], given: Sequence[RoleGrant], now_us: int, scopes: ScopeBook) -> Standing:
    """The roles of the user's own row and of the grants in force, with their channels."""
    roles, scoped = set(own), []
    for grant in given:
        if not grant.is_in_force(now_us, scopes.zone):
            continue
        draft = grant.draft
        if draft.channel_id is not None:
            scoped.append(ScopedRole(draft.role, frozenset({draft.channel_id})))
        elif draft.group_id is not None:
            channels = scopes.groups.get(draft.group_id, frozenset())
            scoped.append(ScopedRole(draft.role, channels, draft.group_id))
        else:
            roles.add(draft.role)
    return Standing(frozenset(roles), tuple(scoped))


def check_draft(draft: GrantDraft, now_us: int) -> None:
    """AppError(INVALID) that says what to change."""
    from_us = now_us if draft.from_us is None else draft.from_us
    if draft.channel_id is not None and draft.group_id is not None:
        raise AppError(ErrorKind.INVALID, "A role is given on a camera or on a group: name one of the two.")
    if draft.until_us is not None and draft.until_us <= max(from_us, now_us):
        raise AppError(ErrorKind.INVALID, "A role must end after it begins, and not in the past.")
    if draft.profile is not None:
        _check_profile(draft.profile)


def _check_profile(profile: TimeProfile) -> None:
    if not profile.name.strip() or len(profile.name) > _NAME_LIMIT:
        raise AppError(ErrorKind.INVALID, f"A weekly plan needs a name of at most {_NAME_LIMIT} characters.")
    if not 0 < len(profile.spans) <= _SPANS_LIMIT:
        raise AppError(ErrorKind.INVALID, f"A weekly plan has 1 to {_SPANS_LIMIT} spans of time.")
    for span in profile.spans:
        days_fit = 0 <= span.weekday < _DAYS
        minutes_fit = 0 <= span.from_minute < _DAY_MINUTES and 0 <= span.to_minute <= _DAY_MINUTES
        if not days_fit or not minutes_fit or span.from_minute == span.to_minute:
            raise AppError(
                ErrorKind.INVALID,
                "A span of a weekly plan has a weekday from 0 (Monday) to 6, and two different minutes of "
                "the day: from 0 to 1439, to 0 to 1440. An end before the beginning is one of the next day.",
            )
