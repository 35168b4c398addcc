"""Rows of second factors and recovery codes. Every function works within the caller's transaction."""

from collections.abc import Iterable
from dataclasses import dataclass

from civiscope.base import PrincipalId
from civiscope.security.tables import passkey_table, recovery_code_table, totp_table
from civiscope.storage import Connection, delete, func, insert, select, update, upsert


@dataclass(frozen=True, slots=True)
class KeptTotp:
    """A phone's secret as it lies in the database."""

    sealed: bytes
    begun_us: int
    is_confirmed: bool
    last_step: int


@dataclass(frozen=True, slots=True)
class FactorState:
    """What somebody can sign in with besides the password."""

    has_totp: bool = False
    passkeys: int = 0
    recovery_left: int = 0


def find_totp(connection: Connection, user_id: PrincipalId) -> KeptTotp | None:
    """The user's phone, confirmed or not."""
    row = connection.execute(select(totp_table).where(totp_table.c.user_id == user_id)).first()
    if row is None:
        return None
    return KeptTotp(row.sealed, row.begun_us, row.confirmed_us is not None, row.last_step)


def begin_totp(connection: Connection, user_id: PrincipalId, sealed: bytes, now_us: int) -> None:
    """Keep a secret that a first code must confirm; an earlier unconfirmed one is forgotten."""
    values = {"sealed": sealed, "begun_us": now_us, "confirmed_us": None, "last_step": -1}
    connection.execute(
        upsert(totp_table)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=[totp_table.c.user_id], set_=values)
    )


def confirm_totp(connection: Connection, user_id: PrincipalId, now_us: int) -> None:
    """From now on signing in asks for a code."""
    connection.execute(update(totp_table).where(totp_table.c.user_id == user_id).values(confirmed_us=now_us))


def use_step(connection: Connection, user_id: PrincipalId, step: int) -> None:
    """Codes of this step and of earlier ones are used up."""
    connection.execute(update(totp_table).where(totp_table.c.user_id == user_id).values(last_step=step))


def write_recovery_codes(connection: Connection, user_id: PrincipalId, hashes: Iterable[bytes]) -> None:
    """These codes and no others."""
    connection.execute(delete(recovery_code_table).where(recovery_code_table.c.user_id == user_id))
    rows = [{"user_id": user_id, "code_hash": one} for one in hashes]
    if rows:
        connection.execute(insert(recovery_code_table), rows)


def use_recovery_code(connection: Connection, user_id: PrincipalId, code_hash: bytes) -> bool:
    """True if it was one of the user's; it is used up."""
    query = delete(recovery_code_table).where(
        recovery_code_table.c.user_id == user_id, recovery_code_table.c.code_hash == code_hash
    )
    return connection.execute(query).rowcount == 1


def delete_totp(connection: Connection, user_id: PrincipalId) -> None:
    """The phone and the paper count no longer."""
    connection.execute(delete(totp_table).where(totp_table.c.user_id == user_id))
    write_recovery_codes(connection, user_id, ())


def delete_passkeys(connection: Connection, user_id: PrincipalId) -> None:
    """No passkey of the user opens anything."""
    connection.execute(delete(passkey_table).where(passkey_table.c.user_id == user_id))


def state_of(connection: Connection, user_id: PrincipalId) -> FactorState:
    """What the user can sign in with."""
    totp = find_totp(connection, user_id)
    return FactorState(
        totp is not None and totp.is_confirmed,
        connection.execute(
            select(func.count()).select_from(passkey_table).where(passkey_table.c.user_id == user_id)
        ).scalar_one(),
        connection.execute(
            select(func.count())
            .select_from(recovery_code_table)
            .where(recovery_code_table.c.user_id == user_id)
        ).scalar_one(),
    )
