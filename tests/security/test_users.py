"""Making, changing and shutting out users; what only an administrator may do."""

from collections.abc import Awaitable, Callable

import pytest

from civiscope.base import AppError, ErrorKind, ManualClock, PrincipalId, new_id
from civiscope.security import Accounts, AuditLog, Outcome, Principal, Role, Session, User

from .conftest import PASSWORD

HERE = "127.0.0.1"
NEW = "seven quiet otters swim"


async def kind_of(awaitable: Awaitable[object]) -> ErrorKind:
    with pytest.raises(AppError) as refused:
        await awaitable
    return refused.value.kind


@pytest.fixture
async def bob(accounts: Accounts, anna: Session) -> User:
    return await accounts.people.create_user("Bob", PASSWORD, [Role.OPERATOR], anna.principal, HERE)


async def test_a_new_user_signs_in_with_the_roles_given(
    accounts: Accounts, bob: User, audit: AuditLog
) -> None:
    session = await accounts.sign_in("bob", PASSWORD, HERE)
    assert session.principal.roles == {Role.OPERATOR}
    assert [user.name for user in await accounts.users()] == ["Anna", "Bob"]
    made = next(entry for entry in await audit.entries() if entry.what == "user.create")
    assert (made.who, made.object, made.from_where) == ("Anna", f"user {bob.id}", HERE)
    assert await audit.details(made.sequence) == {"name": "Bob", "roles": ["operator"]}


@pytest.mark.parametrize("name", ["bob", "BOB", "  Bob ", "Ｂｏｂ"])
async def test_names_that_look_alike_are_one_name(
    accounts: Accounts, anna: Session, bob: User, name: str
) -> None:
    kind = await kind_of(accounts.people.create_user(name, PASSWORD, [Role.VIEWER], anna.principal))
    assert kind is ErrorKind.CONFLICT


@pytest.mark.parametrize(
    ("name", "password", "roles"),
    [
        ("", PASSWORD, [Role.VIEWER]),
        ("Eve", "short", [Role.VIEWER]),
        ("E\nve\0", PASSWORD, []),
    ],
)
async def test_bad_drafts_are_refused(
    accounts: Accounts, anna: Session, name: str, password: str, roles: list[Role]
) -> None:
    assert (
        await kind_of(accounts.people.create_user(name, password, roles, anna.principal)) is ErrorKind.INVALID
    )
    assert len(await accounts.users()) == 1


async def test_only_administrators_manage_users(accounts: Accounts, anna: Session, bob: User) -> None:
    """Every way to manage, tried by an operator, a viewer, an officer and somebody without a role."""
    for roles in ([Role.OPERATOR], [Role.VIEWER], [Role.DATA_PROTECTION_OFFICER], []):
        eve = Principal(PrincipalId(new_id()), "Eve", anna.principal.kind, frozenset(roles))
        attempts: list[Callable[[Principal], Awaitable[object]]] = [
            lambda by: accounts.people.create_user("X", PASSWORD, [Role.ADMINISTRATOR], by),
            lambda by: accounts.people.change(bob.id, by, roles=[Role.ADMINISTRATOR]),
            lambda by: accounts.people.set_password(anna.principal.id, NEW, by),
            lambda by: accounts.people.change(anna.principal.id, by, disabled=True),
            lambda by: accounts.people.change(bob.id, by, disabled=False),
        ]
        for attempt in attempts:
            assert await kind_of(attempt(eve)) is ErrorKind.DENIED
    assert (await accounts.sign_in("Anna", PASSWORD, HERE)).principal.roles == {Role.ADMINISTRATOR}


async def test_roles_take_effect_with_the_next_request(accounts: Accounts, anna: Session, bob: User) -> None:
    session = await accounts.sign_in("Bob", PASSWORD, HERE)
    changed = await accounts.people.change(
        bob.id, anna.principal, roles=[Role.VIEWER, Role.DATA_PROTECTION_OFFICER]
    )
    assert (await accounts.session(session.token.reveal())).roles == changed.roles
    nothing = await accounts.people.change(bob.id, anna.principal, roles=[])
    assert nothing.roles == frozenset()
    assert (await accounts.session(session.token.reveal())).roles == frozenset()


