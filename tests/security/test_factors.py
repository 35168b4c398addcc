"""Codes from a phone and recovery codes: as the RFC says, once each, also for who tries it in parallel."""

import asyncio
import base64
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.security import (
    Accounts,
    AuditLog,
    Outcome,
    Role,
    SecondFactorError,
    Session,
    TooManyAttemptsError,
    User,
)
from civiscope.security.totp import matching_step, new_recovery_codes, totp_code, totp_uri
from civiscope.storage import Database

from .conftest import PASSWORD

HERE = "127.0.0.1"
RFC_SECRET = b"12345678901234567890"
STEP_US = 30_000_000


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_the_rfc(second: int, code: str) -> None:
    """RFC 6238 appendix B (SHA-1), the last six of its eight digits."""
    assert totp_code(RFC_SECRET, second // 30) == code
    assert matching_step(RFC_SECRET, f"{code[:3]} {code[3:]}", second * 1_000_000, -1) == second // 30


@given(st.integers(10, 10**9), st.integers(-5, 5), st.integers(-4, 4))
def test_one_step_of_drift_and_never_a_step_again(now: int, drift: int, used: int) -> None:
    found = matching_step(RFC_SECRET, totp_code(RFC_SECRET, now + drift), now * STEP_US, now + used)
    if found is not None:
        assert abs(found - now) <= 1
        assert found > now + used
        assert totp_code(RFC_SECRET, found) == totp_code(RFC_SECRET, now + drift)
    else:
        assert abs(drift) > 1 or drift <= used


@given(st.text(max_size=12))
def test_any_other_text_is_no_code(text: str) -> None:
    if matching_step(RFC_SECRET, text, 59_000_000, -1) is not None:
        assert "".join(text.split()) in {totp_code(RFC_SECRET, step) for step in (0, 1, 2)}


def test_a_phone_is_told_everything_by_the_address() -> None:
    parts = urlsplit(totp_uri(RFC_SECRET, "Graz: west & more", "Anna Gruber"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/Graz%20west%20%26%20more:Anna%20Gruber"
    told = parse_qs(parts.query)
    assert base64.b32decode(told["secret"][0]) == RFC_SECRET
    assert (told["issuer"], told["digits"], told["period"]) == (["Graz west & more"], ["6"], ["30"])


class Phone:
    """What the person has in the hand."""

    def __init__(self, secret: str, clock: ManualClock) -> None:
        self._secret = base64.b32decode(secret.replace(" ", ""))
        self._clock = clock

    def code(self, steps: int = 0) -> str:
        return totp_code(self._secret, self._clock.now_us() // STEP_US + steps)


async def enrolled(accounts: Accounts, session: Session, clock: ManualClock) -> tuple[Phone, list[str]]:
    enrolment = await accounts.factors.enrol(session.principal, PASSWORD, "Graz", HERE)
    phone = Phone(enrolment.secret.reveal(), clock)
    codes = await accounts.factors.confirm(session.principal, phone.code(), HERE)
    clock.advance(STEP_US)
    return phone, [code.reveal() for code in codes]


async def test_signing_in_asks_for_a_code_once_enrolled(
    accounts: Accounts, anna: Session, clock: ManualClock, audit: AuditLog
) -> None:
    phone, codes = await enrolled(accounts, anna, clock)
    assert len(codes) == len(set(codes)) == 10
    with pytest.raises(SecondFactorError, match="Type the code"):
        await accounts.sign_in("Anna", PASSWORD, HERE)
    with pytest.raises(SecondFactorError, match="is wrong") as wrong:
        await accounts.sign_in("Anna", PASSWORD, HERE, "000000")
    assert wrong.value.second_factor == ("totp", "recovery")
    refusal = (await audit.entries(1))[0]
    assert (refusal.what, refusal.outcome) == ("session.open", Outcome.REFUSED)
    assert refusal.object == f"user {anna.principal.id}"
    session = await accounts.sign_in("Anna", PASSWORD, HERE, phone.code())
    assert session.principal.id == anna.principal.id
    state = await accounts.factors.state_of(anna.principal.id)
    assert (state.has_totp, state.recovery_left) == (True, 10)


async def test_a_wrong_password_says_nothing_of_codes(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    phone, _ = await enrolled(accounts, anna, clock)
    for code in (None, phone.code(), "000000"):
        with pytest.raises(AppError, match="Name or password is wrong") as refused:
            await accounts.sign_in("Anna", "wrong", f"where {code}", code)
        assert not isinstance(refused.value, SecondFactorError)
    await accounts.sign_in("Anna", PASSWORD, HERE, phone.code())


async def test_a_code_opens_once_also_when_many_try_it_together(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    phone, codes = await enrolled(accounts, anna, clock)
    for code in (phone.code(), codes[0]):
        tries = [accounts.sign_in("Anna", PASSWORD, f"192.0.2.{number}", code) for number in range(4)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(outcome, Session) for outcome in outcomes) == 1
        rest = [outcome for outcome in outcomes if not isinstance(outcome, Session)]
        assert all(isinstance(outcome, SecondFactorError) for outcome in rest), rest
    with pytest.raises(SecondFactorError):
        await accounts.sign_in("Anna", PASSWORD, HERE, phone.code(-1))
    clock.advance(STEP_US)
    await accounts.sign_in("Anna", PASSWORD, HERE, phone.code())


async def test_the_code_that_confirmed_opens_nothing(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    enrolment = await accounts.factors.enrol(anna.principal, PASSWORD, "Graz", HERE)
    phone = Phone(enrolment.secret.reveal(), clock)
    assert not await accounts.factors.needs_code(anna.principal.id)
    await accounts.factors.confirm(anna.principal, phone.code(), HERE)
    with pytest.raises(SecondFactorError):
        await accounts.sign_in("Anna", PASSWORD, HERE, phone.code())


async def test_recovery_codes_are_for_one_person_and_one_time(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    _, codes = await enrolled(accounts, anna, clock)
    await accounts.people.create_user("Bob", PASSWORD, [Role.VIEWER], anna.principal)
    bob = await accounts.sign_in("Bob", PASSWORD, HERE)
    _, others = await enrolled(accounts, bob, clock)
    with pytest.raises(SecondFactorError):
        await accounts.sign_in("Anna", PASSWORD, HERE, others[0])
    await accounts.sign_in("Anna", PASSWORD, HERE, codes[3].lower().replace("-", " "))
    assert (await accounts.factors.state_of(anna.principal.id)).recovery_left == 9
    with pytest.raises(SecondFactorError):
        await accounts.sign_in("Anna", PASSWORD, HERE, codes[3])


async def test_enrolling_asks_for_the_password_and_a_first_code_within_ten_minutes(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    async def refused(awaitable: object) -> ErrorKind:
        with pytest.raises(AppError) as caught:
            await awaitable  # type: ignore[misc]  # any awaitable
        return caught.value.kind

    who = anna.principal
    assert await refused(accounts.factors.enrol(who, "wrong", "Graz", HERE)) is ErrorKind.DENIED
    assert await refused(accounts.factors.confirm(who, "123456", HERE)) is ErrorKind.CONFLICT
    enrolment = await accounts.factors.enrol(who, PASSWORD, "Graz", HERE)
    phone = Phone(enrolment.secret.reveal(), clock)
    assert await refused(accounts.factors.confirm(who, phone.code(9), HERE)) is ErrorKind.DENIED
    clock.advance(600_000_001)
    assert await refused(accounts.factors.confirm(who, phone.code(), HERE)) is ErrorKind.CONFLICT
    await enrolled(accounts, anna, clock)
    assert await refused(accounts.factors.enrol(who, PASSWORD, "Graz", HERE)) is ErrorKind.CONFLICT
    assert await refused(accounts.factors.remove(who, "wrong", HERE)) is ErrorKind.DENIED
    await accounts.factors.remove(who, PASSWORD, HERE)
    await accounts.sign_in("Anna", PASSWORD, HERE)
    assert (await accounts.factors.state_of(who.id)).recovery_left == 0


async def test_codes_are_guessed_slowly_and_the_owner_is_not_shut_out(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    """Somebody who has the password tries codes from elsewhere."""
    phone, _ = await enrolled(accounts, anna, clock)
    kinds = []
    for number in range(60):
        with pytest.raises(AppError) as refused:
            await accounts.sign_in("Anna", PASSWORD, "203.0.113.66", f"{number:06}")
        kinds.append(type(refused.value))
    assert kinds.count(TooManyAttemptsError) >= 50
    assert (await accounts.sign_in("Anna", PASSWORD, HERE, phone.code())).principal.name == "Anna"


async def test_codes_cannot_be_guessed_from_many_addresses_at_once(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    phone, codes = await enrolled(accounts, anna, clock)
    kinds = []
    for number in range(60):
        with pytest.raises(AppError) as refused:
            await accounts.sign_in("Anna", PASSWORD, f"203.0.113.{number}", f"{number:06}")
        kinds.append(type(refused.value))
    assert kinds.count(TooManyAttemptsError) >= 50
    assert await accounts.sign_in("Anna", PASSWORD, HERE, phone.code())
    assert await accounts.sign_in("Anna", PASSWORD, "198.51.100.1", codes[0])
    clock.advance(60_000_000)
    assert await accounts.sign_in("Anna", PASSWORD, "198.51.100.2", phone.code())


async def test_a_lost_phone_is_taken_off_by_an_administrator(
    accounts: Accounts, anna: Session, clock: ManualClock
) -> None:
    bob: User = await accounts.people.create_user("Bob", PASSWORD, [Role.VIEWER], anna.principal)
    session = await accounts.sign_in("Bob", PASSWORD, HERE)
    await enrolled(accounts, session, clock)
    with pytest.raises(AppError) as refused:
        await accounts.factors.remove_all(bob.id, session.principal, HERE)
    assert refused.value.kind is ErrorKind.DENIED
    await accounts.factors.remove_all(bob.id, anna.principal, HERE)
    with pytest.raises(AppError):
        await accounts.session(session.token.reveal())
    await accounts.sign_in("Bob", PASSWORD, HERE)


async def test_no_secret_of_a_factor_is_in_the_database(
    accounts: Accounts, anna: Session, clock: ManualClock, tmp_path: Path, database: Database
) -> None:
    enrolment = await accounts.factors.enrol(anna.principal, PASSWORD, "Graz", HERE)
    raw = base64.b32decode(enrolment.secret.reveal().replace(" ", ""))
    codes = await accounts.factors.confirm(
        anna.principal, Phone(enrolment.secret.reveal(), clock).code(), HERE
    )
    assert enrolment.secret.reveal() not in repr(enrolment)
    for file in tmp_path.iterdir():
        content = file.read_bytes() if file.is_file() else b""
        assert raw not in content
        assert not any(code.reveal().encode() in content for code in codes)
        assert not any(code.reveal().replace("-", "").encode() in content for code in codes)


def test_recovery_codes_have_80_bits() -> None:
    codes = [code.reveal() for code in new_recovery_codes()]
    assert all(len(code.replace("-", "")) == 16 for code in codes)
