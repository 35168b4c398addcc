"""The second factor: a phone's codes and ten recovery codes, enrolled, asked for, used once, taken away."""

from collections import OrderedDict
from dataclasses import dataclass

from civiscope.base import AppError, ErrorKind, PrincipalId
from civiscope.security import factorrows, users
from civiscope.security.auditwriter import AuditWriter
from civiscope.security.factorrows import FactorState
from civiscope.security.model import Permission, Principal, authorise
from civiscope.security.passwordproof import PasswordProof
from civiscope.security.secret import Secret
from civiscope.security.sessions import Ground, refused, user_entry
from civiscope.security.throttle import Throttle, source_of
from civiscope.security.totp import (
    matching_step,
    new_recovery_codes,
    new_totp_secret,
    recovery_code_hash,
    secret_text,
    totp_uri,
)
from civiscope.security.vault import Vault
from civiscope.storage import Connection

_ENROL_US = 600_000_000
_LONGEST_TOTP = 6
_KNOWN_LIMIT = 8192
FACTORS = ("totp", "recovery")


class SecondFactorError(AppError):
    """The password was right; a code of one of `second_factor` is needed, or the one sent was wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorKind.UNAUTHENTICATED, message)
        self.second_factor = FACTORS

    def __reduce__(self) -> tuple[type["SecondFactorError"], tuple[str]]:  # type: ignore[override]  # other args
        return (SecondFactorError, (self.message,))


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a phone must be told; shown once."""

    secret: Secret
    uri: Secret