async def test_a_disabled_user_is_out_at_once_and_can_come_back(
    accounts: Accounts, anna: Session, bob: User, clock: ManualClock
) -> None:
    session = await accounts.sign_in("Bob", PASSWORD, HERE)
    await accounts.people.change(bob.id, anna.principal, disabled=True)
    assert await kind_of(accounts.session(session.token.reveal())) is ErrorKind.UNAUTHENTICATED
    assert await kind_of(accounts.sign_in("Bob", PASSWORD, HERE)) is ErrorKind.UNAUTHENTICATED
    await accounts.people.change(bob.id, anna.principal, disabled=False)
    assert (await accounts.sign_in("Bob", PASSWORD, HERE)).principal.name == "Bob"


async def test_the_last_administrator_stays(accounts: Accounts, anna: Session, bob: User) -> None:
    assert (
        await kind_of(accounts.people.change(anna.principal.id, anna.principal, disabled=True))
        is ErrorKind.CONFLICT
    )
    assert (
        await kind_of(accounts.people.change(anna.principal.id, anna.principal, roles=[Role.VIEWER]))
        is ErrorKind.CONFLICT
    )
    await accounts.people.change(bob.id, anna.principal, roles=[Role.ADMINISTRATOR])
    await accounts.people.change(anna.principal.id, anna.principal, roles=[Role.VIEWER])
    with pytest.raises(AppError, match="Bob is the only administrator"):
        await accounts.people.change(
            bob.id, (await accounts.sign_in("Bob", PASSWORD, HERE)).principal, disabled=True
        )


async def test_an_unknown_user_is_missing(accounts: Accounts, anna: Session) -> None:
    nobody = PrincipalId(new_id())
    for attempt in (
        accounts.people.change(nobody, anna.principal, roles=[Role.VIEWER]),
        accounts.people.set_password(nobody, NEW, anna.principal),
        accounts.people.change(nobody, anna.principal, disabled=True),
        accounts.people.change(nobody, anna.principal, disabled=False),
    ):
        assert await kind_of(attempt) is ErrorKind.MISSING


async def test_changing_ones_password_ends_the_other_sessions(
    accounts: Accounts, anna: Session, audit: AuditLog
) -> None:
    other = await accounts.sign_in("Anna", PASSWORD, HERE)
    token = anna.token.reveal()
    assert await kind_of(accounts.change_password(token, "wrong", NEW, HERE)) is ErrorKind.DENIED
    assert (await audit.entries(1))[0].outcome is Outcome.REFUSED
    assert await kind_of(accounts.change_password(token, PASSWORD, "short", HERE)) is ErrorKind.INVALID
    await accounts.change_password(token, PASSWORD, NEW, HERE)
    assert await accounts.session(token) == anna.principal
    assert await kind_of(accounts.session(other.token.reveal())) is ErrorKind.UNAUTHENTICATED
    assert await kind_of(accounts.sign_in("Anna", PASSWORD, HERE)) is ErrorKind.UNAUTHENTICATED
    await accounts.sign_in("Anna", NEW, HERE)


async def test_the_old_password_cannot_be_guessed_with_a_stolen_session(
    accounts: Accounts, anna: Session
) -> None:
    kinds = [await kind_of(accounts.change_password(anna.token.reveal(), "no", NEW, HERE)) for _ in range(50)]
    assert kinds.count(ErrorKind.EXHAUSTED) > 40


async def test_a_password_set_by_an_administrator_ends_all_sessions(
    accounts: Accounts, anna: Session, bob: User, terminal: Principal
) -> None:
    session = await accounts.sign_in("Bob", PASSWORD, HERE)
    assert await kind_of(accounts.people.set_password(bob.id, "short", terminal)) is ErrorKind.INVALID
    await accounts.people.set_password(bob.id, NEW, terminal)
    assert await kind_of(accounts.session(session.token.reveal())) is ErrorKind.UNAUTHENTICATED
    await accounts.sign_in("Bob", NEW, HERE)
