"""Tokens for programs: no more than their owner, no longer than their day, gone at once."""

from uuid import UUID

import pytest

from civiscope.base import AppError, ChannelId, ErrorKind, ManualClock, new_id
from civiscope.security import (
    TOKEN_PREFIX,
    Accounts,
    AuditLog,
    GrantDraft,
    Outcome,
    Permission,
    PrincipalKind,
    Role,
    Session,
    TokenDraft,
    TokenId,
    authorise,
    channels_with,
    permissions_of,
)

from .conftest import NOW_US, PASSWORD

HERE = "192.0.2.5"
DAY_US = 24 * 3_600_000_000
PIER, GATE = ChannelId(UUID(int=1)), ChannelId(UUID(int=2))
WALL = frozenset({Permission.CHANNEL_LIST, Permission.VIDEO_LIVE})
DRAFT = TokenDraft("Wall", WALL, None, NOW_US + DAY_US)


async def refused(awaitable: object) -> ErrorKind:
    with pytest.raises(AppError) as caught:
        await awaitable  # type: ignore[misc]  # any awaitable
    return caught.value.kind


async def test_a_token_may_what_it_says_and_the_audit_names_it(
    accounts: Accounts, anna: Session, audit: AuditLog
) -> None:
    token, text = await accounts.tokens.make(DRAFT, anna.principal, HERE)
    assert text.reveal().startswith(TOKEN_PREFIX + token.id.hex)
    assert text.reveal() not in repr((token, text))
    program = await accounts.tokens.principal(text.reveal(), HERE)
    assert (program.kind, program.name) == (PrincipalKind.TOKEN, "token Wall of Anna")
    assert (UUID(str(program.id)), program.owner_id) == (UUID(str(token.id)), anna.principal.id)
    assert set(permissions_of(program)) == WALL
    assert await accounts.principal_now(program) == program
    made = (await audit.entries(1))[0]
    assert (made.what, made.who, made.object) == ("token.make", "Anna", f"token {token.id}")
    (listed,) = await accounts.tokens.of_owner(anna.principal.id)
    assert listed.used_us == NOW_US


async def test_a_token_for_some_cameras(accounts: Accounts, anna: Session) -> None:
    draft = TokenDraft("Pier", WALL, frozenset({PIER}), NOW_US + DAY_US)
    _, text = await accounts.tokens.make(draft, anna.principal, HERE)
    program = await accounts.tokens.principal(text.reveal(), HERE)
    assert channels_with(program, Permission.VIDEO_LIVE) == frozenset({PIER})
    with pytest.raises(AppError):
        authorise(program, Permission.VIDEO_LIVE, GATE)


