"""The first administrator, signing in, sessions: also as somebody who should not get in."""

import asyncio
import statistics
import time
from pathlib import Path

import pytest

from civiscope.base import AppError, ErrorKind, ManualClock, PrincipalId, new_id
from civiscope.security import (
    Accounts,
    AccountSettings,
    AuditLog,
    HashSettings,
    Outcome,
    Role,
    Session,
    SessionId,
    TooManyAttemptsError,
    csrf_token,
)
from civiscope.storage import Database

from .conftest import CHEAP, NOW_US, PASSWORD

HOUR_US = 3_600_000_000
HERE = "127.0.0.1"


async def kind_of(awaitable: object) -> ErrorKind:
    with pytest.raises(AppError) as refused:
        await awaitable  # type: ignore[misc]  # any awaitable
    return refused.value.kind


async def test_the_first_administrator_is_made_with_the_code(accounts: Accounts) -> None:
    assert await accounts.setup_needed()
    code = await accounts.issue_setup_code()
    assert code.expires_us == NOW_US + 24 * HOUR_US
    session = await accounts.create_first_administrator(
        code.code.reveal().lower().replace("-", " "), "  Anna  Gruber ", PASSWORD, HERE
    )
    assert session.principal.name == "Anna Gruber"
    assert session.principal.roles == {Role.ADMINISTRATOR}
    assert session.csrf_token == csrf_token(session.token.reveal())
    assert await accounts.session(session.token.reveal()) == session.principal
    assert not await accounts.setup_needed()


async def test_the_code_works_once_and_never_again(accounts: Accounts) -> None:
    code = (await accounts.issue_setup_code()).code.reveal()
    await accounts.create_first_administrator(code, "Anna", PASSWORD, HERE)
    assert (
        await kind_of(accounts.create_first_administrator(code, "Eve", PASSWORD, HERE)) is ErrorKind.CONFLICT
    )
    assert await kind_of(accounts.issue_setup_code()) is ErrorKind.CONFLICT


async def test_a_race_for_the_first_account_has_one_winner(accounts: Accounts) -> None:
    code = (await accounts.issue_setup_code()).code.reveal()
    tries = [
        accounts.create_first_administrator(code, f"Racer {number}", PASSWORD, f"192.0.2.{number}")
        for number in range(12)
    ]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, Session) for outcome in outcomes) == 1
    assert len(await accounts.users()) == 1
    losers = [outcome for outcome in outcomes if isinstance(outcome, AppError)]
    assert {loser.kind for loser in losers} <= {ErrorKind.CONFLICT, ErrorKind.EXHAUSTED}


async def test_wrong_expired_and_replaced_codes_are_refused(
    accounts: Accounts, clock: ManualClock, audit: AuditLog
) -> None:
    assert await kind_of(accounts.create_first_administrator("", "Anna", PASSWORD, HERE)) is ErrorKind.DENIED
    first = (await accounts.issue_setup_code()).code.reveal()
    second = (await accounts.issue_setup_code()).code.reveal()
    assert (
        await kind_of(accounts.create_first_administrator(first, "Anna", PASSWORD, HERE)) is ErrorKind.DENIED
    )
    clock.advance(24 * HOUR_US)
    assert (
        await kind_of(accounts.create_first_administrator(second, "Anna", PASSWORD, HERE)) is ErrorKind.DENIED
    )
    clock.step_wall(-48 * HOUR_US)
    assert (
        await kind_of(accounts.create_first_administrator(second, "Anna", PASSWORD, HERE)) is ErrorKind.DENIED
    )
    refused = [entry for entry in await audit.entries() if entry.outcome is Outcome.REFUSED]
    assert len(refused) == 4
    assert await accounts.setup_needed()


async def test_codes_cannot_be_guessed_fast(accounts: Accounts, clock: ManualClock) -> None:
    code = (await accounts.issue_setup_code()).code.reveal()
    with pytest.raises(TooManyAttemptsError):
        await try_codes(accounts)
    clock.advance(60_000_000)
    await accounts.create_first_administrator(code, "Anna", PASSWORD, HERE)


async def try_codes(accounts: Accounts) -> None:
    for number in range(100):
        try:
            await accounts.create_first_administrator(f"AAAA-{number}", "Anna", PASSWORD, HERE)
        except TooManyAttemptsError:
            raise
        except AppError:
            continue


