"""Rows of users, sessions and the set-up code. Every function works within the caller's transaction."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from civiscope.base import AppError, ErrorKind, PrincipalId, new_id
from civiscope.security.chain import tidy_text
from civiscope.security.model import Principal, PrincipalKind, Role, SessionId
from civiscope.security.tables import session_table, setup_code_table, user_table
from civiscope.storage import Connection, Row, delete, insert, select, update, upsert

NAME_LIMIT = 64
_SETUP_ROW = 1


@dataclass(frozen=True, slots=True)
class User:
    """An account of a person. The password hash stays in its row."""

    id: PrincipalId
    name: str
    roles: frozenset[Role]
    created_us: int
    disabled_us: int | None
    is_invited: bool = False
    """True while they have not chosen a password: they cannot sign in yet."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user with what a sign-in checks."""

    user: User
    password_hash: str
    """Empty while they have not chosen a password."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One place where somebody is signed in."""

    id: SessionId
    user_id: PrincipalId
    created_us: int
    seen_us: int
    expires_us: int
    from_where: str


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to write; the token itself is not among its fields."""

    id: SessionId
    user_id: PrincipalId
    token_hash: bytes
    now_us: int
    expires_us: int
    from_where: str


def tidy_name(name: str) -> str:
    """The name as it is shown; AppError(INVALID) if nobody could read or type it."""
    tidy = " ".join(unicodedata.normalize("NFC", name).split())
    if not tidy or len(tidy) > NAME_LIMIT or not tidy.isprintable():
        raise AppError(
            ErrorKind.INVALID, f"A user name has 1 to {NAME_LIMIT} visible characters. Choose another."
        )
    return tidy


def name_key(name: str) -> str:
    """What two spellings of one name share: no two users have the same (RFC 8265 §3.3, case mapped)."""
    folded = unicodedata.normalize("NFKC", name[: 2 * NAME_LIMIT]).casefold()
    key = unicodedata.normalize("NFKC", " ".join(folded.split()))[:256]
    return key.encode("utf-8", "replace").decode("utf-8")


def find_credentials(connection: Connection, key: str) -> Credentials | None:
    """The user with this `name_key`."""
    return _credentials(connection.execute(select(user_table).where(user_table.c.name_key == key)).first())


def credentials_of(connection: Connection, user_id: PrincipalId) -> Credentials:
    """The user with this id; AppError(MISSING)."""
    found = _credentials(connection.execute(select(user_table).where(user_table.c.id == user_id)).first())
    if found is None:
        raise AppError(ErrorKind.MISSING, f"There is no user {user_id}: load the list again.")
    return found


def list_users(connection: Connection) -> list[User]:
    """All users, in the order they were made."""
    return [_user(row) for row in connection.execute(select(user_table).order_by(user_table.c.created_us))]


def has_administrator(connection: Connection, apart_from: PrincipalId | None = None) -> bool:
    """True if somebody can sign in and administrate the site at any time (not counting `apart_from`).

    Only roles of the user's own row count: grants end, and hold at times.
    """
    return any(
        Role.ADMINISTRATOR in user.roles
        and user.disabled_us is None
        and not user.is_invited
        and user.id != apart_from
        for user in list_users(connection)
    )


def insert_user(
    connection: Connection, name: str, password_hash: str, roles: Iterable[Role], now_us: int
) -> User:
    """Add a user, invited if the hash is empty; AppError(CONFLICT) if the name is taken."""
    if find_credentials(connection, name_key(name)) is not None:
        raise AppError(ErrorKind.CONFLICT, f"There is a user called {name} already. Choose another name.")
    user = User(PrincipalId(new_id()), name, frozenset(roles), now_us, None, not password_hash)
    connection.execute(
        insert(user_table).values(
            id=user.id,
            name=name,
            name_key=name_key(name),
            password_hash=password_hash,
            roles=sorted(user.roles),
            created_us=now_us,
            password_us=now_us,
        )
    )
    return user


def update_password(connection: Connection, user_id: PrincipalId, password_hash: str, now_us: int) -> None:
    """Set a new password's hash."""
    _update(connection, user_id, password_hash=password_hash, password_us=now_us)


def update_roles(connection: Connection, user_id: PrincipalId, roles: Iterable[Role]) -> None:
    """Set what the user may do; takes effect with the next request."""
    _update(connection, user_id, roles=sorted(set(roles)))


def update_disabled(connection: Connection, user_id: PrincipalId, disabled_us: int | None) -> None:
    """Shut a user out, or let them in again with None."""
    _update(connection, user_id, disabled_us=disabled_us)


def insert_session(connection: Connection, session: NewSession, keep: int) -> None:
    """Add a session; the user's oldest beyond `keep`, and those whose time is over, are ended."""
    connection.execute(delete(session_table).where(session_table.c.expires_us <= session.now_us))
    mine = (
        select(session_table.c.id)
        .where(session_table.c.user_id == session.user_id)
        .order_by(session_table.c.seen_us.desc(), session_table.c.id.desc())
        .offset(keep - 1)
    )
    connection.execute(
        delete(session_table).where(session_table.c.id.in_(connection.execute(mine).scalars().all()))
    )
    connection.execute(
        insert(session_table).values(
            id=session.id,
            user_id=session.user_id,
            token_hash=session.token_hash,
            created_us=session.now_us,
            seen_us=session.now_us,
            expires_us=session.expires_us,
            from_where=tidy_text(session.from_where)[:128],
        )
    )


