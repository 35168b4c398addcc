"""Passkeys by a hand-made authenticator: added, used, refused for every reason in the same words."""

import copy
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.security.authenticator import PRESENT, Authenticator, b64

from civiscope.base import AppError, ErrorKind, ManualClock, new_id
from civiscope.security import (
    Accounts,
    AuditLog,
    Outcome,
    PasskeyId,
    RelyingParty,
    Role,
    Session,
    TooManyAttemptsError,
    passkeys_possible,
)

from .conftest import PASSWORD

HERE = "127.0.0.1"
PARTY = RelyingParty("cams.graz.example", "Graz", "https://cams.graz.example:8443")


async def added(accounts: Accounts, session: Session, key: Authenticator, name: str = "Phone") -> PasskeyId:
    begun = await accounts.passkeys.begin_adding(session.principal, PASSWORD, PARTY, HERE)
    passkey = await accounts.passkeys.add(
        session.principal, begun.ticket, name, key.create(begun.options), PARTY, HERE
    )
    return passkey.id


async def signed_in(accounts: Accounts, key: Authenticator, party: RelyingParty = PARTY) -> Session:
    begun = accounts.passkeys.begin_sign_in(party, HERE)
    return await accounts.passkeys.sign_in(begun.ticket, key.get(begun.options), party, HERE)


async def refused(awaitable: object) -> AppError:
    with pytest.raises(AppError) as caught:
        await awaitable  # type: ignore[misc]  # any awaitable
    return caught.value


@pytest.fixture
def key() -> Authenticator:
    return Authenticator(PARTY.origin)


async def test_a_passkey_signs_in_alone(
    accounts: Accounts, anna: Session, key: Authenticator, clock: ManualClock, audit: AuditLog
) -> None:
    passkey_id = await added(accounts, anna, key, " Anna's   phone ")
    clock.advance(5_000_000)
    session = await signed_in(accounts, key)
    assert session.principal.id == anna.principal.id
    assert await accounts.session(session.token.reveal()) == session.principal
    (kept,) = await accounts.passkeys.of_user(anna.principal.id)
    assert (kept.id, kept.name, kept.used_us) == (passkey_id, "Anna's phone", clock.now_us())
    assert [entry.what for entry in await audit.entries(2)] == ["session.open", "passkey.add"]
    assert (await accounts.factors.state_of(anna.principal.id)).passkeys == 1


async def test_a_removed_passkey_opens_nothing(accounts: Accounts, anna: Session, key: Authenticator) -> None:
    passkey_id = await added(accounts, anna, key)
    bob = await accounts.people.create_user("Bob", PASSWORD, [Role.VIEWER], anna.principal)
    other = await accounts.sign_in(bob.name, PASSWORD, HERE)
    foreign = await refused(accounts.passkeys.remove(other.principal, passkey_id, HERE))
    unknown = await refused(accounts.passkeys.remove(other.principal, PasskeyId(new_id()), HERE))
    assert (foreign.kind, foreign.message) == (unknown.kind, unknown.message)
    assert foreign.kind is ErrorKind.MISSING
    await accounts.passkeys.remove(anna.principal, passkey_id, HERE)
    assert (await refused(signed_in(accounts, key))).kind is ErrorKind.DENIED


async def test_a_challenge_is_good_once_and_for_five_minutes(
    accounts: Accounts, anna: Session, key: Authenticator, clock: ManualClock, audit: AuditLog
) -> None:
    await added(accounts, anna, key)
    begun = accounts.passkeys.begin_sign_in(PARTY, HERE)
    answer = key.get(begun.options)
    await accounts.passkeys.sign_in(begun.ticket, answer, PARTY, HERE)
    again = await refused(accounts.passkeys.sign_in(begun.ticket, answer, PARTY, HERE))
    assert again.kind is ErrorKind.DENIED
    assert (await audit.entries(1))[0].outcome is Outcome.REFUSED
    late = accounts.passkeys.begin_sign_in(PARTY, HERE)
    clock.advance(300_000_000)
    assert (await refused(accounts.passkeys.sign_in(late.ticket, key.get(late.options), PARTY, HERE))).message
    other = accounts.passkeys.begin_sign_in(PARTY, HERE)
    mixed = accounts.passkeys.begin_sign_in(PARTY, HERE)
    assert (
        await refused(accounts.passkeys.sign_in(other.ticket, key.get(mixed.options), PARTY, HERE))
    ).kind is ErrorKind.DENIED


