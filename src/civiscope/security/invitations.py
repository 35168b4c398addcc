"""One-time codes by which somebody who was invited chooses a password: 80 bits, three days, once."""

from dataclasses import dataclass

from civiscope.base import AppError, ErrorKind, PrincipalId
from civiscope.security import users
from civiscope.security.secret import Secret
from civiscope.security.tables import invitation_table
from civiscope.security.tokens import code_hash
from civiscope.security.users import User
from civiscope.storage import Connection, delete, select, upsert

_USE = b"invitation"


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code for one person; shown once, to who invites."""

    code: Secret
    expires_us: int


def write_invitation(
    connection: Connection, user_id: PrincipalId, invitation: Invitation, now_us: int
) -> None:
    """Keep the code's hash; an earlier code of this user is not good any more."""
    values = {
        "code_hash": code_hash(_USE, invitation.code.reveal()),
        "issued_us": now_us,
        "expires_us": invitation.expires_us,
    }
    connection.execute(
        upsert(invitation_table)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=[invitation_table.c.user_id], set_=values)
    )


def invited_user(connection: Connection, typed: str, now_us: int) -> User:
    """Whom the code invites; AppError(DENIED) in the same words for wrong, used, expired and disabled."""
    row = connection.execute(
        select(invitation_table).where(invitation_table.c.code_hash == code_hash(_USE, typed))
    ).first()
    if row is not None and row.issued_us <= now_us < row.expires_us:
        user = users.credentials_of(connection, PrincipalId(row.user_id)).user
        if user.disabled_us is None:
            return user
    raise AppError(
        ErrorKind.DENIED,
        "The invitation code is wrong, used or expired. Ask an administrator of this site for a new one.",
    )


def delete_invitation(connection: Connection, user_id: PrincipalId) -> None:
    """The code is used up, or called back."""
    connection.execute(delete(invitation_table).where(invitation_table.c.user_id == user_id))