async def test_a_token_follows_its_owners_rights(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    _, text = await accounts.tokens.make(DRAFT, anna.principal, HERE)
    await accounts.people.create_user("Bob", PASSWORD, [Role.ADMINISTRATOR], anna.principal)
    bob = (await accounts.sign_in("Bob", PASSWORD, HERE)).principal
    await accounts.people.change(anna.principal.id, bob, roles=[Role.DATA_PROTECTION_OFFICER])
    program = await accounts.tokens.principal(text.reveal(), HERE)
    assert permissions_of(program) == (Permission.CHANNEL_LIST,)
    await accounts.people.grant(anna.principal.id, GrantDraft(Role.VIEWER, PIER), bob)
    program = await accounts.tokens.principal(text.reveal(), HERE)
    assert channels_with(program, Permission.VIDEO_LIVE) == frozenset({PIER})


async def test_a_token_ends_with_its_day_its_removal_and_its_owner(
    accounts: Accounts, anna: Session, clock: ManualClock, audit: AuditLog
) -> None:
    token, text = await accounts.tokens.make(DRAFT, anna.principal, HERE)
    program = await accounts.tokens.principal(text.reveal(), HERE)
    await accounts.people.create_user("Bob", PASSWORD, [Role.ADMINISTRATOR], anna.principal)
    bob = (await accounts.sign_in("Bob", PASSWORD, HERE)).principal
    await accounts.people.change(anna.principal.id, bob, disabled=True)
    assert await refused(accounts.tokens.principal(text.reveal(), HERE)) is ErrorKind.UNAUTHENTICATED
    refusal = (await audit.entries(1))[0]
    assert (refusal.what, refusal.outcome) == ("token.use", Outcome.REFUSED)
    assert await accounts.principal_now(program) is None
    await accounts.people.change(anna.principal.id, bob, disabled=False)
    await accounts.tokens.principal(text.reveal(), HERE)
    clock.advance(DAY_US)
    assert await refused(accounts.tokens.principal(text.reveal(), HERE)) is ErrorKind.UNAUTHENTICATED
    clock.step_wall(-DAY_US)
    await accounts.tokens.principal(text.reveal(), HERE)
    assert await refused(accounts.tokens.remove(token.id, bob, HERE)) is ErrorKind.MISSING
    await accounts.tokens.remove(token.id, anna.principal, HERE)
    assert await refused(accounts.tokens.principal(text.reveal(), HERE)) is ErrorKind.UNAUTHENTICATED
    assert await accounts.principal_now(program) is None
    assert await refused(accounts.tokens.remove(TokenId(new_id()), bob, HERE)) is ErrorKind.MISSING


async def test_a_refused_token_does_not_flood_the_audit(
    accounts: Accounts, anna: Session, clock: ManualClock, audit: AuditLog
) -> None:
    _, text = await accounts.tokens.make(DRAFT, anna.principal, HERE)
    clock.advance(DAY_US)
    for _ in range(20):
        assert await refused(accounts.tokens.principal(text.reveal(), HERE)) is ErrorKind.UNAUTHENTICATED
    assert [entry.what for entry in await audit.entries(3)].count("token.use") == 1
    clock.advance(60_000_000)
    await refused(accounts.tokens.principal(text.reveal(), HERE))
    assert [entry.what for entry in await audit.entries(3)].count("token.use") == 2


@pytest.mark.parametrize(
    ("draft", "kind"),
    [
        (TokenDraft("", WALL, None, NOW_US + 1), ErrorKind.INVALID),
        (TokenDraft("x" * 65, WALL, None, NOW_US + 1), ErrorKind.INVALID),
        (TokenDraft("x", frozenset(), None, NOW_US + 1), ErrorKind.INVALID),
        (TokenDraft("x", WALL, None, NOW_US), ErrorKind.INVALID),
        (TokenDraft("x", WALL, None, NOW_US + 367 * DAY_US), ErrorKind.INVALID),
        (TokenDraft("x", WALL, frozenset(), NOW_US + 1), ErrorKind.INVALID),
        (
            TokenDraft("x", frozenset({Permission.AUDIT_READ}), frozenset({PIER}), NOW_US + 1),
            ErrorKind.INVALID,
        ),
        (TokenDraft("x", frozenset({Permission.USER_MANAGE}), None, NOW_US + 1), ErrorKind.INVALID),
        (TokenDraft("x", frozenset({Permission.TOKEN_MANAGE}), None, NOW_US + 1), ErrorKind.INVALID),
        (TokenDraft("x", frozenset({Permission.PRIVACY_MANAGE}), None, NOW_US + 1), ErrorKind.INVALID),
    ],
)
async def test_bad_drafts_are_refused(
    accounts: Accounts, anna: Session, draft: TokenDraft, kind: ErrorKind
) -> None:
    assert await refused(accounts.tokens.make(draft, anna.principal, HERE)) is kind
    assert await accounts.tokens.of_owner(anna.principal.id) == []


async def test_nobody_without_the_right_makes_tokens(accounts: Accounts, anna: Session) -> None:
    await accounts.people.create_user("Bob", PASSWORD, [Role.OPERATOR], anna.principal)
    bob = (await accounts.sign_in("Bob", PASSWORD, HERE)).principal
    assert await refused(accounts.tokens.make(DRAFT, bob, HERE)) is ErrorKind.DENIED
    _, text = await accounts.tokens.make(DRAFT, anna.principal, HERE)
    program = await accounts.tokens.principal(text.reveal(), HERE)
    assert await refused(accounts.tokens.make(DRAFT, program, HERE)) is ErrorKind.DENIED


async def test_made_up_tokens_open_nothing(accounts: Accounts, anna: Session) -> None:
    token, text = await accounts.tokens.make(DRAFT, anna.principal, HERE)
    real = text.reveal()
    for wrong in (
        "", "cvt_", TOKEN_PREFIX + "x" * 75, real[:-1], real.swapcase(), TOKEN_PREFIX + token.id.hex,
        TOKEN_PREFIX + new_id().hex + real[36:], real + "x", "\ud800", "cvt_" + "0" * 5000,
    ):  # fmt: skip
        assert await refused(accounts.tokens.principal(wrong, HERE)) is ErrorKind.UNAUTHENTICATED, wrong