async def test_every_refusal_is_told_in_the_same_words(
    accounts: Accounts, anna: Session, key: Authenticator, clock: ManualClock
) -> None:
    await added(accounts, anna, key)
    messages = set()
    stranger = Authenticator(PARTY.origin, user=anna.principal.id.bytes)
    thief = Authenticator(PARTY.origin, id=key.id, user=anna.principal.id.bytes)
    wrong_page = replace(key, origin="https://cams.graz.example.evil.example")
    wrong_port = replace(key, origin="https://cams.graz.example")
    unverified = replace(key, flags=PRESENT)
    no_user = replace(key, user=b"")
    other_user = replace(key, user=new_id().bytes)
    for wrong in (stranger, thief, wrong_page, wrong_port, unverified, no_user, other_user):
        error = await refused(signed_in(accounts, wrong))
        if not isinstance(error, TooManyAttemptsError):
            assert error.kind is ErrorKind.DENIED
            messages.add(error.message)
        clock.advance(60_000_000)
    elsewhere = RelyingParty("localhost", "Graz", PARTY.origin)
    messages.add((await refused(signed_in(accounts, key, elsewhere))).message)
    clock.advance(60_000_000)
    await signed_in(accounts, replace(key, count=9))
    assert len(messages) == 1


async def test_a_count_that_goes_back_tells_of_a_copy(
    accounts: Accounts, anna: Session, key: Authenticator
) -> None:
    await added(accounts, anna, key)
    key.count = 10
    await signed_in(accounts, key)
    copied = replace(key, count=5)
    assert (await refused(signed_in(accounts, copied))).kind is ErrorKind.DENIED
    key.count = 11
    await signed_in(accounts, key)


async def test_a_disabled_user_stays_out_also_with_a_passkey(
    accounts: Accounts, anna: Session, key: Authenticator
) -> None:
    bob = await accounts.people.create_user("Bob", PASSWORD, [Role.VIEWER], anna.principal)
    await added(accounts, await accounts.sign_in("Bob", PASSWORD, HERE), key)
    await signed_in(accounts, key)
    await accounts.people.change(bob.id, anna.principal, disabled=True)
    assert (await refused(signed_in(accounts, key))).kind is ErrorKind.DENIED
    await accounts.people.change(bob.id, anna.principal, disabled=False)
    await signed_in(accounts, key)
    await accounts.factors.remove_all(bob.id, anna.principal, HERE)
    assert (await refused(signed_in(accounts, key))).kind is ErrorKind.DENIED


