"""Asking somebody who is signed in for the password again, before what a borrowed desk must not change."""

from civiscope.base import AppError, ErrorKind
from civiscope.security import users
from civiscope.security.model import Principal
from civiscope.security.passwords import PasswordHasher
from civiscope.security.sessions import Ground, refused, user_entry
from civiscope.security.throttle import Throttle
from civiscope.security.users import Credentials


class PasswordProof:
    """Checks a session holder's own password, at the pace of sign-ins; each wrong one is in the audit."""

    def __init__(self, ground: Ground, hasher: PasswordHasher, throttle: Throttle) -> None:
        self._ground = ground
        self._hasher = hasher
        self._throttle = throttle

    async def check(self, principal: Principal, password: str, what: str, where: str) -> Credentials:
        """The account as it was read; AppError(DENIED) if the password is wrong, EXHAUSTED if too fast."""
        key = users.name_key(principal.name)
        self._throttle.begin(where, key)
        found = await self._ground.database.read(
            lambda connection: users.credentials_of(connection, principal.id)
        )
        if not await self._hasher.verify(found.password_hash, password, known=True):
            await self._ground.audit.append(refused(user_entry(principal, what, found.user, where)))
            raise AppError(ErrorKind.DENIED, "The present password is wrong. Nothing was changed.")
        self._throttle.succeeded(where, key)
        return found