async def test_a_bad_name_or_password_does_not_use_the_code_up(accounts: Accounts) -> None:
    code = (await accounts.issue_setup_code()).code.reveal()
    for name, password in (("", PASSWORD), ("Anna", "short"), ("An\x07na", PASSWORD), ("x" * 65, PASSWORD)):
        assert await kind_of(accounts.create_first_administrator(code, name, password, "::1")) in (
            ErrorKind.INVALID, ErrorKind.EXHAUSTED,
        )  # fmt: skip
    await accounts.create_first_administrator(code, "Anna", PASSWORD, HERE)


async def test_signing_in_and_out(accounts: Accounts, anna: Session, audit: AuditLog) -> None:
    session = await accounts.sign_in("ANNA ", PASSWORD, HERE)
    principal = await accounts.session(session.token.reveal())
    assert (principal.id, principal.name) == (anna.principal.id, "Anna")
    assert principal.session_id == session.principal.session_id != anna.principal.session_id
    await accounts.sign_out(session.token.reveal(), HERE)
    await accounts.sign_out(session.token.reveal(), HERE)
    assert await kind_of(accounts.session(session.token.reveal())) is ErrorKind.UNAUTHENTICATED
    assert await accounts.session(anna.token.reveal()) == anna.principal
    written = [entry.what for entry in await audit.entries()]
    assert written == ["session.close", "session.open", "setup.first_administrator", "setup.issue_code"]


async def test_every_wrong_sign_in_gets_the_same_words(accounts: Accounts, anna: Session) -> None:
    bob = await accounts.people.create_user("Bob", PASSWORD, [Role.VIEWER], anna.principal)
    await accounts.people.change(bob.id, anna.principal, disabled=True)
    messages: set[str] = set()
    for name, password in (
        ("Anna", "wrong"), ("Anna", ""), ("Nobody", PASSWORD), ("Bob", PASSWORD), ("", ""),
        ("Anna", PASSWORD + " "), ("x" * 100_000, "y" * 100_000), ("Anna\0", PASSWORD), ("\ud800", "\ud800"),
    ):  # fmt: skip
        with pytest.raises(AppError) as refused:
            await accounts.sign_in(name, password, f"where-{len(messages)}-{name[:5]!r}-{len(password)}")
        assert refused.value.kind is ErrorKind.UNAUTHENTICATED
        messages.add(refused.value.message)
    assert len(messages) == 1


async def test_unknown_names_take_as_long_as_wrong_passwords(
    database: Database, audit: AuditLog, clock: ManualClock
) -> None:
    """With hashes of a few milliseconds, so that hashing is what is measured."""
    accounts = Accounts(database, audit, clock, AccountSettings(hashing=HashSettings(4096, 2)))
    code = (await accounts.issue_setup_code()).code.reveal()
    await accounts.create_first_administrator(code, "Anna", PASSWORD, HERE)
    took: dict[str, list[float]] = {"Anna": [], "Nobody": []}
    for number in range(24):
        for name, times in took.items():
            start = time.perf_counter()
            with pytest.raises(AppError):
                await accounts.sign_in(name, "wrong", f"192.0.2.{number}")
            times.append(time.perf_counter() - start)
    accounts.close()
    known, unknown = statistics.median(took["Anna"][2:]), statistics.median(took["Nobody"][2:])
    assert 0.6 < known / unknown < 1.6, (known, unknown)


async def test_a_name_that_is_no_account_is_not_written_down(
    accounts: Accounts, anna: Session, audit: AuditLog, tmp_path: Path
) -> None:
    assert (
        await kind_of(accounts.sign_in("CANARY-typed-my-password-here", "x", HERE))
        is ErrorKind.UNAUTHENTICATED
    )
    refusal = (await audit.entries(1))[0]
    assert (refusal.outcome, refusal.object, refusal.from_where) == (Outcome.REFUSED, "user unknown", HERE)
    for file in tmp_path.iterdir():
        assert not file.is_file() or b"CANARY" not in file.read_bytes()


async def test_no_secret_is_in_the_database(accounts: Accounts, anna: Session, tmp_path: Path) -> None:
    session = await accounts.sign_in("Anna", PASSWORD, HERE)
    secrets = [PASSWORD, session.token.reveal(), session.csrf_token, anna.token.reveal()]
    for file in tmp_path.iterdir():
        content = file.read_bytes() if file.is_file() else b""
        assert not any(secret.encode() in content for secret in secrets), file
    assert not any(secret in repr(session) for secret in (PASSWORD, session.token.reveal()))