async def test_adding_asks_for_the_password_and_for_an_answer_to_this_very_ticket(
    accounts: Accounts, anna: Session, key: Authenticator
) -> None:
    keys, who = accounts.passkeys, anna.principal
    assert (await refused(keys.begin_adding(who, "wrong", PARTY, HERE))).kind is ErrorKind.DENIED
    begun = await keys.begin_adding(who, PASSWORD, PARTY, HERE)
    answer = key.create(begun.options)
    bob = await accounts.people.create_user("Bob", PASSWORD, [Role.VIEWER], who)
    other = (await accounts.sign_in(bob.name, PASSWORD, HERE)).principal
    assert (await refused(keys.add(other, begun.ticket, "x", answer, PARTY, HERE))).kind is ErrorKind.DENIED
    assert (await refused(keys.add(who, begun.ticket, "x", answer, PARTY, HERE))).kind is ErrorKind.DENIED
    unverified = Authenticator(PARTY.origin, flags=PRESENT)
    begun = await keys.begin_adding(who, PASSWORD, PARTY, HERE)
    answer = unverified.create(begun.options)
    assert (await refused(keys.add(who, begun.ticket, "x", answer, PARTY, HERE))).kind is ErrorKind.DENIED
    begun = await keys.begin_adding(who, PASSWORD, PARTY, HERE)
    assert (
        await refused(keys.add(who, begun.ticket, " ", key.create(begun.options), PARTY, HERE))
    ).kind is ErrorKind.INVALID
    await added(accounts, anna, key)
    assert (await refused(added(accounts, anna, key))).kind is ErrorKind.CONFLICT
    begun = await keys.begin_adding(who, PASSWORD, PARTY, HERE)
    assert begun.options["excludeCredentials"][0]["id"] == b64(key.id)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_broken_answers_are_refused_not_crashed_on(
    accounts: Accounts, anna: Session, data: st.DataObject, clock: ManualClock, key: Authenticator
) -> None:
    clock.advance(60_000_000)
    if not await accounts.passkeys.of_user(anna.principal.id):
        await added(accounts, anna, key)
    begun = accounts.passkeys.begin_sign_in(PARTY, HERE)
    answer = copy.deepcopy(key.get(begun.options))
    place = data.draw(st.sampled_from(["id", "rawId", "type", *answer["response"]]))
    junk: object = data.draw(
        st.none()
        | st.integers()
        | st.text(max_size=40)
        | st.binary(max_size=80).map(b64)
        | st.just({})
        | st.just([])
    )
    (answer["response"] if place in answer["response"] else answer)[place] = junk
    assert (await refused(accounts.passkeys.sign_in(begun.ticket, answer, PARTY, HERE))).kind in {
        ErrorKind.DENIED,
        ErrorKind.EXHAUSTED,
    }


async def test_one_network_of_ipv6_pushes_out_only_its_own_tickets(
    accounts: Accounts, anna: Session, key: Authenticator
) -> None:
    """Who has a /64 has 2^64 addresses; the pace counts them as one, and so does the book of tickets."""
    await added(accounts, anna, key)
    mine = accounts.passkeys.begin_sign_in(PARTY, HERE)
    for number in range(4_200):
        accounts.passkeys.begin_sign_in(PARTY, f"2001:db8::{number:x}")
    assert await accounts.passkeys.sign_in(mine.ticket, key.get(mine.options), PARTY, HERE)


async def test_tickets_are_bounded_and_tries_are_paced(
    accounts: Accounts, anna: Session, key: Authenticator
) -> None:
    await added(accounts, anna, key)
    first = accounts.passkeys.begin_sign_in(PARTY, "203.0.113.9")
    mine = accounts.passkeys.begin_sign_in(PARTY, HERE)
    for _ in range(200):
        accounts.passkeys.begin_sign_in(PARTY, "203.0.113.9")
    late = await refused(
        accounts.passkeys.sign_in(first.ticket, key.get(first.options), PARTY, "203.0.113.9")
    )
    assert late.kind is ErrorKind.DENIED
    kinds = [
        (await refused(accounts.passkeys.sign_in("none", {}, PARTY, "203.0.113.9"))).kind for _ in range(30)
    ]
    assert kinds.count(ErrorKind.EXHAUSTED) > 20
    assert await accounts.passkeys.sign_in(mine.ticket, key.get(mine.options), PARTY, HERE)


@pytest.mark.parametrize(
    ("host", "possible"),
    [
        ("cams.graz.example", True), ("localhost", True), ("10.1.2.3", False), ("[::1]", False),
        ("::1", False), ("", False), ("server", False),
    ],
)  # fmt: skip
def test_where_browsers_keep_passkeys(host: str, possible: bool) -> None:
    assert passkeys_possible(host) is possible
