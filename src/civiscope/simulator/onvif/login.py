"""Who may ask what of a simulated device: user name token, HTTP Digest, user levels (ONVIF Core §5.9)."""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum

from civiscope.base import ProtocolError
from civiscope.media.wire import (
    Credentials,
    DigestChallenge,
    parse_authorization,
    proof_is_right,
    write_challenge,
)
from civiscope.simulator.onvif.soap import UsernameToken

WINDOW_US = 5 * 60 * 1_000_000
"""A token made further from the device's own clock than this is refused, as most cameras do."""
_NONCES_KEPT = 4096
_REALM = "Simulated ONVIF device"


class UserLevel(StrEnum):
    """Of a device's user (ONVIF Core §5.9.4.1); everybody else is anonymous."""

    ADMINISTRATOR = "Administrator"
    OPERATOR = "Operator"
    USER = "User"


_ALL = frozenset(UserLevel)
_HIGHER = frozenset({UserLevel.ADMINISTRATOR, UserLevel.OPERATOR})
_TOP = frozenset({UserLevel.ADMINISTRATOR})


class Access(Enum):
    """Access class of a request and the levels it is open to (ONVIF Core §5.9.4.3, table 7)."""

    PRE_AUTH = ("pre_auth", _ALL)
    READ_SYSTEM = ("read_system", _ALL)
    READ_SYSTEM_SECRET = ("read_system_secret", _TOP)
    WRITE_SYSTEM = ("write_system", _TOP)
    UNRECOVERABLE = ("unrecoverable", _TOP)
    READ_MEDIA = ("read_media", _ALL)
    ACTUATE = ("actuate", _HIGHER)

    def admits(self, level: UserLevel) -> bool:
        """A user of this level may ask."""
        return level in self.value[1]


@dataclass(frozen=True, slots=True)
class DeviceUser:
    """One user of a device."""

    credentials: Credentials
    level: UserLevel = UserLevel.ADMINISTRATOR


class Doorkeeper:
    """Proves users of one device and remembers what was used once."""

    def __init__(self) -> None:
        self._used: OrderedDict[bytes, None] = OrderedDict()
        self._given: OrderedDict[str, int] = OrderedDict()
        """Nonce → the highest count it came with."""

    def by_token(self, token: UsernameToken, users: Sequence[DeviceUser], now_us: int) -> DeviceUser | None:
        """The user whose token it is; None for a wrong, plain, old or repeated one, by the device's clock."""
        made_us = parse_time_us(token.created)
        if not token.is_digest or made_us is None or abs(made_us - now_us) > WINDOW_US or not token.nonce:
            return None
        if token.nonce in self._used:
            return None
        for user in users:
            if user.credentials.username == token.username and _is_digest_of(
                token, user.credentials.password
            ):
                _remember(self._used, token.nonce, None)
                return user
        return None

    def by_header(self, value: str, method: str, uri: str, users: Sequence[DeviceUser]) -> DeviceUser | None:
        """The user of an Authorization header (RFC 7616); a count that was seen before is refused."""
        try:
            proof = parse_authorization(value)
        except ProtocolError:
            return None
        if proof is None or proof.scheme != "digest" or proof.parameters.get("uri") != uri:
            return None
        nonce, count = proof.parameters.get("nonce", ""), proof.parameters.get("nc", "")
        if nonce not in self._given or not _is_hex(count) or int(count, 16) <= self._given[nonce]:
            return None
        challenge = DigestChallenge(_REALM, nonce, "MD5", "auth")
        for user in users:
            if user.credentials.username == proof.username and proof_is_right(
                proof, challenge, user.credentials, method
            ):
                self._given[nonce] = int(count, 16)
                return user
        return None

    def challenge(self) -> str:
        """The value of WWW-Authenticate with a fresh nonce."""
        nonce = secrets.token_hex(16)
        _remember(self._given, nonce, 0)
        return write_challenge(DigestChallenge(_REALM, nonce, "MD5", "auth"))


def parse_time_us(text: str) -> int | None:
    """An xs:dateTime as UTC microseconds; without a zone it counts as UTC. None when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    try:
        return int(aware.timestamp()) * 1_000_000 + aware.microsecond
    except (OverflowError, ValueError):
        return None


def write_time(at_us: int) -> str:
    """UTC microseconds as xs:dateTime with whole seconds."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_digest_of(token: UsernameToken, password: str) -> bool:
    """Base64(SHA-1(nonce + created + password)), UsernameToken Profile 1.0 §3.1."""
    made = hashlib.sha1(
        token.nonce + token.created.encode() + password.encode(), usedforsecurity=False
    ).digest()
    return hmac.compare_digest(base64.b64encode(made), token.password.encode())


def _is_hex(text: str) -> bool:
    return 0 < len(text) <= 8 and all(letter in "0123456789abcdefABCDEF" for letter in text)


def _remember(kept: OrderedDict[bytes, None] | OrderedDict[str, int], key: object, value: object) -> None:
    kept[key] = value  # type: ignore[index,assignment]  # one body for the two tables above
    while len(kept) > _NONCES_KEPT:
        kept.popitem(last=False)