class SecondFactors:
    """Phones and recovery codes of all people."""

    def __init__(self, ground: Ground, vault: Vault | None, proof: PasswordProof, throttle: Throttle) -> None:
        self._ground = ground
        self._vault = vault
        self._proof = proof
        self._throttle = throttle
        self._known: OrderedDict[tuple[str, PrincipalId], None] = OrderedDict()

    # -- for signing in

    async def needs_code(self, user_id: PrincipalId) -> bool:
        """True if the user has enrolled a phone."""
        found = await self._ground.database.read(lambda connection: factorrows.find_totp(connection, user_id))
        return found is not None and found.is_confirmed

    def pace(self, user_id: PrincipalId, where: str, code: str) -> None:
        """Note a try of a code from there; TooManyAttemptsError if it comes too early.

        Six digits could be guessed from many addresses at once by who has the password, so all addresses from
        which this person has not come before wait together. Recovery codes, passkeys and known desks do not.
        """
        self._throttle.begin(where, _pace_key(user_id))
        if len("".join(code.split())) <= _LONGEST_TOTP and (source_of(where), user_id) not in self._known:
            self._throttle.begin(_strangers(user_id), _pace_key(user_id))

    def accepted(self, user_id: PrincipalId, where: str) -> None:
        """The last try was right."""
        self._throttle.succeeded(where, _pace_key(user_id))
        self._throttle.take_back(_strangers(user_id), _pace_key(user_id))
        self._known[source_of(where), user_id] = None
        while len(self._known) > _KNOWN_LIMIT:
            self._known.popitem(last=False)

    def use_code(self, connection: Connection, user_id: PrincipalId, code: str) -> str | None:
        """Use a code up within a sign-in's transaction: which factor it was; SecondFactorError if wrong.

        None if the user needs none. A code that was used before, or one before it, is wrong.
        """
        kept = factorrows.find_totp(connection, user_id)
        if kept is None or not kept.is_confirmed:
            return None
        step = None
        if len("".join(code.split())) <= _LONGEST_TOTP:
            step = matching_step(self._open(kept.sealed, user_id), code, self._now_us, kept.last_step)
        if step is not None:
            factorrows.use_step(connection, user_id, step)
            return "totp"
        if factorrows.use_recovery_code(connection, user_id, recovery_code_hash(code)):
            return "recovery"
        raise SecondFactorError(
            "The code is wrong, was used before, or its 30 s are over. Wait for the next one, or use one of "
            "your recovery codes."
        )

    # -- for the person

    async def state_of(self, user_id: PrincipalId) -> FactorState:
        """What the user can sign in with besides the password."""
        return await self._ground.database.read(lambda connection: factorrows.state_of(connection, user_id))

    async def enrol(self, by: Principal, password: str, site_name: str, where: str) -> Enrolment:
        """A secret for a phone, good for ten minutes until a code confirms it. CONFLICT if there is one."""
        found = await self._proof.check(by, password, "factor.enrol", where)
        secret = new_totp_secret()
        sealed = self._the_vault().seal_secret(secret, _context(by.id))

        def work(connection: Connection, writer: AuditWriter) -> None:
            kept = factorrows.find_totp(connection, by.id)
            if kept is not None and kept.is_confirmed:
                raise AppError(
                    ErrorKind.CONFLICT,
                    "You have a phone for codes already. Remove it first, then add the new one.",
                )
            factorrows.begin_totp(connection, by.id, sealed, self._now_us)
            writer.append(user_entry(by, "factor.enrol", found.user, where))

        await self._ground.audit.transact(work)
        return Enrolment(Secret(secret_text(secret)), Secret(totp_uri(secret, site_name, by.name)))

    async def confirm(self, by: Principal, code: str, where: str) -> tuple[Secret, ...]:
        """The phone's first code puts it in force; the recovery codes, shown once. DENIED for a wrong one."""
        self._throttle.begin(where, _pace_key(by.id))
        codes = new_recovery_codes()
        hashes = [recovery_code_hash(one.reveal()) for one in codes]

        def work(connection: Connection, writer: AuditWriter) -> bool:
            user = users.credentials_of(connection, by.id).user
            kept = factorrows.find_totp(connection, by.id)
            if kept is None or kept.is_confirmed or self._now_us - kept.begun_us > _ENROL_US:
                raise AppError(
                    ErrorKind.CONFLICT,
                    "No phone waits to be confirmed; after ten minutes it begins anew. Begin again.",
                )
            step = matching_step(self._open(kept.sealed, by.id), code, self._now_us, kept.last_step)
            if step is None:
                writer.append(refused(user_entry(by, "factor.confirm", user, where)))
                return False
            factorrows.use_step(connection, by.id, step)
            factorrows.confirm_totp(connection, by.id, self._now_us)
            factorrows.write_recovery_codes(connection, by.id, hashes)
            writer.append(user_entry(by, "factor.confirm", user, where))
            return True

        if not await self._ground.audit.transact(work):
            raise AppError(
                ErrorKind.DENIED,
                "The code does not fit. Check the clock of the phone and of this server, and type the newest "
                "code.",
            )
        self.accepted(by.id, where)
        return codes

    async def remove(self, by: Principal, password: str, where: str) -> None:
        """Sign in without a code again; the recovery codes go with the phone."""
        found = await self._proof.check(by, password, "factor.remove", where)

        def work(connection: Connection, writer: AuditWriter) -> None:
            factorrows.delete_totp(connection, by.id)
            writer.append(user_entry(by, "factor.remove", found.user, where))

        await self._ground.audit.transact(work)

    async def remove_all(self, user_id: PrincipalId, by: Principal, where: str) -> None:
        """A lost phone: take phone, recovery codes and passkeys from somebody; all their sessions end."""
        authorise(by, Permission.USER_MANAGE)

        def work(connection: Connection, writer: AuditWriter) -> None:
            user = users.credentials_of(connection, user_id).user
            factorrows.delete_totp(connection, user_id)
            factorrows.delete_passkeys(connection, user_id)
            users.end_sessions(connection, user_id, but=by.session_id)
            writer.append(user_entry(by, "factor.remove_all", user, where))

        await self._ground.audit.transact(work)

    # -- inside

    @property
    def _now_us(self) -> int:
        return self._ground.clock.now_us()

    def _the_vault(self) -> Vault:
        if self._vault is None:
            raise AppError(
                ErrorKind.UNAVAILABLE, "This process has no key for second factors; ask the server."
            )
        return self._vault

    def _open(self, sealed: bytes, user_id: PrincipalId) -> bytes:
        return self._the_vault().open_secret(sealed, _context(user_id))


def _context(user_id: PrincipalId) -> bytes:
    return b"user/%s/totp" % str(user_id).encode()


def _strangers(user_id: PrincipalId) -> str:
    return f"strangers of {user_id}"


def _pace_key(user_id: PrincipalId) -> str:
    return f"code of {user_id}"
