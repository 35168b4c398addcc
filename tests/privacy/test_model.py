"""The one rule that decides: for whom, what, where, when; as properties over any permits."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ChannelId, PrincipalId
from civiscope.privacy import Function, Permit, PermitId, Presentation, permit_for
from civiscope.security import Principal, PrincipalKind, Role, ScopedRole

IDS = [UUID(int=number) for number in range(1, 4)]
TIMES = st.integers(0, 20)

holders = st.one_of(
    st.tuples(st.sampled_from(Role), st.none()), st.tuples(st.none(), st.sampled_from(IDS).map(PrincipalId))
)
permits = st.builds(
    lambda holder, channels, functions, times, number: Permit(
        PermitId(UUID(int=number)), "p", holder[0], holder[1], channels, functions, *times
    ),
    holders,
    st.none() | st.frozensets(st.sampled_from(IDS).map(ChannelId), min_size=1),
    st.frozensets(st.sampled_from(Function), min_size=1),
    st.tuples(TIMES, st.none() | TIMES, st.none() | TIMES),
    st.integers(1, 1000),
)
principals = st.builds(
    lambda id_, roles: Principal(PrincipalId(id_), "x", PrincipalKind.PERSON, roles),
    st.sampled_from(IDS),
    st.frozensets(st.sampled_from(Role)),
)


@given(st.lists(permits, max_size=6), principals, st.sampled_from(Function), st.sampled_from(IDS), TIMES)
def test_what_is_allowed_is_allowed_by_a_permit_that_says_so(
    some: list[Permit], principal: Principal, function: Function, channel: UUID, now_us: int
) -> None:
    permit = permit_for(some, principal, function, ChannelId(channel), now_us)
    good = [
        one
        for one in some
        if (one.role in principal.roles if one.role else one.principal_id == principal.id)
        and function in one.functions
        and (one.channels is None or channel in one.channels)
        and one.revoked_us is None
        and one.from_us <= now_us < (21 if one.until_us is None else one.until_us)
    ]
    if permit is None:
        assert not good
    else:
        assert permit in good
        assert all((one.until_us or 21) <= (permit.until_us or 21) for one in good)


@given(st.lists(permits, max_size=6), principals, st.sampled_from(Function), st.sampled_from(IDS), TIMES)
def test_revoking_everything_leaves_nothing(
    some: list[Permit], principal: Principal, function: Function, channel: UUID, now_us: int
) -> None:
    revoked = [replace(one, revoked_us=now_us) for one in some]
    assert permit_for(revoked, principal, function, ChannelId(channel), now_us) is None
    assert permit_for(revoked, principal, function, ChannelId(channel), now_us - 1) is None
    assert permit_for([], principal, function, ChannelId(channel), now_us) is None


def test_a_permit_for_nobody_is_for_nobody() -> None:
    nobody = Permit(PermitId(IDS[0]), "p", None, None, None, frozenset(Function), 0, None)
    everybody = Principal(PrincipalId(IDS[0]), "x", PrincipalKind.PERSON, frozenset(Role))
    assert permit_for([nobody], everybody, Function.LIVE, ChannelId(IDS[0]), 5) is None


def test_a_permit_for_a_role_holds_where_one_has_the_role() -> None:
    pier, gate, yard = (ChannelId(one) for one in IDS)
    permit = Permit(PermitId(IDS[0]), "p", Role.OPERATOR, None, None, frozenset(Function), 0, None)
    guard = Principal(
        PrincipalId(IDS[1]),
        "x",
        PrincipalKind.PERSON,
        frozenset({Role.VIEWER}),
        grants=(ScopedRole(Role.OPERATOR, frozenset({pier, gate})),),
    )
    there = [permit_for([permit], guard, Function.LIVE, one, 5) is not None for one in (pier, gate, yard)]
    assert there == [True, True, False]
    assert permit.is_for_somewhere(guard)
    narrow = replace(permit, channels=frozenset({yard}))
    assert not narrow.is_for_somewhere(guard)
    token = replace(guard, id=PrincipalId(IDS[2]), owner_id=guard.id, token_channels=frozenset({pier}))
    assert permit_for([permit], token, Function.LIVE, pier, 5) == permit
    assert permit_for([permit], token, Function.LIVE, gate, 5) is None
    own = replace(permit, role=None, principal_id=guard.id)
    there = [permit_for([own], token, Function.LIVE, one, 5) is not None for one in (pier, gate)]
    assert there == [True, False]
    assert own.is_for_somewhere(token)


def test_words_and_values() -> None:
    assert [function.words for function in Function] == [
        "watch live pictures", "play back recordings", "download recordings",
    ]  # fmt: skip
    assert list(Presentation) == ["raw", "covered"]
