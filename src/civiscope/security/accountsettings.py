"""Limits of sessions, codes and tries."""

from dataclasses import dataclass, field

from civiscope.security.passwords import HashSettings
from civiscope.security.throttle import ThrottleSettings

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Limits of sessions and codes, and what a password check may cost."""

    idle_us: int = 12 * _HOUR_US
    session_us: int = 7 * 24 * _HOUR_US
    sessions_per_user: int = 20
    setup_code_us: int = 24 * _HOUR_US
    invitation_us: int = 72 * _HOUR_US
    token_us: int = 366 * 24 * _HOUR_US
    """How long a token for a program may live."""
    tokens_per_user: int = 50
    passkeys_per_user: int = 20
    grants_per_user: int = 200
    hashing: HashSettings = field(default_factory=HashSettings)
    throttle: ThrottleSettings = field(default_factory=ThrottleSettings)