async def test_guessing_is_slowed_and_nobody_is_locked_out(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    refused = 0
    for number in range(200):
        kind = await kind_of(accounts.sign_in("Anna", f"guess {number}", "203.0.113.66"))
        refused += kind is ErrorKind.EXHAUSTED
    assert refused > 190
    assert (await accounts.sign_in("Anna", PASSWORD, HERE)).principal.name == "Anna"
    with pytest.raises(TooManyAttemptsError) as wait:
        await accounts.sign_in("Anna", PASSWORD, "203.0.113.66")
    assert 1 <= wait.value.retry_after_s <= 30
    clock.advance(wait.value.retry_after_s * 1_000_000)
    await accounts.sign_in("Anna", PASSWORD, "203.0.113.66")


async def test_a_flood_from_strangers_does_not_shut_out_a_known_desk(
    accounts: Accounts, anna: Session
) -> None:
    flood = [
        asyncio.create_task(accounts.sign_in("Anna", "x", f"2001:db8:0:{number:x}::1"))
        for number in range(300)
    ]
    await asyncio.sleep(0.005)
    session = await accounts.sign_in("Anna", PASSWORD, HERE)
    assert session.principal.name == "Anna"
    outcomes = await asyncio.gather(*flood, return_exceptions=True)
    assert {outcome.kind for outcome in outcomes if isinstance(outcome, AppError)} <= {
        ErrorKind.EXHAUSTED,
        ErrorKind.UNAUTHENTICATED,
    }
    assert not any(isinstance(outcome, Session) for outcome in outcomes)


async def test_sessions_end_by_idleness_and_by_age(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    token = anna.token.reveal()
    for _ in range(14):
        clock.advance(11 * HOUR_US)
        await accounts.session(token)
    clock.advance(12 * HOUR_US)
    assert await kind_of(accounts.session(token)) is ErrorKind.UNAUTHENTICATED
    token = (await accounts.sign_in("Anna", PASSWORD, HERE)).token.reveal()
    for _ in range(16):
        clock.advance(10 * HOUR_US)
        await accounts.session(token)
    clock.advance(8 * HOUR_US)
    assert await kind_of(accounts.session(token)) is ErrorKind.UNAUTHENTICATED


async def test_a_clock_set_back_ends_no_session(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    clock.step_wall(-24 * HOUR_US)
    assert await accounts.session(anna.token.reveal()) == anna.principal


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 100_000, "\ud800", "' OR 1=1 --"])
async def test_made_up_tokens_open_nothing(accounts: Accounts, anna: Session, token: str) -> None:
    assert await kind_of(accounts.session(token)) is ErrorKind.UNAUTHENTICATED
    real = anna.token.reveal()
    assert await kind_of(accounts.session(real[:-1])) is ErrorKind.UNAUTHENTICATED
    assert await kind_of(accounts.session(real.swapcase())) is ErrorKind.UNAUTHENTICATED


async def test_sessions_are_listed_and_revoked(accounts: Accounts, anna: Session, clock: ManualClock) -> None:
    bob = await accounts.people.create_user("Bob", PASSWORD, [Role.VIEWER], anna.principal)
    clock.advance(1)
    desk = await accounts.sign_in("Bob", PASSWORD, "192.0.2.7")
    clock.advance(1)
    phone = await accounts.sign_in("Bob", PASSWORD, "192.0.2.8")
    listed = await accounts.sessions(bob.id)
    assert [info.from_where for info in listed] == ["192.0.2.8", "192.0.2.7"]
    assert desk.principal.session_id is not None
    await accounts.revoke(desk.principal.session_id, phone.principal)
    assert await kind_of(accounts.session(desk.token.reveal())) is ErrorKind.UNAUTHENTICATED
    assert phone.principal.session_id is not None
    assert anna.principal.session_id is not None
    others = accounts.revoke(anna.principal.session_id, phone.principal)
    assert await kind_of(others) is ErrorKind.MISSING
    others = accounts.revoke(anna.principal.session_id, phone.principal, HERE, anna.principal.id)
    assert await kind_of(others) is ErrorKind.DENIED
    own = accounts.revoke(phone.principal.session_id, anna.principal)
    assert await kind_of(own) is ErrorKind.MISSING
    await accounts.revoke(phone.principal.session_id, anna.principal, HERE, bob.id)
    assert await accounts.sessions(bob.id) == []
    assert await kind_of(accounts.revoke(SessionId(new_id()), anna.principal)) is ErrorKind.MISSING
    assert await kind_of(accounts.sessions(PrincipalId(new_id()))) is ErrorKind.MISSING
    clock.advance(12 * HOUR_US)
    assert await accounts.sessions(anna.principal.id) == []


async def test_who_holds_a_session_is_told_with_the_roles_of_this_moment(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    """A look that lasts asks this: a changed role, a sign-out and an idle session end it."""
    by, session_id = anna.principal, anna.principal.session_id
    assert session_id is not None
    assert await accounts.principal_of(session_id) == anna.principal
    assert await accounts.principal_of(SessionId(new_id())) is None
    await accounts.people.create_user("Bela", PASSWORD, [Role.ADMINISTRATOR], by)
    await accounts.people.change(by.id, by, roles=[Role.DATA_PROTECTION_OFFICER])
    now = await accounts.principal_of(session_id)
    assert now is not None
    assert now.roles == {Role.DATA_PROTECTION_OFFICER}
    clock.advance(12 * HOUR_US)
    assert await accounts.principal_of(session_id) is None
    again = await accounts.sign_in(by.name, PASSWORD, HERE)
    assert again.principal.session_id is not None
    await accounts.sign_out(again.token.reveal())
    assert await accounts.principal_of(again.principal.session_id) is None


async def test_a_user_has_a_bounded_number_of_sessions(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    for _ in range(25):
        clock.advance(1_000_000)
        newest = await accounts.sign_in("Anna", PASSWORD, HERE)
    listed = await accounts.sessions(anna.principal.id)
    assert len(listed) == CHEAP.sessions_per_user
    assert listed[0].id == newest.principal.session_id
    assert await kind_of(accounts.session(anna.token.reveal())) is ErrorKind.UNAUTHENTICATED


async def test_use_is_noted_once_a_minute(accounts: Accounts, anna: Session, clock: ManualClock) -> None:
    clock.advance(59_000_000)
    await accounts.session(anna.token.reveal())
    assert (await accounts.sessions(anna.principal.id))[0].seen_us == NOW_US
    clock.advance(1_000_000)
    await accounts.session(anna.token.reveal())
    assert (await accounts.sessions(anna.principal.id))[0].seen_us == NOW_US + 60_000_000


async def test_with_a_full_disk_people_stay_signed_in(
    accounts: Accounts, anna: Session, clock: ManualClock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise AppError(ErrorKind.EXHAUSTED, "the disk is full")

    monkeypatch.setattr(database, "write", full)
    clock.advance(HOUR_US)
    assert await accounts.session(anna.token.reveal()) == anna.principal
    assert await kind_of(accounts.sign_in("Anna", PASSWORD, HERE)) is ErrorKind.EXHAUSTED


async def test_outdated_hashes_are_renewed_at_sign_in(
    accounts: Accounts, anna: Session, database: Database, audit: AuditLog, clock: ManualClock
) -> None:
    stronger = Accounts(database, audit, clock, AccountSettings(hashing=HashSettings(128, 1)))
    await stronger.sign_in("Anna", PASSWORD, HERE)
    assert not stronger._hasher.is_outdated(await stored_hash(database))
    await stronger.sign_in("Anna", PASSWORD, HERE)
    stronger.close()


async def stored_hash(database: Database) -> str:
    from civiscope.security.tables import user_table
    from civiscope.storage import select

    return str(await database.read(lambda c: c.execute(select(user_table.c.password_hash)).scalar()))


async def test_roles_changed_while_the_password_is_checked_do_not_slip_in(
    accounts: Accounts, anna: Session
) -> None:
    """The account is disabled between reading it and writing the session."""
    bob = await accounts.people.create_user("Bob", PASSWORD, [Role.VIEWER], anna.principal)
    verify = accounts._hasher.verify

    async def verify_then_disable(stored: str | None, password: str, *, known: bool = False) -> bool:
        fits = await verify(stored, password, known=known)
        await accounts.people.change(bob.id, anna.principal, disabled=True)
        return fits

    accounts._hasher.verify = verify_then_disable  # type: ignore[method-assign]
    assert await kind_of(accounts.sign_in("Bob", PASSWORD, HERE)) is ErrorKind.UNAUTHENTICATED
    assert await accounts.sessions(bob.id) == []
