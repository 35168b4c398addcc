"""When and where a given role holds: weeks by the clock on the wall, days, groups."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ChannelId, ErrorKind, ManualClock, PrincipalId, new_id
from civiscope.security import (
    Accounts,
    AuditLog,
    GrantDraft,
    GrantId,
    Permission,
    Principal,
    Role,
    Session,
    TimeProfile,
    User,
    WeeklySpan,
    channels_with,
)

from .conftest import NOW_US, PASSWORD

VIENNA = ZoneInfo("Europe/Vienna")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HERE = "127.0.0.1"
PIER, GATE = ChannelId(UUID(int=1)), ChannelId(UUID(int=2))
HARBOUR = UUID(int=77)
HOUR_US = 3_600_000_000


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIENNA)


@given(
    st.builds(WeeklySpan, st.integers(0, 6), st.integers(0, 1439), st.integers(0, 1440)).filter(
        lambda span: span.from_minute != span.to_minute
    ),
    st.integers(0, 7 * 1440 - 1),
)
def test_a_span_holds_for_as_long_as_it_says(span: WeeklySpan, at: int) -> None:
    """Counted as one stretch of minutes of a week that goes round."""
    begin = span.weekday * 1440 + span.from_minute
    length = (span.to_minute - span.from_minute) % 1440 or 1440
    assert span.holds(at // 1440, at % 1440) == ((at - begin) % (7 * 1440) < length)


NIGHT = TimeProfile("Nights", tuple(WeeklySpan(day, 22 * 60, 6 * 60) for day in range(7)))
EARLY_SUNDAY = TimeProfile("Sunday before dawn", (WeeklySpan(6, 2 * 60, 3 * 60),))


@pytest.mark.parametrize(
    ("profile", "moment", "holds"),
    [
        (NIGHT, "2026-11-21T21:59:59", False),
        (NIGHT, "2026-11-21T22:00:00", True),
        (NIGHT, "2026-11-22T05:59:59", True),
        (NIGHT, "2026-11-22T06:00:00", False),
        (EARLY_SUNDAY, "2026-11-22T02:30:00", True),
        (EARLY_SUNDAY, "2026-11-23T02:30:00", False),
    ],
)
def test_weeks_are_read_by_the_clock_on_the_wall(profile: TimeProfile, moment: str, holds: bool) -> None:
    assert profile.holds(local(moment)) is holds


def test_the_hour_that_comes_twice_counts_twice_and_the_one_that_is_skipped_never() -> None:
    def minutes(day: str) -> int:
        start = local(f"{day}T00:00:00").astimezone(UTC)
        return sum(
            EARLY_SUNDAY.holds((start + timedelta(minutes=minute)).astimezone(VIENNA))
            for minute in range(360)
        )

    assert minutes("2026-10-25") == 120
    assert minutes("2026-03-29") == 0
    assert minutes("2026-11-22") == 60


@pytest.fixture
async def bob(accounts: Accounts, anna: Session) -> User:
    return await accounts.people.create_user("Bob", PASSWORD, [], anna.principal, HERE)


async def live(accounts: Accounts, principal: Principal) -> set[ChannelId]:
    now = await accounts.principal_now(principal)
    assert now is not None
    channels = channels_with(now, Permission.VIDEO_LIVE)
    assert channels is not None
    return set(channels)


async def test_a_role_on_a_camera_holds_there_with_the_next_request_and_ends_when_taken_back(
    accounts: Accounts, anna: Session, bob: User, audit: AuditLog
) -> None:
    session = await accounts.sign_in("Bob", PASSWORD, HERE)
    assert await live(accounts, session.principal) == set()
    grant = await accounts.people.grant(bob.id, GrantDraft(Role.VIEWER, PIER), anna.principal, HERE)
    assert await live(accounts, session.principal) == {PIER}
    assert (await accounts.session(session.token.reveal())).grants[0].channels == {PIER}
    assert (await accounts.people.grants_of(bob.id)) == [grant]
    await accounts.people.take_back(bob.id, grant.id, anna.principal, HERE)
    assert await live(accounts, session.principal) == set()
    whats = [(entry.what, entry.who, entry.from_where) for entry in await audit.entries(3)]
    assert whats[0] == ("user.take_back", "Anna", HERE)
    assert whats[1] == ("user.grant", "Anna", HERE)
    details = await audit.details((await audit.entries(1))[0].sequence)
    assert details is not None
    assert (details["role"], details["channel"], details["name"]) == ("viewer", str(PIER), "Bob")


async def test_a_role_on_a_group_follows_its_cameras(accounts: Accounts, anna: Session, bob: User) -> None:
    session = await accounts.sign_in("Bob", PASSWORD, HERE)
    await accounts.people.grant(bob.id, GrantDraft(Role.OPERATOR, group_id=HARBOUR), anna.principal)
    assert await live(accounts, session.principal) == set()
    accounts.scopes.set_groups({HARBOUR: frozenset({PIER, GATE})})
    assert await live(accounts, session.principal) == {PIER, GATE}
    accounts.scopes.set_groups({HARBOUR: frozenset({GATE})})
    assert await live(accounts, session.principal) == {GATE}
    accounts.scopes.set_groups({})
    assert await live(accounts, session.principal) == set()


async def test_a_role_holds_between_its_days_and_in_its_hours(
    accounts: Accounts, anna: Session, bob: User, clock: ManualClock
) -> None:
    session = await accounts.sign_in("Bob", PASSWORD, HERE)
    draft = GrantDraft(Role.VIEWER, PIER, from_us=NOW_US + 10, until_us=NOW_US + 20)
    await accounts.people.grant(bob.id, draft, anna.principal)
    for passed_us, held in ((9, False), (1, True), (9, True), (1, False)):
        clock.advance(passed_us)
        assert bool(await live(accounts, session.principal)) is held
    accounts.scopes.set_zone(VIENNA)
    await accounts.people.grant(bob.id, GrantDraft(Role.VIEWER, GATE, profile=NIGHT), anna.principal)
    for _ in range(11):
        hour = (EPOCH + timedelta(microseconds=clock.now_us())).astimezone(VIENNA).hour
        assert (await live(accounts, session.principal) == {GATE}) == (hour >= 22 or hour < 6)
        clock.advance(HOUR_US)


async def test_a_role_on_the_whole_site_for_a_time(
    accounts: Accounts, anna: Session, bob: User, clock: ManualClock
) -> None:
    session = await accounts.sign_in("Bob", PASSWORD, HERE)
    draft = GrantDraft(Role.ADMINISTRATOR, until_us=NOW_US + HOUR_US)
    await accounts.people.grant(bob.id, draft, anna.principal)
    now = await accounts.principal_now(session.principal)
    assert now is not None
    assert now.roles == {Role.ADMINISTRATOR}
    with pytest.raises(AppError, match="only administrator"):
        await accounts.people.change(anna.principal.id, now, roles=[])
    clock.advance(HOUR_US)
    now = await accounts.principal_now(session.principal)
    assert now is not None
    assert now.roles == frozenset()


@pytest.mark.parametrize(
    "draft",
    [
        GrantDraft(Role.VIEWER, PIER, HARBOUR),
        GrantDraft(Role.VIEWER, until_us=NOW_US),
        GrantDraft(Role.VIEWER, from_us=NOW_US + 9, until_us=NOW_US + 9),
        GrantDraft(Role.VIEWER, profile=TimeProfile("", NIGHT.spans)),
        GrantDraft(Role.VIEWER, profile=TimeProfile("x", ())),
        GrantDraft(Role.VIEWER, profile=TimeProfile("x", (WeeklySpan(7, 0, 9),))),
        GrantDraft(Role.VIEWER, profile=TimeProfile("x", (WeeklySpan(0, 9, 9),))),
        GrantDraft(Role.VIEWER, profile=TimeProfile("x", (WeeklySpan(0, 1440, 9),))),
        GrantDraft(Role.VIEWER, profile=TimeProfile("x", NIGHT.spans * 8)),
    ],
)
async def test_bad_drafts_are_refused(
    accounts: Accounts, anna: Session, bob: User, draft: GrantDraft
) -> None:
    with pytest.raises(AppError) as refused:
        await accounts.people.grant(bob.id, draft, anna.principal)
    assert refused.value.kind is ErrorKind.INVALID
    assert await accounts.people.grants_of(bob.id) == []


async def test_only_who_manages_users_gives_and_takes_roles(
    accounts: Accounts, anna: Session, bob: User
) -> None:
    given = await accounts.people.grant(bob.id, GrantDraft(Role.ADMINISTRATOR, PIER), anna.principal)
    guest = (await accounts.sign_in("Bob", PASSWORD, HERE)).principal
    assert channels_with(guest, Permission.CAMERA_EDIT) == frozenset({PIER})
    for attempt in (
        accounts.people.grant(bob.id, GrantDraft(Role.ADMINISTRATOR), guest),
        accounts.people.take_back(bob.id, given.id, guest),
        accounts.people.invite("Eve", [Role.ADMINISTRATOR], guest),
    ):
        with pytest.raises(AppError) as refused:
            await attempt
        assert refused.value.kind is ErrorKind.DENIED
    for missing in (
        accounts.people.grant(PrincipalId(new_id()), GrantDraft(Role.VIEWER), anna.principal),
        accounts.people.take_back(bob.id, GrantId(new_id()), anna.principal),
        accounts.people.take_back(anna.principal.id, given.id, anna.principal),
        accounts.people.grants_of(PrincipalId(new_id())),
    ):
        with pytest.raises(AppError) as refused:
            await missing
        assert refused.value.kind is ErrorKind.MISSING