def find_session(connection: Connection, token_hash: bytes) -> tuple[SessionInfo, User] | None:
    """The session with this token and whose it is."""
    row = connection.execute(select(session_table).where(session_table.c.token_hash == token_hash)).first()
    return None if row is None else _session_and_user(connection, row)


def find_session_by_id(connection: Connection, session_id: SessionId) -> tuple[SessionInfo, User] | None:
    """The session with this id and whose it is."""
    row = connection.execute(select(session_table).where(session_table.c.id == session_id)).first()
    return None if row is None else _session_and_user(connection, row)


def _session_and_user(connection: Connection, row: Row[tuple[object, ...]]) -> tuple[SessionInfo, User]:
    return _session(row), credentials_of(connection, PrincipalId(row.user_id)).user


def list_sessions(connection: Connection, user_id: PrincipalId) -> list[SessionInfo]:
    """A user's sessions, the one used last first."""
    query = (
        select(session_table)
        .where(session_table.c.user_id == user_id)
        .order_by(session_table.c.seen_us.desc(), session_table.c.id.desc())
    )
    return [_session(row) for row in connection.execute(query)]


def session_of(connection: Connection, session_id: SessionId) -> SessionInfo:
    """The session with this id; AppError(MISSING)."""
    row = connection.execute(select(session_table).where(session_table.c.id == session_id)).first()
    if row is None:
        raise missing_session()
    return _session(row)


def missing_session() -> AppError:
    """One and the same for a session that ended and for one that is nobody's business."""
    return AppError(ErrorKind.MISSING, "This session has ended already.")


def touch_session(connection: Connection, session_id: SessionId, now_us: int) -> None:
    """Note that the session was used."""
    connection.execute(update(session_table).where(session_table.c.id == session_id).values(seen_us=now_us))


def end_session(connection: Connection, session_id: SessionId) -> None:
    """The session's token opens nothing from now on."""
    connection.execute(delete(session_table).where(session_table.c.id == session_id))


def end_sessions(connection: Connection, user_id: PrincipalId, but: SessionId | None = None) -> None:
    """End all of a user's sessions but one."""
    query = delete(session_table).where(session_table.c.user_id == user_id)
    connection.execute(query if but is None else query.where(session_table.c.id != but))


def write_setup_code(connection: Connection, code_hash: bytes, now_us: int, expires_us: int) -> None:
    """Keep the hash of the one code that is good; an earlier one is not any more."""
    values = {"code_hash": code_hash, "issued_us": now_us, "expires_us": expires_us}
    connection.execute(
        upsert(setup_code_table)
        .values(id=_SETUP_ROW, **values)
        .on_conflict_do_update(index_elements=[setup_code_table.c.id], set_=values)
    )


def read_setup_code(connection: Connection, now_us: int) -> bytes | None:
    """The hash of the code that is good now."""
    row = connection.execute(select(setup_code_table)).first()
    if row is None or not row.issued_us <= now_us < row.expires_us:
        return None
    code_hash: bytes = row.code_hash
    return code_hash


def delete_setup_code(connection: Connection) -> None:
    """The code is used up."""
    connection.execute(delete(setup_code_table))


def refuse_second_setup(connection: Connection) -> None:
    """AppError(CONFLICT) once somebody can administrate the site."""
    if has_administrator(connection):
        raise AppError(ErrorKind.CONFLICT, "This site has its administrator already. Sign in instead.")


def refuse_last_administrator(connection: Connection, user: User) -> None:
    """AppError(CONFLICT) if nobody could administrate the site without this user."""
    if Role.ADMINISTRATOR in user.roles and not has_administrator(connection, apart_from=user.id):
        raise AppError(
            ErrorKind.CONFLICT,
            f"{user.name} is the only administrator: nobody could administrate the site any more. "
            "Make somebody else an administrator first.",
        )


def principal_of(user: User, session_id: SessionId | None) -> Principal:
    """The user as whoever asks, by the roles of the own row; for the audit."""
    return Principal(user.id, user.name, PrincipalKind.PERSON, user.roles, session_id)


def _update(connection: Connection, user_id: PrincipalId, **values: object) -> None:
    connection.execute(update(user_table).where(user_table.c.id == user_id).values(**values))


def _credentials(row: Row[tuple[object, ...]] | None) -> Credentials | None:
    return None if row is None else Credentials(_user(row), row.password_hash)


def _user(row: Row[tuple[object, ...]]) -> User:
    roles = frozenset(Role(role) for role in row.roles)
    is_invited = not row.password_hash
    return User(PrincipalId(row.id), row.name, roles, row.created_us, row.disabled_us, is_invited)


def _session(row: Row[tuple[object, ...]]) -> SessionInfo:
    return SessionInfo(
        SessionId(row.id),
        PrincipalId(row.user_id),
        row.created_us,
        row.seen_us,
        row.expires_us,
        row.from_where,
    )
