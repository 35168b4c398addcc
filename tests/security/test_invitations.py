"""Invitation codes: once, three days, guessed slowly; and the last administrator through all of it."""

import base64

import pytest

from civiscope.base import AppError, ErrorKind, ManualClock, PrincipalId, new_id
from civiscope.security import Accounts, AuditLog, Outcome, Role, SecondFactorError, Session
from civiscope.security.totp import totp_code

from .conftest import PASSWORD

HERE = "192.0.2.5"
NEW = "seven quiet otters swim"
HOUR_US = 3_600_000_000


async def refused(awaitable: object) -> ErrorKind:
    with pytest.raises(AppError) as caught:
        await awaitable  # type: ignore[misc]  # any awaitable
    return caught.value.kind


async def test_an_invited_person_chooses_a_password_and_is_in(
    accounts: Accounts, anna: Session, audit: AuditLog
) -> None:
    user, invitation = await accounts.people.invite("Bob", [Role.VIEWER], anna.principal, HERE)
    assert user.is_invited
    assert await refused(accounts.sign_in("Bob", "", HERE)) is ErrorKind.UNAUTHENTICATED
    assert await refused(accounts.accept_invitation("AAAA", NEW, HERE)) is ErrorKind.DENIED
    assert (await audit.entries(1))[0].outcome is Outcome.REFUSED
    code = invitation.code.reveal()
    assert await refused(accounts.accept_invitation(code, "short", HERE)) is ErrorKind.INVALID
    session = await accounts.accept_invitation(code.lower().replace("-", " "), NEW, HERE)
    assert (session.principal.name, session.principal.roles) == ("Bob", frozenset({Role.VIEWER}))
    assert [entry.what for entry in await audit.entries(2)] == ["session.open", "user.accept_invitation"]
    assert await refused(accounts.accept_invitation(code, NEW, HERE)) is ErrorKind.DENIED
    assert not (await accounts.people.user(user.id)).is_invited
    await accounts.sign_in("Bob", NEW, HERE)


async def test_a_code_ends_after_three_days_with_a_newer_one_and_with_the_account(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    user, first = await accounts.people.invite("Bob", [], anna.principal)
    second = await accounts.people.invite_again(user.id, anna.principal)
    assert await refused(accounts.accept_invitation(first.code.reveal(), NEW, HERE)) is ErrorKind.DENIED
    clock.advance(72 * HOUR_US)
    assert await refused(accounts.accept_invitation(second.code.reveal(), NEW, HERE)) is ErrorKind.DENIED
    third = await accounts.people.invite_again(user.id, anna.principal)
    await accounts.people.change(user.id, anna.principal, disabled=True)
    assert await refused(accounts.accept_invitation(third.code.reveal(), NEW, "::1")) is ErrorKind.DENIED
    await accounts.people.change(user.id, anna.principal, disabled=False)
    await accounts.accept_invitation(third.code.reveal(), NEW, "::2")


async def test_a_forgotten_password_is_reset_by_a_code_and_the_phone_stays(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    bob = await accounts.people.create_user("Bob", PASSWORD, [Role.VIEWER], anna.principal)
    session = await accounts.sign_in("Bob", PASSWORD, HERE)
    enrolment = await accounts.factors.enrol(session.principal, PASSWORD, "Graz", HERE)
    secret = base64.b32decode(enrolment.secret.reveal().replace(" ", ""))
    step = clock.now_us() // 30_000_000
    await accounts.factors.confirm(session.principal, totp_code(secret, step), HERE)
    invitation = await accounts.people.invite_again(bob.id, anna.principal)
    assert await refused(accounts.session(session.token.reveal())) is ErrorKind.UNAUTHENTICATED
    assert await refused(accounts.sign_in("Bob", PASSWORD, HERE)) is ErrorKind.UNAUTHENTICATED
    with pytest.raises(SecondFactorError, match="password is set"):
        await accounts.accept_invitation(invitation.code.reveal(), NEW, HERE)
    assert await accounts.sessions(bob.id) == []
    await accounts.sign_in("Bob", NEW, HERE, totp_code(secret, step + 1))


async def test_codes_are_guessed_slowly_and_others_are_not_kept_out(
    accounts: Accounts, anna: Session
) -> None:
    _, invitation = await accounts.people.invite("Bob", [], anna.principal)
    kinds = [await refused(accounts.accept_invitation(f"A{n}", NEW, "203.0.113.66")) for n in range(40)]
    assert kinds.count(ErrorKind.EXHAUSTED) > 30
    await accounts.accept_invitation(invitation.code.reveal(), NEW, HERE)


async def test_who_has_not_come_yet_is_no_administrator(accounts: Accounts, anna: Session) -> None:
    """Every way in which nobody could administrate the site any more."""
    boss, people = anna.principal, accounts.people
    bob, invitation = await people.invite("Bob", [Role.ADMINISTRATOR], boss)
    for attempt in (
        people.change(boss.id, boss, roles=[Role.VIEWER]),
        people.change(boss.id, boss, disabled=True),
        people.change(boss.id, boss, roles=[Role.ADMINISTRATOR], disabled=True),
        people.invite_again(boss.id, boss),
    ):
        assert await refused(attempt) is ErrorKind.CONFLICT
    assert (await accounts.session(anna.token.reveal())).roles == {Role.ADMINISTRATOR}
    await accounts.accept_invitation(invitation.code.reveal(), NEW, HERE)
    changed = await people.change(boss.id, boss, roles=[Role.VIEWER], disabled=True)
    assert (changed.roles, changed.disabled_us is None) == (frozenset({Role.VIEWER}), False)
    now = (await accounts.sign_in("Bob", NEW, HERE)).principal
    assert await refused(people.change(bob.id, now, disabled=True)) is ErrorKind.CONFLICT


async def test_unknown_people_are_missing(accounts: Accounts, anna: Session) -> None:
    nobody = PrincipalId(new_id())
    for attempt in (
        accounts.people.invite_again(nobody, anna.principal),
        accounts.people.sight_of(nobody),
        accounts.people.change(nobody, anna.principal, disabled=False),
        accounts.factors.remove_all(nobody, anna.principal, HERE),
    ):
        assert await refused(attempt) is ErrorKind.MISSING
